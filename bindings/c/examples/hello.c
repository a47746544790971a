/* The smallest program: a subscriber and a publisher on one bus.
 *   cc hello.c $(pkg-config --cflags --libs mycelium) -o hello
 * Prints "received: hello". */
#include <mycelium.h>

#include <stdio.h>
#include <string.h>

/* 1 to 999 are the system's, 1000 to 49999 for applications. Without a schema the payload is just bytes. */
enum { GREETING = 1900 };

static void on_greeting(uint16_t type_id, const uint8_t* payload, size_t len, void* user_data) {
  (void)type_id;
  (void)user_data;
  printf("received: %.*s\n", (int)len, (const char*)payload);
}

int main(void) {
  const char* text = "hello";
  MyceliumRuntime* bus = mycelium_runtime_create();
  if (bus == NULL || mycelium_subscribe(bus, GREETING, on_greeting, NULL, NULL) != MYCELIUM_SUCCESS ||
      mycelium_publish(bus, GREETING, (const uint8_t*)text, strlen(text)) != MYCELIUM_SUCCESS) {
    fprintf(stderr, "hello: %s\n", mycelium_last_error());
    return 1;
  }
  mycelium_runtime_destroy(bus); /* delivers what was accepted, then stops */
  return 0;
}
