/* A plug-in in C that any host can load, in whatever language the host is written: the host makes the runtime and gives
 * it the handle. It subscribes, publishes and asks on the host's bus.
 *
 * Threads: each function may be called from any thread; start before ask, stop last. One start at a time. */
#include "bindings/c/examples/messages.h"

#include <mycelium.h>

#include <string.h>

enum { COUNTER = 7 };

static MyceliumRuntime* runtime;
static uint64_t subscription;
static int32_t texts; /* only the callback touches it, and that never runs twice at once */

/* Tells of each text by counting it. Runs on a worker of the host's runtime. */
static void on_text(uint16_t type_id, const uint8_t* payload, size_t len, void* user_data) {
  (void)type_id;
  (void)user_data;
  TextMessage message;
  if (!text_message_decode(payload, len, &message))
    return;
  const CounterUpdate update = {COUNTER, ++texts, (int32_t)message.content.len};
  uint8_t buffer[MESSAGE_SPACE];
  const uint8_t* encoded = counter_update_encode(&update, buffer, sizeof buffer, &len);
  mycelium_publish(runtime, COUNTER_UPDATE, encoded, len);
}

/* Subscribes. 0, or the status of the call that failed. */
MYCELIUM_API int32_t plugin_start(MyceliumRuntime* rt) {
  runtime = rt;
  texts = 0;
  return mycelium_subscribe(rt, TEXT_MESSAGE, on_text, NULL, &subscription);
}

/* Asks on the bus how many words text has. Blocks until the answer is there. 0, or the status of the call that failed.
 */
MYCELIUM_API int32_t plugin_ask(const char* text, uint64_t* words) {
  const WordCountRequest request = {{text, strlen(text)}};
  uint8_t buffer[MESSAGE_SPACE + 256];
  size_t len = 0;
  const uint8_t* encoded = word_count_request_encode(&request, buffer, sizeof buffer, &len);
  if (encoded == NULL)
    return MYCELIUM_ERROR_TOO_LARGE;
  MyceliumMessage* message = NULL;
  const int32_t asked = mycelium_request(runtime, WORD_COUNT_REQUEST, encoded, len, 10000000000, &message);
  if (asked != MYCELIUM_SUCCESS)
    return asked;
  const uint8_t* payload = mycelium_message_payload(message, &len);
  WordCountReply reply;
  const bool good = word_count_reply_decode(payload, len, &reply);
  mycelium_message_release(message);
  if (!good)
    return MYCELIUM_ERROR_INVALID_PAYLOAD;
  *words = reply.words;
  return MYCELIUM_SUCCESS;
}

/* Unsubscribes: nothing of the plug-in runs after this. 0, or the status of the call that failed. */
MYCELIUM_API int32_t plugin_stop(void) { return mycelium_unsubscribe(runtime, subscription); }
