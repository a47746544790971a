// Schemas of a runtime.
#include "ffi/handles.hpp"

#include <algorithm>

using namespace mycelium;
using namespace mycelium::ffi;

extern "C" {

int32_t mycelium_verify_schema_digest(MyceliumRuntime* rt, const uint8_t* digest, size_t len) {
  return fenced([&] {
    if (digest == nullptr)
      return fail_null("digest");
    if (len != MYCELIUM_DIGEST_SIZE)
      return fail(status::invalid_argument, "a digest has 32 bytes, this one " + std::to_string(len));
    const pinned_bus bus(rt);
    if (!bus)
      return bus.error();
    schema::digest wanted;
    std::copy_n(digest, wanted.size(), wanted.begin());
    if (bus->schemas().knows_set(wanted))
      return MYCELIUM_SUCCESS + 0;
    return fail(status::digest, "schema digest mismatch: regenerate the bindings with `mycelium schema compile`, or "
                                "register the schema they were made from");
  });
}

int32_t mycelium_register_schema(MyceliumRuntime* rt, const uint8_t* bfbs, size_t len, uint8_t* out_digest) {
  return fenced([&] {
    if (bfbs == nullptr)
      return fail_null("bfbs");
    const pinned_bus bus(rt);
    if (!bus)
      return bus.error();
    if (bus->is_closing())
      return fail(status::closed, "the runtime is closed; create a new one");
    const auto added = bus->schemas().add({bfbs, len});
    if (!added)
      return fail(added.error());
    if (out_digest != nullptr)
      std::copy(added->begin(), added->end(), out_digest);
    return MYCELIUM_SUCCESS + 0;
  });
}

int32_t mycelium_schema_digest(uint8_t out_digest[MYCELIUM_DIGEST_SIZE]) {
  return fenced([&] {
    if (out_digest == nullptr)
      return fail_null("out_digest");
    const auto& digest = schema::schema_set::built_in()->set_digest();
    std::copy(digest.begin(), digest.end(), out_digest);
    return MYCELIUM_SUCCESS + 0;
  });
}

int32_t mycelium_type_digest(MyceliumRuntime* rt, uint16_t type_id, uint8_t out_digest[MYCELIUM_DIGEST_SIZE]) {
  return fenced([&] {
    if (out_digest == nullptr)
      return fail_null("out_digest");
    const pinned_bus bus(rt);
    if (!bus)
      return bus.error();
    const auto type = bus->schemas().find(type_id);
    if (!type)
      return fail(type.error());
    std::copy(type->type_digest.begin(), type->type_digest.end(), out_digest);
    return MYCELIUM_SUCCESS + 0;
  });
}

int32_t mycelium_verify_payload(MyceliumRuntime* rt, uint16_t type_id, const uint8_t* payload, size_t len) {
  return fenced([&] {
    if (payload == nullptr && len != 0)
      return fail_null("payload");
    const pinned_bus bus(rt);
    return bus ? answer(bus->schemas().verify(type_id, {payload, len}, schema::verify_level::full)) : bus.error();
  });
}

} // extern "C"
