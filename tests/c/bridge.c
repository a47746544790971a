/* mycelium_bridge.h is C11; each of its functions once: two runtimes of one process, linked over a Unix socket. */
#include "mycelium_bridge.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void expect(int holds, const char* what, int line) {
  if (holds)
    return;
  fprintf(stderr, "line %d: %s; last error: %s\n", line, what, mycelium_last_error());
  exit(1);
}
#define EXPECT(condition) expect((condition), #condition, __LINE__)

enum { TYPE = 20001 };
static const int64_t PATIENCE = 20000000000;

static void on_message(uint16_t type_id, const uint8_t* payload, size_t len, void* user_data) {
  char* got = user_data;
  EXPECT(type_id == TYPE);
  memcpy(got, payload, len);
  got[len] = '\0';
}

static void on_nested(uint16_t type_id, const uint8_t* payload, size_t len, void* user_data) {
  (void)type_id, (void)payload, (void)len;
  MyceliumRuntime* rt = *(MyceliumRuntime**)user_data;
  MyceliumBridgeStats stats = {.struct_size = sizeof stats};
  EXPECT(mycelium_bridge_stats(rt, &stats) == MYCELIUM_ERROR_UNSUPPORTED);
}

static void refuses_what_is_wrong(MyceliumRuntime* rt) {
  MyceliumBridgeConfig config;
  mycelium_bridge_config_init(NULL);
  mycelium_bridge_config_init(&config);
  config.struct_size = 0;
  EXPECT(mycelium_bridge_open(rt, &config) == MYCELIUM_ERROR_INVALID_ARGUMENT);
  mycelium_bridge_config_init(&config);
  config.policy = 5;
  EXPECT(mycelium_bridge_open(rt, &config) == MYCELIUM_ERROR_INVALID_ARGUMENT);
  mycelium_bridge_config_init(&config);
  config.window = 1;
  EXPECT(mycelium_bridge_open(rt, &config) == MYCELIUM_ERROR_INVALID_ARGUMENT);
  mycelium_bridge_config_init(&config);
  config.silence_ns = 1000000;
  EXPECT(mycelium_bridge_open(rt, &config) == MYCELIUM_ERROR_INVALID_ARGUMENT);
  EXPECT(strstr(mycelium_last_error(), "silence_ns") != NULL);
  MyceliumBridgeStats stats = {.struct_size = sizeof stats};
  EXPECT(mycelium_bridge_stats(rt, &stats) == MYCELIUM_ERROR_INVALID_ARGUMENT); /* no bridge yet */
  EXPECT(mycelium_bridge_json(rt, NULL, 0, NULL) == MYCELIUM_ERROR_INVALID_ARGUMENT);
  EXPECT(mycelium_bridge_reload(rt) == MYCELIUM_ERROR_INVALID_ARGUMENT);
  config.silence_ns = 0;
  config.token_file = "/nonexistent/token";
  EXPECT(mycelium_bridge_open(rt, &config) == MYCELIUM_ERROR_INVALID_ARGUMENT);
  EXPECT(strstr(mycelium_last_error(), "/nonexistent/token") != NULL);
  config.token_file = NULL;
  config.tls_cert = "/nonexistent/cert";
  EXPECT(mycelium_bridge_open(rt, &config) == MYCELIUM_ERROR_INVALID_ARGUMENT); /* and no key */
  config.tls_cert = NULL;
  config.permissions_file = "/nonexistent/allow.toml";
  EXPECT(mycelium_bridge_open(rt, &config) == MYCELIUM_ERROR_INVALID_ARGUMENT);
  config.permissions_file = NULL;
  config.socket_mode = 01000;
  EXPECT(mycelium_bridge_open(rt, &config) == MYCELIUM_ERROR_INVALID_ARGUMENT);
  EXPECT(mycelium_bridge_open(NULL, NULL) == MYCELIUM_ERROR_NULL);
  EXPECT(mycelium_bridge_listen(rt, NULL, NULL, 0, NULL) == MYCELIUM_ERROR_NULL);
  EXPECT(mycelium_bridge_dial(rt, "carrier pigeon") == MYCELIUM_ERROR_INVALID_ARGUMENT);
  EXPECT(mycelium_bridge_open(rt, NULL) == MYCELIUM_SUCCESS);
  EXPECT(mycelium_bridge_reload(rt) == MYCELIUM_SUCCESS); /* no files: nothing to do */
  EXPECT(mycelium_bridge_open(rt, NULL) == MYCELIUM_ERROR_INVALID_ARGUMENT);
  EXPECT(mycelium_bridge_listen(rt, "tcp:0.0.0.0:0", NULL, 0, NULL) == MYCELIUM_ERROR_INVALID_ARGUMENT); /* no token */
  EXPECT(mycelium_bridge_dial(rt, "tcp:192.0.2.1:7000") == MYCELIUM_ERROR_INVALID_ARGUMENT);
  EXPECT(mycelium_bridge_listen(rt, "tls:127.0.0.1:0", NULL, 0, NULL) ==
         MYCELIUM_ERROR_INVALID_ARGUMENT); /* no certificate */
  EXPECT(mycelium_bridge_listen(rt, "unix:/nonexistent/folder/socket", NULL, 0, NULL) == MYCELIUM_ERROR_RUNTIME);
  EXPECT(mycelium_bridge_wait_for_links(rt, 1, 0) == MYCELIUM_ERROR_TIMEOUT);
}

