/* A plug-in that answers each WordCountRequest, and lets the request "silence" go unanswered. */
#include "bindings/c/examples/messages.h"

#include <mycelium.h>

#include <string.h>

static MyceliumRuntime* runtime;
static uint64_t subscription;

static void on_request(uint16_t type_id, const uint8_t* payload, size_t len, void* user_data) {
  (void)type_id;
  (void)user_data;
  WordCountRequest request;
  if (!word_count_request_decode(payload, len, &request))
    return;
  if (request.text.len == strlen("silence") && memcmp(request.text.data, "silence", request.text.len) == 0)
    return;
  const WordCountReply reply = {count_words(request.text), request.text.len};
  uint8_t buffer[MESSAGE_SPACE];
  const uint8_t* encoded = word_count_reply_encode(&reply, buffer, sizeof buffer, &len);
  mycelium_reply(runtime, mycelium_message_current(), WORD_COUNT_REPLY, encoded, len);
}

MYCELIUM_API int32_t plugin_start(MyceliumRuntime* rt);
int32_t plugin_start(MyceliumRuntime* rt) {
  runtime = rt;
  return mycelium_subscribe(rt, WORD_COUNT_REQUEST, on_request, NULL, &subscription);
}

MYCELIUM_API int32_t plugin_stop(void);
int32_t plugin_stop(void) { return mycelium_unsubscribe(runtime, subscription); }
