/* Serves word counts and asks for one.
 * Prints "4 words, 19 bytes". */
#include "messages.h"

#include <mycelium.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* On a thread of the runtime. A request that is released unanswered gets MYCELIUM_ERROR_NO_REPLY at once. */
static void answer(const MyceliumMessage* message, void* bus) {
  size_t len = 0;
  const uint8_t* payload = mycelium_message_payload(message, &len);
  WordCountRequest request;
  if (!mycelium_message_is_request(message) || !word_count_request_decode(payload, len, &request))
    return;
  const WordCountReply reply = {count_words(request.text), request.text.len};
  uint8_t buffer[MESSAGE_SPACE];
  const uint8_t* encoded = word_count_reply_encode(&reply, buffer, sizeof buffer, &len);
  mycelium_reply(bus, message, WORD_COUNT_REPLY, encoded, len);
}

static int ask(MyceliumRuntime* bus, const char* text) {
  const WordCountRequest request = {{text, strlen(text)}};
  uint8_t buffer[MESSAGE_SPACE + 100];
  size_t len = 0;
  const uint8_t* encoded = word_count_request_encode(&request, buffer, sizeof buffer, &len);
  MyceliumMessage* message = NULL;
  if (mycelium_request(bus, WORD_COUNT_REQUEST, encoded, len, 5000000000, &message) != MYCELIUM_SUCCESS)
    return -1;
  const uint8_t* payload = mycelium_message_payload(message, &len);
  WordCountReply reply;
  if (word_count_reply_decode(payload, len, &reply))
    printf("%" PRIu64 " words, %" PRIu64 " bytes\n", reply.words, reply.bytes);
  mycelium_message_release(message);
  return 0;
}

int main(void) {
  MyceliumRuntime* bus = mycelium_runtime_create();
  MyceliumSubscribeOptions options;
  mycelium_subscribe_options_init(&options);
  options.on_message = answer; /* not on_payload: answering takes the message */
  options.user_data = bus;
  if (bus == NULL || mycelium_subscribe_with_options(bus, WORD_COUNT_REQUEST, &options, NULL) != MYCELIUM_SUCCESS ||
      ask(bus, "the quick brown fox") != 0) {
    fprintf(stderr, "request_reply: %s\n", mycelium_last_error());
    return 1;
  }
  mycelium_runtime_destroy(bus);
  return 0;
}
