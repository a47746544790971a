/* A stranger's C11 program: publishes to itself, through what was installed. */
#include <mycelium.h>

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static atomic_int greetings;

static void on_greeting(uint16_t type_id, const uint8_t* payload, size_t len, void* user_data) {
  if (type_id == 20001 && len == 5 && memcmp(payload, "hello", 5) == 0)
    atomic_fetch_add((atomic_int*)user_data, 1);
}

int main(void) {
  MyceliumRuntime* rt = mycelium_runtime_create();
  if (rt == NULL || mycelium_abi_version() >> 16 != MYCELIUM_ABI_MAJOR) {
    fprintf(stderr, "%s\n", mycelium_last_error());
    return 1;
  }
  if (mycelium_subscribe(rt, 20001, on_greeting, &greetings, NULL) != MYCELIUM_SUCCESS ||
      mycelium_publish(rt, 20001, (const uint8_t*)"hello", 5) != MYCELIUM_SUCCESS) {
    fprintf(stderr, "%s\n", mycelium_last_error());
    return 1;
  }
  mycelium_runtime_destroy(rt); /* delivers first */
  printf("mycelium %s: %d\n", mycelium_version(), atomic_load(&greetings));
  return atomic_load(&greetings) == 1 ? 0 : 1;
}
