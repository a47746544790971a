/* A node of a mesh for the tests of the NATS gateway: links with a bridge, does what stdin says, and tells on stdout
 * what it received. Called with the address that it dials. A line of stdin is one command, and is followed by a line
 * "done" or "failed TEXT":
 *
 * - subscribe TYPE: prints each message of the type as "got TYPE ORIGIN PUBLISHER SEQUENCE TIME PRIORITY DESTINATION
 * KEY CORRELATION TRACE PAYLOAD", bytes in hexadecimal digits.
 * - wait TYPE COUNT: until so many subscriptions, neighbours among them, want the type.
 * - publish TYPE FROM TO: messages with these numbers, of TextMessage and CounterUpdate, else plain bytes.
 * - keyed TYPE FROM TO: the same, each with its number as its key.
 * - ask TYPE TEXT: a request; prints "answer TYPE PAYLOAD", or "no answer STATUS".
 * - serve TYPE: answers requests of the type with a TextMessage that says "served".
 * - flush: until everybody here has what was published.
 * - end: closes the runtime properly. */
#include "bindings/c/examples/messages.h"

#include <mycelium_bridge.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static MyceliumRuntime* runtime;
static pthread_mutex_t output = PTHREAD_MUTEX_INITIALIZER;
static const int64_t PATIENCE = 60000000000;

static void print_hex(const uint8_t* bytes, size_t len) {
  if (len == 0)
    fputs("-", stdout);
  for (size_t i = 0; i < len; ++i)
    printf("%02x", bytes[i]);
}

static void on_message(const MyceliumMessage* message, void* user_data) {
  (void)user_data;
  MyceliumEnvelope e = {.struct_size = sizeof e};
  MyceliumOrigin origin = {.struct_size = sizeof origin};
  size_t len = 0;
  const uint8_t* payload = mycelium_message_payload(message, &len);
  mycelium_message_envelope(message, &e);
  mycelium_bridge_origin(runtime, message, &origin);
  pthread_mutex_lock(&output);
  printf("got %u %016" PRIx64 " %" PRIu64 " %" PRIu64 " %" PRId64 " %u %d %" PRIu64 " %" PRIu64 " ", e.type_id,
         origin.node, e.publisher_id, e.sequence, e.timestamp_ns, e.priority, e.destination, e.destination_key,
         e.correlation_id);
  print_hex(e.trace_id, e.has_trace ? sizeof e.trace_id : 0);
  print_hex(e.span_id, e.has_trace ? sizeof e.span_id : 0);
  printf("%02x ", e.trace_flags);
  print_hex(payload, len);
  fputs("\n", stdout);
  fflush(stdout);
  pthread_mutex_unlock(&output);
}

static void on_request(const MyceliumMessage* message, void* user_data) {
  (void)user_data;
  if (!mycelium_message_is_request(message))
    return;
  uint8_t buffer[MESSAGE_SPACE + 64];
  size_t len = 0;
  const TextMessage text = {{"node", 4}, {"served", 6}, 0};
  const uint8_t* encoded = text_message_encode(&text, buffer, sizeof buffer, &len);
  mycelium_reply(runtime, message, TEXT_MESSAGE, encoded, len);
}

static int32_t subscribe(uint16_t type_id, MyceliumHandler handler) {
  MyceliumSubscribeOptions options;
  mycelium_subscribe_options_init(&options);
  options.on_message = handler;
  options.capacity = 1 << 20;
  return mycelium_subscribe_with_options(runtime, type_id, &options, NULL);
}

/* The bytes of message `number`: the same in every process. */
static const uint8_t* payload_of(uint16_t type_id, uint32_t number, uint8_t* buffer, size_t room, size_t* len) {
  if (type_id == COUNTER_UPDATE) {
    const CounterUpdate update = {number, (int32_t)number, 1};
    return counter_update_encode(&update, buffer, room, len);
  }
  if (type_id == TEXT_MESSAGE) {
    char digits[16];
    const int length = snprintf(digits, sizeof digits, "%" PRIu32, number);
    const TextMessage text = {{"node", 4}, {digits, (size_t)length}, number};
    return text_message_encode(&text, buffer, room, len);
  }
  *len = number % 64;
  for (size_t i = 0; i < *len; ++i)
    buffer[i] = (uint8_t)(number >> (i % 4 * 8));
  return buffer;
}