typedef struct Seen {
  MyceliumRuntime* rt;
  MyceliumOrigin origin;
  MyceliumEnvelope envelope;
} Seen;

static void on_foreign(const MyceliumMessage* message, void* user_data) {
  Seen* seen = user_data;
  EXPECT(mycelium_bridge_origin(seen->rt, message, &seen->origin) == MYCELIUM_SUCCESS);
  EXPECT(mycelium_message_envelope(message, &seen->envelope) == MYCELIUM_SUCCESS);
  if (mycelium_message_is_request(message))
    EXPECT(mycelium_reply(seen->rt, message, TYPE + 3, (const uint8_t*)"yes", 3) == MYCELIUM_SUCCESS);
}

static void on_reply(uint64_t request_id, int32_t status, const MyceliumMessage* reply, void* user_data) {
  (void)request_id;
  size_t len = 0;
  *(int32_t*)user_data = status == 0 && memcmp(mycelium_message_payload(reply, &len), "yes", 3) == 0 ? 1 : -1;
}

/* A message of another system's node 77 arrives, once. */
static void carries_what_a_gateway_brings(MyceliumRuntime* rt) {
  uint64_t gateway = 0, version = 0, subscription = 0;
  uint16_t types[8] = {0};
  size_t count = 0;
  EXPECT(mycelium_bridge_open_gateway(NULL, &gateway) == MYCELIUM_ERROR_NULL);
  EXPECT(mycelium_bridge_open_gateway(rt, &gateway) == MYCELIUM_SUCCESS && gateway != 0);

  Seen seen = {rt, {.struct_size = sizeof(MyceliumOrigin)}, {.struct_size = sizeof(MyceliumEnvelope)}};
  MyceliumSubscribeOptions options;
  mycelium_subscribe_options_init(&options);
  options.on_message = on_foreign;
  options.user_data = &seen;
  EXPECT(mycelium_subscribe_with_options(rt, TYPE + 2, &options, &subscription) == MYCELIUM_SUCCESS);
  options.flags = MYCELIUM_SUBSCRIBE_GATEWAY; /* nobody who would want it */
  EXPECT(mycelium_subscribe_with_options(rt, TYPE + 4, &options, NULL) == MYCELIUM_SUCCESS);
  do
    EXPECT(mycelium_bridge_wanted_types(rt, &version, PATIENCE, types, 8, &count) == MYCELIUM_SUCCESS);
  while (count == 0 || types[count - 1] < TYPE + 2);
  EXPECT(types[count - 1] == TYPE + 2);
  EXPECT(mycelium_bridge_wanted_types(rt, &version, 0, types, 8, &count) == MYCELIUM_ERROR_TIMEOUT);

  MyceliumEnvelope envelope = {.struct_size = sizeof envelope,
                               .type_id = TYPE + 2,
                               .sequence = 5,
                               .publisher_id = 9,
                               .timestamp_ns = 123,
                               .destination = MYCELIUM_TO_KEY,
                               .destination_key = 3};
  MyceliumRemoteMessage message = {&envelope, 77, (const uint8_t*)"from afar", 9, 2, 0};
  EXPECT(mycelium_bridge_publish(rt, gateway, &message, 1) == MYCELIUM_SUCCESS && message.outcome == MYCELIUM_SUCCESS);
  EXPECT(mycelium_flush(rt, PATIENCE) == MYCELIUM_SUCCESS);
  EXPECT(seen.origin.node == 77 && seen.origin.way == gateway && seen.origin.hops == 3 && seen.origin.of_mesh == 0);
  EXPECT(seen.envelope.sequence == 5 && seen.envelope.publisher_id == 9 && seen.envelope.timestamp_ns == 123);
  EXPECT(mycelium_bridge_publish(rt, gateway, &message, 1) == MYCELIUM_SUCCESS && message.outcome == MYCELIUM_DEFERRED);
  message.node = 0;
  EXPECT(mycelium_bridge_publish(rt, gateway, &message, 1) == MYCELIUM_ERROR_INVALID_ARGUMENT);

  int32_t answered = 0;
  MyceliumRequestOptions asking = {.struct_size = sizeof asking, .on_reply = on_reply, .user_data = &answered};
  message.node = 77;
  envelope.sequence = 6;
  EXPECT(mycelium_bridge_request(rt, gateway, &message, &asking, NULL) == MYCELIUM_SUCCESS);
  EXPECT(mycelium_flush(rt, PATIENCE) == MYCELIUM_SUCCESS);
  EXPECT(mycelium_bridge_request(rt, gateway, &message, &asking, NULL) == MYCELIUM_DEFERRED);
  EXPECT(mycelium_unsubscribe(rt, subscription) == MYCELIUM_SUCCESS);
  MyceliumRuntimeStats stats = {.struct_size = sizeof stats};
  do
    EXPECT(mycelium_runtime_stats(rt, &stats) == MYCELIUM_SUCCESS);
  while (stats.requests_pending > 0);
  EXPECT(mycelium_bridge_origin(rt, NULL, &seen.origin) == MYCELIUM_ERROR_NULL);
  EXPECT(mycelium_subscribe_with_options(rt, TYPE + 5, &options, NULL) == MYCELIUM_SUCCESS);
  EXPECT(mycelium_publish(rt, TYPE + 5, NULL, 0) == MYCELIUM_SUCCESS &&
         mycelium_flush(rt, PATIENCE) == MYCELIUM_SUCCESS);
  EXPECT(seen.origin.way == 0 && seen.origin.of_mesh == 1 && seen.origin.node != 0);
}

