/* Receives on the main thread, through a queue, what another thread publishes.
 * Prints "1000 updates, the last value is 1000". */
#include "messages.h"

#include <mycelium.h>

#include <pthread.h>
#include <stdio.h>

enum { UPDATES = 1000 };

static void* publish(void* bus) {
  for (int32_t value = 1; value <= UPDATES; ++value) {
    const CounterUpdate update = {1, value, 1};
    uint8_t buffer[MESSAGE_SPACE];
    size_t len = 0;
    const uint8_t* payload = counter_update_encode(&update, buffer, sizeof buffer, &len);
    /* A full mailbox makes it wait: that is the default policy. */
    if (mycelium_publish(bus, COUNTER_UPDATE, payload, len) != MYCELIUM_SUCCESS) {
      fprintf(stderr, "stream: %s\n", mycelium_last_error());
      return NULL;
    }
  }
  return NULL;
}

/* How many updates came until all were there or five seconds passed without one. */
static int receive(MyceliumRuntime* bus, uint64_t queue, int32_t* last_value) {
  MyceliumDelivery deliveries[64];
  int received = 0;
  size_t count = 0;
  while (received < UPDATES &&
         mycelium_queue_receive(bus, queue, deliveries, 64, 5000000000, &count) == MYCELIUM_SUCCESS) {
    for (size_t i = 0; i < count; ++i) {
      size_t len = 0;
      const uint8_t* payload = mycelium_message_payload(deliveries[i].message, &len);
      CounterUpdate update;
      if (counter_update_decode(payload, len, &update))
        *last_value = update.value;
      mycelium_message_release(deliveries[i].message); /* a queue hands over what it delivers */
      ++received;
    }
  }
  return received;
}

int main(void) {
  MyceliumRuntime* bus = mycelium_runtime_create();
  MyceliumSubscribeOptions options;
  mycelium_subscribe_options_init(&options);
  pthread_t publisher;
  if (bus == NULL || mycelium_queue_open(bus, &options.queue_id) != MYCELIUM_SUCCESS ||
      mycelium_subscribe_with_options(bus, COUNTER_UPDATE, &options, NULL) != MYCELIUM_SUCCESS ||
      pthread_create(&publisher, NULL, publish, bus) != 0) {
    fprintf(stderr, "stream: %s\n", mycelium_last_error());
    return 1;
  }
  int32_t last_value = 0;
  const int received = receive(bus, options.queue_id, &last_value);
  printf("%d updates, the last value is %d\n", received, last_value);
  pthread_join(publisher, NULL);
  mycelium_runtime_destroy(bus);
  return received == UPDATES ? 0 : 1;
}