static int32_t publish(uint16_t type_id, uint32_t from, uint32_t to, int keyed) {
  for (uint32_t number = from; number <= to; ++number) {
    uint8_t buffer[MESSAGE_SPACE + 64];
    size_t len = 0;
    const uint8_t* payload = payload_of(type_id, number, buffer, sizeof buffer, &len);
    MyceliumEnvelope e = {.struct_size = sizeof e, .type_id = type_id};
    e.priority = (uint8_t)(number % 7);
    e.correlation_id = number % 3 == 0 ? number : 0;
    if (number % 5 == 0) {
      e.has_trace = 1;
      memset(e.trace_id, (int)(number % 200) + 1, sizeof e.trace_id);
      memset(e.span_id, (int)(number % 100) + 1, sizeof e.span_id);
      e.trace_flags = 1;
    }
    if (keyed) {
      e.destination = MYCELIUM_TO_KEY;
      e.destination_key = number;
    }
    const int32_t done = mycelium_publish_envelope(runtime, &e, payload, len);
    if (done < 0)
      return done;
  }
  return MYCELIUM_SUCCESS;
}

static int32_t ask(uint16_t type_id, const char* words) {
  uint8_t buffer[MESSAGE_SPACE + 256];
  size_t len = 0;
  const TextMessage text = {{"node", 4}, {words, strlen(words)}, 0};
  const uint8_t* encoded = text_message_encode(&text, buffer, sizeof buffer, &len);
  MyceliumMessage* reply = NULL;
  const int32_t done = mycelium_request(runtime, type_id, encoded, len, PATIENCE, &reply);
  pthread_mutex_lock(&output);
  if (done == MYCELIUM_SUCCESS) {
    const uint8_t* payload = mycelium_message_payload(reply, &len);
    printf("answer %u ", mycelium_message_type_id(reply));
    print_hex(payload, len);
    fputs("\n", stdout);
    mycelium_message_release(reply);
  } else {
    printf("no answer %s\n", mycelium_status_name(done));
  }
  pthread_mutex_unlock(&output);
  return MYCELIUM_SUCCESS;
}

static int32_t obey(const char* line) {
  unsigned type_id = 0, from = 0, to = 0;
  char words[128] = "";
  if (sscanf(line, "subscribe %u", &type_id) == 1)
    return subscribe((uint16_t)type_id, on_message);
  if (sscanf(line, "serve %u", &type_id) == 1)
    return subscribe((uint16_t)type_id, on_request);
  if (sscanf(line, "wait %u %u", &type_id, &to) == 2)
    return mycelium_wait_for_subscribers(runtime, (uint16_t)type_id, to, PATIENCE);
  if (sscanf(line, "publish %u %u %u", &type_id, &from, &to) == 3)
    return publish((uint16_t)type_id, from, to, 0);
  if (sscanf(line, "keyed %u %u %u", &type_id, &from, &to) == 3)
    return publish((uint16_t)type_id, from, to, 1);
  if (sscanf(line, "ask %u %127[^\n]", &type_id, words) == 2)
    return ask((uint16_t)type_id, words);
  if (strncmp(line, "flush", 5) == 0)
    return mycelium_flush(runtime, PATIENCE);
  if (strncmp(line, "end", 3) == 0)
    return mycelium_runtime_close(runtime, PATIENCE);
  return MYCELIUM_ERROR_INVALID_ARGUMENT;
}

int main(int argc, char** argv) {
  if (argc != 2)
    return 2;
  MyceliumRuntimeConfig config;
  mycelium_runtime_config_init(&config);
  config.name = "node";
  config.block_timeout_ns = PATIENCE; /* a slow machine is no reason to lose anything */
  runtime = mycelium_runtime_create_with_config(&config);
  MyceliumBridgeConfig bridge;
  mycelium_bridge_config_init(&bridge);
  bridge.block_timeout_ns = PATIENCE;
  if (runtime == NULL || mycelium_bridge_open(runtime, &bridge) < 0 || mycelium_bridge_dial(runtime, argv[1]) < 0 ||
      mycelium_bridge_wait_for_links(runtime, 1, PATIENCE) < 0) {
    fprintf(stderr, "node: %s\n", mycelium_last_error());
    return 1;
  }
  char line[256];
  puts("done");
  fflush(stdout);
  while (fgets(line, sizeof line, stdin) != NULL) {
    const int32_t done = obey(line);
    pthread_mutex_lock(&output);
    if (done == MYCELIUM_SUCCESS)
      puts("done");
    else
      printf("failed %s: %s\n", mycelium_status_name(done), mycelium_last_error());
    fflush(stdout);
    pthread_mutex_unlock(&output);
  }
  mycelium_runtime_destroy(runtime);
  return 0;
}