static void* wait_for_nobody(void* rt) {
  EXPECT(mycelium_bridge_wait_for_links(rt, 0, 0) == MYCELIUM_SUCCESS);
  return NULL;
}

/* Each of them opens a bridge if there is none. */
static void threads_that_need_a_bridge_share_one(void) {
  for (int round = 0; round < 50; ++round) {
    MyceliumRuntime* rt = mycelium_runtime_create();
    pthread_t threads[2];
    for (int i = 0; i < 2; ++i)
      EXPECT(pthread_create(&threads[i], NULL, wait_for_nobody, rt) == 0);
    for (int i = 0; i < 2; ++i)
      EXPECT(pthread_join(threads[i], NULL) == 0);
    mycelium_runtime_destroy(rt);
  }
}

int main(void) {
  threads_that_need_a_bridge_share_one();

  char address[64];
  char bound[64];
  char got[64] = "";
  size_t len = 0;
  MyceliumRuntime* here = mycelium_runtime_create();
  MyceliumRuntime* there = mycelium_runtime_create();
  EXPECT(here != NULL && there != NULL);
  refuses_what_is_wrong(here);

  snprintf(address, sizeof address, "unix:/tmp/mycelium-c-%ld.sock", (long)getpid());
  EXPECT(mycelium_bridge_listen(here, address, bound, sizeof bound, &len) == MYCELIUM_SUCCESS);
  EXPECT(strcmp(address, bound) == 0 && len == strlen(address));
  EXPECT(mycelium_subscribe(there, TYPE, on_message, got, NULL) == MYCELIUM_SUCCESS);
  EXPECT(mycelium_bridge_dial(there, address) == MYCELIUM_SUCCESS);
  EXPECT(mycelium_bridge_wait_for_links(here, 1, PATIENCE) == MYCELIUM_SUCCESS);
  EXPECT(mycelium_wait_for_subscribers(here, TYPE, 1, PATIENCE) == MYCELIUM_SUCCESS);
  EXPECT(mycelium_publish(here, TYPE, (const uint8_t*)"over the wall", 13) == MYCELIUM_SUCCESS);

  MyceliumBridgeStats stats = {.struct_size = sizeof stats};
  do
    EXPECT(mycelium_bridge_stats(here, &stats) == MYCELIUM_SUCCESS);
  while (stats.acknowledged < 1);
  EXPECT(stats.node != 0 && stats.neighbours == 1 && stats.reachable == 1 && stats.sent == 1 && stats.lost == 0);
  EXPECT(mycelium_flush(there, PATIENCE) == MYCELIUM_SUCCESS);
  EXPECT(strcmp(got, "over the wall") == 0);

  char json[2048];
  EXPECT(mycelium_bridge_json(here, json, sizeof json, &len) == MYCELIUM_SUCCESS);
  EXPECT(len < sizeof json && strstr(json, "\"sent\": 1") != NULL);

  EXPECT(mycelium_subscribe(here, TYPE + 1, on_nested, &here, NULL) == MYCELIUM_SUCCESS);
  EXPECT(mycelium_publish(here, TYPE + 1, NULL, 0) == MYCELIUM_SUCCESS);
  EXPECT(mycelium_flush(here, PATIENCE) == MYCELIUM_SUCCESS);

  EXPECT(mycelium_publish(here, TYPE, (const uint8_t*)"and again", 9) == MYCELIUM_SUCCESS);
  EXPECT(mycelium_bridge_flush(here, PATIENCE) == MYCELIUM_SUCCESS);
  EXPECT(mycelium_bridge_stats(here, &stats) == MYCELIUM_SUCCESS && stats.acknowledged == 2);
  EXPECT(mycelium_bridge_flush(here, 0) == MYCELIUM_SUCCESS); /* nothing is on its way */
  carries_what_a_gateway_brings(here);

  EXPECT(mycelium_runtime_close(here, PATIENCE) == MYCELIUM_SUCCESS);
  EXPECT(mycelium_bridge_listen(here, address, NULL, 0, NULL) == MYCELIUM_ERROR_CLOSED);
  EXPECT(mycelium_bridge_dial(here, address) == MYCELIUM_ERROR_CLOSED);
  EXPECT(access(address + 5, F_OK) != 0); /* the socket's file is gone */
  mycelium_runtime_destroy(here);
  mycelium_runtime_destroy(there);
  return 0;
}
