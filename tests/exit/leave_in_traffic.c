/* Leaves the process in the way that the argument names while messages flow, and never closes its runtime. */
#include "mycelium_bridge.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NEWS = 20001, QUESTION = 20002, UNANSWERED = 20003 };

static MyceliumRuntime* rt;
static const char* way;
static atomic_int delivered;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int flowing;

/* Traffic flows when a good number of messages went through. */
static void count(void) {
  if (atomic_fetch_add(&delivered, 1) != 300)
    return;
  pthread_mutex_lock(&mutex);
  flowing = 1;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&mutex);
}

/* Only one thread may call exit(). */
static void leave_once(void) {
  static atomic_flag left = ATOMIC_FLAG_INIT;
  if (!atomic_flag_test_and_set(&left))
    exit(0);
}

static void wait_until_it_flows(void) {
  pthread_mutex_lock(&mutex);
  while (!flowing)
    pthread_cond_wait(&changed, &mutex);
  pthread_mutex_unlock(&mutex);
}

static void on_news(const MyceliumMessage* message, void* user_data) {
  (void)message;
  (void)user_data;
  count();
  if (strcmp(way, "exit-in-callback") == 0 && atomic_load(&delivered) > 400)
    leave_once();
}

static void on_question(const MyceliumMessage* message, void* user_data) {
  (void)user_data;
  mycelium_reply(rt, message, QUESTION, NULL, 0);
}

static void on_unanswered(const MyceliumMessage* message, void* user_data) {
  (void)user_data;
  mycelium_message_retain(message); /* the request stays pending for good */
}

static void on_reply(uint64_t request_id, int32_t status, const MyceliumMessage* reply, void* user_data) {
  (void)request_id;
  (void)status;
  (void)reply;
  (void)user_data;
}

static void* publish_forever(void* user_data) {
  const uint8_t payload[64] = {1};
  MyceliumRequestOptions asking = {.struct_size = sizeof asking, .on_reply = on_reply};
  uint64_t id = 0;
  (void)user_data;
  for (;;) {
    mycelium_publish(rt, NEWS, payload, sizeof payload);
    mycelium_request_async(rt, QUESTION, payload, sizeof payload, &asking, &id);
    if (strcmp(way, "exit-elsewhere") == 0 && atomic_load(&delivered) > 400)
      leave_once();
  }
  return NULL;
}

static void* receive_forever(void* queue) {
  MyceliumDelivery out[8];
  size_t got = 0;
  while (mycelium_queue_receive(rt, *(uint64_t*)queue, out, 8, MYCELIUM_FOREVER, &got) == MYCELIUM_SUCCESS)
    for (size_t i = 0; i < got; ++i) {
      mycelium_message_release(out[i].message);
      count();
    }
  return NULL;
}

static void* destroy(void* user_data) {
  (void)user_data;
  mycelium_runtime_destroy(rt);
  return NULL;
}

static void start(void* (*body)(void*), void* user_data) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, body, user_data) != 0)
    exit(3);
  pthread_detach(thread);
}

static void subscribe(uint16_t type_id, MyceliumHandler handler, uint32_t flags, uint64_t queue_id) {
  MyceliumSubscribeOptions options;
  mycelium_subscribe_options_init(&options);
  options.on_message = handler;
  options.flags = flags;
  options.queue_id = queue_id;
  options.policy = MYCELIUM_POLICY_DROP_OLDEST;
  if (mycelium_subscribe_with_options(rt, type_id, &options, NULL) != MYCELIUM_SUCCESS) {
    fprintf(stderr, "%s\n", mycelium_last_error());
    exit(3);
  }
}

/* Another runtime of this process, linked over a socket, gets the news, too. */
static void link_another(void) {
  char address[64];
  MyceliumRuntime* first = rt;
  MyceliumRuntime* other = mycelium_runtime_create();
  if (other == NULL ||
      mycelium_bridge_listen(rt, "tcp:127.0.0.1:0", address, sizeof address, NULL) != MYCELIUM_SUCCESS ||
      mycelium_bridge_dial(other, address) != MYCELIUM_SUCCESS ||
      mycelium_bridge_wait_for_links(rt, 1, MYCELIUM_FOREVER) != MYCELIUM_SUCCESS)
    exit(3);
  rt = other;
  subscribe(NEWS, on_news, 0, 0);
  rt = first;
}

int main(int argc, char** argv) {
  static uint64_t queue;
  MyceliumRequestOptions asking = {.struct_size = sizeof asking, .timeout_ns = MYCELIUM_FOREVER, .on_reply = on_reply};
  uint64_t id = 0;
  if (argc != 2)
    return 2;
  way = argv[1];
  rt = mycelium_runtime_create();
  if (rt == NULL || mycelium_queue_open(rt, &queue) != MYCELIUM_SUCCESS)
    return 3;
  link_another();
  subscribe(NEWS, on_news, 0, 0);
  subscribe(NEWS, on_news, MYCELIUM_SUBSCRIBE_DEDICATED, 0);
  subscribe(NEWS, on_news, MYCELIUM_SUBSCRIBE_INLINE, 0);
  subscribe(NEWS, NULL, 0, queue);
  subscribe(QUESTION, on_question, 0, 0);
  subscribe(UNANSWERED, on_unanswered, 0, 0);
  mycelium_request_async(rt, UNANSWERED, NULL, 0, &asking, &id);
  start(receive_forever, &queue);
  start(publish_forever, NULL);
  start(publish_forever, NULL);
  wait_until_it_flows();
  if (strcmp(way, "return") == 0)
    return 0;
  if (strcmp(way, "return-while-destroying") == 0) {
    start(destroy, NULL);
    return 0;
  }
  if (strcmp(way, "destroy-later") == 0) {
    mycelium_runtime_destroy_later(rt);
    return 0;
  }
  for (;;) /* another thread ends the process */
    pause();
}
