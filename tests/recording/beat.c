/* A plug-in that publishes on a thread of its own: CounterUpdate with value 1, 2, 3 ... and, every tenth time, a
 * TextMessage with the same number as its text. BEAT_COUNT: how many (0: until it is stopped). BEAT_TRACE: how many
 * were accepted is written to this file at the end.
 *
 * It also counts what it receives: BEAT_RECEIVED names a file that gets one line "value" for each CounterUpdate, and
 * then it publishes nothing. */
#include "bindings/c/examples/messages.h"

#include <mycelium.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static MyceliumRuntime* runtime;
static pthread_t thread;
static atomic_bool stopping;
static int32_t accepted;
static FILE* received;
static uint64_t subscription;

static void publish(int32_t value) {
  uint8_t buffer[MESSAGE_SPACE + 64];
  size_t len = 0;
  const CounterUpdate update = {1, value, 1};
  const uint8_t* encoded = counter_update_encode(&update, buffer, sizeof buffer, &len);
  if (mycelium_publish(runtime, COUNTER_UPDATE, encoded, len) == MYCELIUM_SUCCESS)
    ++accepted;
  if (value % 10 != 0)
    return;
  char digits[16];
  const int length = snprintf(digits, sizeof digits, "%" PRId32, value);
  const TextMessage text = {{"beat", 4}, {digits, (size_t)length}, 0};
  encoded = text_message_encode(&text, buffer, sizeof buffer, &len);
  if (mycelium_publish(runtime, TEXT_MESSAGE, encoded, len) == MYCELIUM_SUCCESS)
    ++accepted;
}

static void* beat(void* limit) {
  const long count = *(long*)limit;
  for (int32_t value = 1; (count == 0 || value <= count) && !atomic_load(&stopping); ++value)
    publish(value);
  return NULL;
}

static void on_update(uint16_t type_id, const uint8_t* payload, size_t len, void* user_data) {
  (void)type_id;
  (void)user_data;
  CounterUpdate update;
  if (counter_update_decode(payload, len, &update))
    fprintf(received, "%" PRId32 "\n", update.value);
}

MYCELIUM_API int32_t plugin_start(MyceliumRuntime* rt) {
  static long count;
  runtime = rt;
  const char* path = getenv("BEAT_RECEIVED");
  if (path != NULL) {
    received = fopen(path, "w");
    return received == NULL ? MYCELIUM_ERROR_RUNTIME
                            : mycelium_subscribe(rt, COUNTER_UPDATE, on_update, NULL, &subscription);
  }
  const char* wanted = getenv("BEAT_COUNT");
  count = wanted == NULL ? 0 : strtol(wanted, NULL, 10);
  return pthread_create(&thread, NULL, beat, &count) == 0 ? MYCELIUM_SUCCESS : MYCELIUM_ERROR_RUNTIME;
}

MYCELIUM_API int32_t plugin_stop(void) {
  if (received != NULL) {
    const int32_t done = mycelium_unsubscribe(runtime, subscription);
    fclose(received);
    return done;
  }
  atomic_store(&stopping, true);
  pthread_join(thread, NULL);
  const char* path = getenv("BEAT_TRACE");
  FILE* trace = path == NULL ? NULL : fopen(path, "w");
  if (trace != NULL) {
    fprintf(trace, "%" PRId32 "\n", accepted);
    fclose(trace);
  }
  return MYCELIUM_SUCCESS;
}
