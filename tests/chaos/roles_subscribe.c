/* The subscriber: each number goes to the journal before its callback returns. */
#include "party.h"

#include <time.h>

typedef struct Lane {
  uint64_t last; /* number; a subscription's callbacks never run two at once */
  uint64_t id;
} Lane;

static MyceliumRuntime* runtime;
static const Options* wanted;
static Lane lanes[MAX_TYPES];
static _Atomic uint64_t received;
static _Atomic uint64_t unsound;
static _Atomic uint64_t out_of_order; /* not after the one before it */
static _Atomic int64_t oldest_ns = INT64_MAX;
static _Atomic int64_t newest_ns = INT64_MIN; /* of the envelopes' times */

static void note_time(const MyceliumMessage* message) {
  MyceliumEnvelope envelope = {.struct_size = sizeof envelope};
  if (mycelium_message_envelope(message, &envelope) != MYCELIUM_SUCCESS)
    return;
  int64_t seen = atomic_load(&oldest_ns);
  while (envelope.timestamp_ns < seen && !atomic_compare_exchange_weak(&oldest_ns, &seen, envelope.timestamp_ns)) {
  }
  seen = atomic_load(&newest_ns);
  while (envelope.timestamp_ns > seen && !atomic_compare_exchange_weak(&newest_ns, &seen, envelope.timestamp_ns)) {
  }
}

static void on_message(const MyceliumMessage* message, void* user_data) {
  Lane* lane = user_data;
  size_t len = 0;
  const uint8_t* payload = mycelium_message_payload(message, &len);
  const uint16_t type_id = mycelium_message_type_id(message);
  uint64_t number = 0;
  const int sound = content_read(payload, len, type_id, wanted->sizes, &number);
  if (!sound)
    atomic_fetch_add(&unsound, 1);
  else if (number <= lane->last)
    atomic_fetch_add(&out_of_order, 1);
  lane->last = number;
  note_time(message);
  journal_write(number, type_id, sound);
  atomic_fetch_add(&received, 1);
  if (wanted->slow_us != 0) {
    const struct timespec pause = {0, (long)wanted->slow_us * 1000};
    nanosleep(&pause, NULL);
  }
}

static int start(MyceliumRuntime* rt, const Options* options) {
  runtime = rt;
  wanted = options;
  for (uint64_t i = 0; i < options->type_count; ++i) {
    MyceliumSubscribeOptions how;
    mycelium_subscribe_options_init(&how);
    how.on_message = on_message;
    how.user_data = &lanes[i];
    how.capacity = (uint32_t)options->mailbox;
    how.flags = options->slow_us != 0 ? MYCELIUM_SUBSCRIBE_DEDICATED : 0;
    if (mycelium_subscribe_with_options(rt, options->types[i], &how, &lanes[i].id) != MYCELIUM_SUCCESS) {
      fprintf(stderr, "subscribe: %s\n", mycelium_last_error());
      return 1;
    }
  }
  return 0;
}

static void stop(void) {}

static void report(FILE* to) {
  fprintf(to,
          ", \"received\": %llu, \"unsound\": %llu, \"out_of_order\": %llu, \"oldest_ns\": %lld, \"newest_ns\": %lld",
          (unsigned long long)atomic_load(&received), (unsigned long long)atomic_load(&unsound),
          (unsigned long long)atomic_load(&out_of_order), (long long)atomic_load(&oldest_ns),
          (long long)atomic_load(&newest_ns));
}

const Role subscribe_role = {start, stop, report};
