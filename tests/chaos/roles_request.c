/* Who asks, and who answers: request number n is answered with the same bytes. Every request has to end, once. */
#include "party.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_REQUESTS = 1 << 20 };

static MyceliumRuntime* runtime;
static const Options* wanted;

/* ---- asks ---- */

static pthread_t thread;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* pending */
static pthread_cond_t ended = PTHREAD_COND_INITIALIZER;
static uint64_t pending;
static atomic_bool stopping;
static _Atomic uint64_t asked;
static _Atomic uint64_t refused; /* calls that began nothing */
static _Atomic uint64_t replied;
static _Atomic uint64_t no_reply;
static _Atomic uint64_t timed_out;
static _Atomic uint64_t other;
static _Atomic uint64_t twice;
static _Atomic uint64_t wrong; /* replies with other bytes */
static _Atomic uint8_t* outcomes;

static void on_reply(uint64_t request_id, int32_t status, const MyceliumMessage* reply, void* user_data) {
  (void)request_id;
  const uint64_t index = (uint64_t)(uintptr_t)user_data;
  if (atomic_fetch_add(&outcomes[index], 1) != 0)
    atomic_fetch_add(&twice, 1);
  if (status == MYCELIUM_SUCCESS) {
    size_t len = 0;
    uint64_t number = 0;
    const uint8_t* payload = mycelium_message_payload(reply, &len);
    if (!content_read(payload, len, REQUEST_TYPE, wanted->sizes, &number) || number != wanted->first + index)
      atomic_fetch_add(&wrong, 1);
    atomic_fetch_add(&replied, 1);
  } else if (status == MYCELIUM_ERROR_NO_REPLY) {
    atomic_fetch_add(&no_reply, 1);
  } else if (status == MYCELIUM_ERROR_TIMEOUT) {
    atomic_fetch_add(&timed_out, 1);
  } else {
    atomic_fetch_add(&other, 1);
  }
  pthread_mutex_lock(&mutex);
  --pending;
  pthread_cond_broadcast(&ended);
  pthread_mutex_unlock(&mutex);
}

static void ask(uint64_t index) {
  static uint8_t payload[CONTENT_MAX];
  const size_t size = content_write(wanted->first + index, REQUEST_TYPE, wanted->sizes, payload);
  MyceliumRequestOptions how = {.struct_size = sizeof how};
  how.timeout_ns = (int64_t)wanted->timeout_ms * 1000000;
  how.on_reply = on_reply;
  how.user_data = (void*)(uintptr_t)index;
  uint64_t id = 0;
  if (mycelium_request_async(runtime, REQUEST_TYPE, payload, size, &how, &id) == MYCELIUM_SUCCESS) {
    atomic_fetch_add(&asked, 1);
    return;
  }
  atomic_fetch_add(&refused, 1);
  pthread_mutex_lock(&mutex);
  --pending;
  pthread_mutex_unlock(&mutex);
}

static void* ask_all(void* nothing) {
  (void)nothing;
  while (mycelium_wait_for_subscribers(runtime, REQUEST_TYPE, 1, 50000000) != MYCELIUM_SUCCESS)
    if (atomic_load(&stopping))
      return NULL;
  for (uint64_t i = 0; i < MAX_REQUESTS && !atomic_load(&stopping); ++i) {
    pthread_mutex_lock(&mutex);
    while (pending >= wanted->outstanding)
      pthread_cond_wait(&ended, &mutex);
    ++pending;
    pthread_mutex_unlock(&mutex);
    ask(i);
    const struct timespec pause = {0, wanted->rate != 0 ? (long)(1000000000u / wanted->rate) : 0};
    if (wanted->rate > 1)
      nanosleep(&pause, NULL);
  }
  return NULL;
}

static int ask_start(MyceliumRuntime* rt, const Options* options) {
  runtime = rt;
  wanted = options;
  outcomes = calloc(MAX_REQUESTS, sizeof *outcomes);
  return outcomes == NULL ? 1 : pthread_create(&thread, NULL, ask_all, NULL);
}

/* Whether all requests have ended is for who reads the report to see. */
static void ask_stop(void) {
  if (!atomic_exchange(&stopping, 1))
    pthread_join(thread, NULL);
}

static void ask_report(FILE* to) {
  pthread_mutex_lock(&mutex);
  const uint64_t open_now = pending;
  pthread_mutex_unlock(&mutex);
  fprintf(to,
          ", \"asked\": %llu, \"refused\": %llu, \"replied\": %llu, \"no_reply\": %llu, \"timed_out\": %llu, "
          "\"other\": %llu, \"twice\": %llu, \"wrong\": %llu, \"pending\": %llu",
          (unsigned long long)atomic_load(&asked), (unsigned long long)atomic_load(&refused),
          (unsigned long long)atomic_load(&replied), (unsigned long long)atomic_load(&no_reply),
          (unsigned long long)atomic_load(&timed_out), (unsigned long long)atomic_load(&other),
          (unsigned long long)atomic_load(&twice), (unsigned long long)atomic_load(&wrong),
          (unsigned long long)open_now);
}

const Role ask_role = {ask_start, ask_stop, ask_report};

/* ---- serves ---- */

static _Atomic uint64_t served;
static _Atomic uint64_t unanswered; /* whoever asked had given up */
static _Atomic uint64_t unsound;

static void on_request(const MyceliumMessage* message, void* user_data) {
  (void)user_data;
  size_t len = 0;
  uint64_t number = 0;
  const uint8_t* payload = mycelium_message_payload(message, &len);
  const int sound = content_read(payload, len, REQUEST_TYPE, wanted->sizes, &number);
  if (!sound)
    atomic_fetch_add(&unsound, 1);
  journal_write(number, REQUEST_TYPE, sound);
  if (mycelium_reply(runtime, message, REQUEST_TYPE, payload, len) != MYCELIUM_SUCCESS)
    atomic_fetch_add(&unanswered, 1);
  atomic_fetch_add(&served, 1);
}

static int serve_start(MyceliumRuntime* rt, const Options* options) {
  runtime = rt;
  wanted = options;
  MyceliumSubscribeOptions how;
  mycelium_subscribe_options_init(&how);
  how.on_message = on_request;
  return mycelium_subscribe_with_options(rt, REQUEST_TYPE, &how, NULL) == MYCELIUM_SUCCESS ? 0 : 1;
}

static void serve_stop(void) {}

static void serve_report(FILE* to) {
  fprintf(to, ", \"served\": %llu, \"unanswered\": %llu, \"unsound\": %llu", (unsigned long long)atomic_load(&served),
          (unsigned long long)atomic_load(&unanswered), (unsigned long long)atomic_load(&unsound));
}

const Role serve_role = {serve_start, serve_stop, serve_report};
