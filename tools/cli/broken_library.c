/* For cli_test.py, loaded before libmycelium_ffi.so with LD_PRELOAD: an installation that does not work, so that doctor
 * is seen to find it out. BROKEN says how. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <mycelium.h>
#include <stdlib.h>
#include <string.h>

static int broken(const char* how) {
  const char* chosen = getenv("BROKEN");
  return chosen != NULL && strcmp(chosen, how) == 0;
}

/* The library's own function. */
static void* original(const char* name) { return dlsym(RTLD_NEXT, name); }

uint32_t mycelium_abi_version(void) {
  uint32_t (*version)(void);
  *(void**)&version = original("mycelium_abi_version");
  return broken("abi") ? version() + (1u << 16) : version();
}

int32_t mycelium_publish(MyceliumRuntime* rt, uint16_t type_id, const uint8_t* payload, size_t len) {
  int32_t (*publish)(MyceliumRuntime*, uint16_t, const uint8_t*, size_t);
  *(void**)&publish = original("mycelium_publish");
  return broken("loss") ? MYCELIUM_SUCCESS : publish(rt, type_id, payload, len);
}

int32_t mycelium_verify_payload(MyceliumRuntime* rt, uint16_t type_id, const uint8_t* payload, size_t len) {
  int32_t (*verify)(MyceliumRuntime*, uint16_t, const uint8_t*, size_t);
  *(void**)&verify = original("mycelium_verify_payload");
  return broken("verifier") ? MYCELIUM_SUCCESS : verify(rt, type_id, payload, len);
}
