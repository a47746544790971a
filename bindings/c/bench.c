/* How fast the bus is in C: what the other languages are compared with. tools/bench adapters runs it.
 *   bench [--quick]
 * Prints one JSON object a line. A rate is in operations per second, the median of 5 rounds of 0.3 s. --quick: one
 * round of 0.02 s, to see that it works. */
#define _POSIX_C_SOURCE 200809L
#include "examples/messages.h"

#include <mycelium.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TYPE = 20001, SIZE = 64, BATCH = 256, MOST_ROUNDS = 5 };

typedef struct Bench {
  MyceliumRuntime* bus;
  uint64_t published;
  uint64_t received;
} Bench;

static const uint8_t payload[SIZE];
static MyceliumPayload batch[BATCH];

static void demand(bool right, const char* what) {
  if (right)
    return;
  fprintf(stderr, "bench: %s: %s\n", what, mycelium_last_error());
  exit(1);
}

static double now_s(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* What a benchmark computes must look used to the compiler. */
static void use(const void* result) { __asm__ volatile("" : : "g"(result) : "memory"); }

/* ---- the work: each does so many operations and returns how many ---- */

static uint64_t publish(Bench* self) {
  for (int i = 0; i < 1000; ++i)
    demand(mycelium_publish(self->bus, TYPE, payload, SIZE) == MYCELIUM_SUCCESS, "publish");
  return 1000;
}

static uint64_t publish_batch(Bench* self) {
  demand(mycelium_publish_batch(self->bus, batch, BATCH, NULL) == MYCELIUM_SUCCESS, "publish_batch");
  self->published += BATCH;
  return BATCH;
}

static uint64_t encode(Bench* self) {
  static const char text[] = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
  static const TextMessage message = {{"py", 2}, {text, 64}, 123};
  uint8_t buffer[MESSAGE_SPACE + 66];
  (void)self;
  for (int i = 0; i < 1000; ++i) {
    size_t len = 0;
    use(&message); /* may have changed */
    use(text_message_encode(&message, buffer, sizeof buffer, &len));
  }
  return 1000;
}

/* A string that is the reader's own, as other languages make them. */
static char* copy(Text text) {
  char* own = malloc(text.len + 1);
  demand(own != NULL, "malloc");
  memcpy(own, text.data, text.len + 1);
  return own;
}

/* The payload begins a cache line and the last KEPT results stay, here and in the other languages' programs: else one
 * lucky or unlucky place in memory decides. */
enum { KEPT = 64 };
static uint64_t decode(Bench* self) {
  static const char text[] = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
  static const TextMessage message = {{"py", 2}, {text, 64}, 123};
  static _Alignas(64) uint8_t encoded[MESSAGE_SPACE + 66];
  static char* kept[KEPT][2];
  uint8_t buffer[sizeof encoded];
  size_t len = 0;
  const uint8_t* at = text_message_encode(&message, buffer, sizeof buffer, &len);
  memcpy(encoded, at, len);
  (void)self;
  for (int i = 0; i < 1000; ++i) {
    TextMessage read;
    use(encoded);
    demand(text_message_decode(encoded, len, &read), "decode");
    char** strings = kept[i % KEPT];
    free(strings[0]);
    free(strings[1]);
    strings[0] = copy(read.sender);
    strings[1] = copy(read.content);
    use(strings);
  }
  return 1000;
}

/* ---- callbacks ---- */

static void on_payload(uint16_t type_id, const uint8_t* data, size_t len, void* user_data) {
  (void)type_id;
  use(data);
  ((Bench*)user_data)->received += len == SIZE;
}

static void on_batch(const MyceliumMessage* const* messages, size_t count, void* user_data) {
  for (size_t i = 0; i < count; ++i) {
    size_t len = 0;
    use(mycelium_message_payload(messages[i], &len));
    ((Bench*)user_data)->received += len == SIZE;
  }
}

static void subscribe(Bench* self, bool batched) {
  MyceliumSubscribeOptions options;
  mycelium_subscribe_options_init(&options);
  options.user_data = self;
  options.block_timeout_ns = 60000000000; /* the publisher waits for the callback, and nothing is lost */
  if (batched)
    options.on_batch = on_batch;
  else
    options.on_payload = on_payload;
  demand(mycelium_subscribe_with_options(self->bus, TYPE, &options, NULL) == MYCELIUM_SUCCESS, "subscribe");
}

/* ---- rows ---- */

typedef struct Row {
  const char* what;
  uint64_t (*work)(Bench*);
  int subscribed; /* 0, 1, 2: batched */
} Row;

static const Row rows[] = {
    {"publish", publish, 0}, {"callback", publish_batch, 1}, {"callback_batched", publish_batch, 2},
    {"encode", encode, 0},   {"decode", decode, 0},
};

/* Operations per second, until the last callback has run. */
static double round_of(Bench* bench, uint64_t (*work)(Bench*), double seconds) {
  uint64_t done = 0;
  const double begin = now_s();
  do
    done += work(bench);
  while (now_s() - begin < seconds);
  demand(mycelium_flush(bench->bus, MYCELIUM_FOREVER) == MYCELIUM_SUCCESS, "flush");
  return (double)done / (now_s() - begin);
}

static int ascending(const void* left, const void* right) {
  const double a = *(const double*)left;
  const double b = *(const double*)right;
  return (a > b) - (a < b);
}

static void run(const Row* row, int rounds, double seconds) {
  Bench bench = {mycelium_runtime_create(), 0, 0};
  double rates[MOST_ROUNDS];
  demand(bench.bus != NULL, "runtime");
  if (row->subscribed != 0)
    subscribe(&bench, row->subscribed == 2);
  round_of(&bench, row->work, seconds / 4); /* warms up */
  for (int i = 0; i < rounds; ++i)
    rates[i] = round_of(&bench, row->work, seconds);
  mycelium_runtime_destroy(bench.bus);
  demand(bench.received == bench.published, "messages were lost");
  qsort(rates, (size_t)rounds, sizeof rates[0], ascending);
  printf("{\"language\": \"c\", \"what\": \"%s\", \"rate\": %.0f}\n", row->what, rates[rounds / 2]);
  fflush(stdout);
}

int main(int argc, char** argv) {
  const bool quick = argc == 2 && strcmp(argv[1], "--quick") == 0;
  if (argc > 1 && !quick) {
    fprintf(stderr, "usage: bench [--quick]\n");
    return 2;
  }
  for (int i = 0; i < BATCH; ++i)
    batch[i] = (MyceliumPayload){TYPE, payload, SIZE};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; ++i)
    run(&rows[i], quick ? 1 : MOST_ROUNDS, quick ? 0.02 : 0.3);
  return 0;
}
