/* Two processes on one bus. One listens and serves; the other, of any language, dials, publishes and asks:
 *   two_processes serve unix:/tmp/two
 *   two_processes publish unix:/tmp/two */
#include "messages.h"

#include <mycelium_bridge.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { UPDATES = 1000 };
static const int64_t PATIENCE_NS = 30000000000;

/* ---- the one that listens ---- */

typedef struct Heard {
  int updates;
  bool in_order;
  bool farewell;
} Heard;

static void answer(MyceliumRuntime* bus, const MyceliumMessage* message, Text text) {
  const WordCountReply reply = {count_words(text), text.len};
  uint8_t buffer[MESSAGE_SPACE];
  size_t len = 0;
  const uint8_t* encoded = word_count_reply_encode(&reply, buffer, sizeof buffer, &len);
  mycelium_reply(bus, message, WORD_COUNT_REPLY, encoded, len);
}

static void hear(MyceliumRuntime* bus, const MyceliumMessage* message, Heard* heard) {
  size_t len = 0;
  const uint8_t* payload = mycelium_message_payload(message, &len);
  const uint16_t type_id = mycelium_message_type_id(message);
  CounterUpdate update;
  TextMessage text;
  WordCountRequest request;
  if (type_id == COUNTER_UPDATE && counter_update_decode(payload, len, &update)) {
    ++heard->updates;
    heard->in_order = heard->in_order && update.counter_id == 1 && update.value == heard->updates && update.delta == 1;
  } else if (type_id == WORD_COUNT_REQUEST && word_count_request_decode(payload, len, &request)) {
    answer(bus, message, request.text);
  } else if (type_id == TEXT_MESSAGE && text_message_decode(payload, len, &text)) {
    /* Types are not in order among each other: some updates may still be on their way. */
    heard->farewell = true;
    printf("%.*s says %.*s\n", (int)text.sender.len, text.sender.data, (int)text.content.len, text.content.data);
  }
}

/* Takes what comes until there was all of it. */
static int32_t hear_all(MyceliumRuntime* bus, uint64_t queue) {
  Heard heard = {0, true, false};
  while (heard.updates < UPDATES || !heard.farewell) {
    MyceliumDelivery deliveries[64];
    size_t count = 0;
    const int32_t status = mycelium_queue_receive(bus, queue, deliveries, 64, MYCELIUM_FOREVER, &count);
    if (status < 0)
      return status;
    for (size_t i = 0; i < count; ++i) {
      hear(bus, deliveries[i].message, &heard);
      mycelium_message_release(deliveries[i].message); /* a queue hands over what it delivers */
    }
  }
  printf("%d updates %s\n", heard.updates, heard.in_order ? "in order" : "that are not what was published");
  return MYCELIUM_SUCCESS;
}

static int32_t serve(MyceliumRuntime* bus, const char* address) {
  static const uint16_t types[] = {COUNTER_UPDATE, TEXT_MESSAGE, WORD_COUNT_REQUEST};
  MyceliumSubscribeOptions options;
  mycelium_subscribe_options_init(&options);
  int32_t status = mycelium_queue_open(bus, &options.queue_id);
  for (size_t i = 0; status >= 0 && i < sizeof types / sizeof types[0]; ++i)
    status = mycelium_subscribe_with_options(bus, types[i], &options, NULL);
  char bound[256];
  if (status >= 0)
    status = mycelium_bridge_listen(bus, address, bound, sizeof bound, NULL);
  if (status < 0)
    return status;
  printf("listening at %s\n", bound);
  fflush(stdout);
  return hear_all(bus, options.queue_id);
}

/* ---- the one that dials ---- */

/* Until all that is needed can be reached over there. */
static int32_t wait_for_the_other(MyceliumRuntime* bus) {
  static const uint16_t types[] = {COUNTER_UPDATE, TEXT_MESSAGE, WORD_COUNT_REQUEST};
  int32_t status = MYCELIUM_SUCCESS;
  for (size_t i = 0; status >= 0 && i < sizeof types / sizeof types[0]; ++i)
    status = mycelium_wait_for_subscribers(bus, types[i], 1, PATIENCE_NS);
  return status;
}

static int32_t ask(MyceliumRuntime* bus, const char* text) {
  const WordCountRequest request = {{text, strlen(text)}};
  uint8_t buffer[MESSAGE_SPACE + 100];
  size_t len = 0;
  const uint8_t* encoded = word_count_request_encode(&request, buffer, sizeof buffer, &len);
  MyceliumMessage* message = NULL;
  const int32_t status = mycelium_request(bus, WORD_COUNT_REQUEST, encoded, len, PATIENCE_NS, &message);
  if (status < 0)
    return status;
  const uint8_t* payload = mycelium_message_payload(message, &len);
  WordCountReply reply;
  if (word_count_reply_decode(payload, len, &reply))
    printf("%" PRIu64 " words, %" PRIu64 " bytes\n", reply.words, reply.bytes);
  mycelium_message_release(message);
  return MYCELIUM_SUCCESS;
}

static int32_t publish(MyceliumRuntime* bus, const char* address) {
  uint8_t buffer[MESSAGE_SPACE + 100];
  size_t len = 0;
  int32_t status = mycelium_bridge_dial(bus, address);
  if (status >= 0)
    status = wait_for_the_other(bus);
  for (int32_t value = 1; status >= 0 && value <= UPDATES; ++value) {
    const CounterUpdate update = {1, value, 1};
    const uint8_t* payload = counter_update_encode(&update, buffer, sizeof buffer, &len);
    status = mycelium_publish(bus, COUNTER_UPDATE, payload, len);
  }
  if (status >= 0)
    status = ask(bus, "the quick brown fox");
  if (status < 0)
    return status;
  static const char goodbye[] = "goodbye 👋";
  const TextMessage text = {{"C", 1}, {goodbye, sizeof goodbye - 1}, 0};
  const uint8_t* payload = text_message_encode(&text, buffer, sizeof buffer, &len);
  return mycelium_publish(bus, TEXT_MESSAGE, payload, len);
}

int main(int argc, char** argv) {
  const bool serves = argc == 3 && strcmp(argv[1], "serve") == 0;
  if (!serves && (argc != 3 || strcmp(argv[1], "publish") != 0)) {
    fprintf(stderr, "usage: two_processes serve|publish ADDRESS\n");
    return 2;
  }
  MyceliumRuntime* bus = mycelium_runtime_create();
  if (bus == NULL || (serves ? serve : publish)(bus, argv[2]) < 0 ||
      mycelium_runtime_close(bus, PATIENCE_NS) < 0) { /* waits until the other process has it all */
    fprintf(stderr, "two_processes: %s\n", mycelium_last_error());
    return 1;
  }
  mycelium_runtime_destroy(bus);
  return 0;
}
