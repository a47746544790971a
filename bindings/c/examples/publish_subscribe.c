/* Publishes a message and prints it as it arrives.
 * Prints "example: hi (123)". */
#include "messages.h"

#include <mycelium.h>

#include <inttypes.h>
#include <stdio.h>

/* On a thread of the runtime; what it is given is valid until it returns. */
static void show(uint16_t type_id, const uint8_t* payload, size_t len, void* user_data) {
  TextMessage message;
  (void)type_id;
  (void)user_data;
  if (text_message_decode(payload, len, &message))
    printf("%.*s: %.*s (%" PRIu64 ")\n", (int)message.sender.len, message.sender.data, (int)message.content.len,
           message.content.data, message.timestamp);
}

int main(void) {
  const TextMessage message = {{"example", 7}, {"hi", 2}, 123};
  uint8_t buffer[MESSAGE_SPACE + 9];
  size_t len = 0;
  const uint8_t* payload = text_message_encode(&message, buffer, sizeof buffer, &len);

  MyceliumRuntime* bus = mycelium_runtime_create();
  if (bus == NULL || mycelium_subscribe(bus, TEXT_MESSAGE, show, NULL, NULL) != MYCELIUM_SUCCESS ||
      mycelium_publish(bus, TEXT_MESSAGE, payload, len) != MYCELIUM_SUCCESS) {
    fprintf(stderr, "publish_subscribe: %s\n", mycelium_last_error());
    return 1;
  }
  mycelium_runtime_destroy(bus); /* delivers what was accepted, then ends every thread */
  return 0;
}
