// Request and reply.
#include "ffi/asking.hpp"

using namespace mycelium;
using namespace mycelium::ffi;
using runtime::message;

extern "C" {

int32_t mycelium_request(MyceliumRuntime* rt, uint16_t type_id, const uint8_t* payload, size_t len, int64_t timeout_ns,
                         MyceliumMessage** out_reply) {
  return fenced([&] {
    if (out_reply == nullptr)
      return fail_null("out_reply");
    *out_reply = nullptr;
    if (payload == nullptr && len != 0)
      return fail_null("payload");
    const pinned_bus bus(rt);
    if (!bus)
      return bus.error();
    auto reply = bus->request({.type_id = type_id}, message::bytes(payload, len), timeout_ns);
    if (!reply)
      return fail(reply.error());
    *out_reply = reinterpret_cast<MyceliumMessage*>(const_cast<message*>(reply->release()));
    return MYCELIUM_SUCCESS + 0;
  });
}

int32_t mycelium_request_async(MyceliumRuntime* rt, uint16_t type_id, const uint8_t* payload, size_t len,
                               const MyceliumRequestOptions* options, uint64_t* out_request_id) {
  return fenced([&] {
    if (out_request_id != nullptr)
      *out_request_id = 0;
    if (options == nullptr)
      return fail_null("options");
    MyceliumRequestOptions given;
    if (!read_struct(given, options))
      return fail_struct_size();
    if (payload == nullptr && len != 0)
      return fail_null("payload");
    const pinned_bus bus(rt);
    if (!bus)
      return bus.error();
    auto asked = asking_of(*bus, given);
    if (!asked)
      return fail(asked.error());
    const auto id = bus->request_async({.type_id = type_id}, message::bytes(payload, len), asked->timeout_ns,
                                       std::move(asked->target), out_request_id);
    return id ? MYCELIUM_SUCCESS : fail(id.error());
  });
}

int32_t mycelium_request_cancel(MyceliumRuntime* rt, uint64_t request_id) {
  return fenced([&] {
    const pinned_bus bus(rt);
    return bus ? answer(bus->cancel_request(request_id)) : bus.error();
  });
}

int32_t mycelium_reply(MyceliumRuntime* rt, const MyceliumMessage* request, uint16_t type_id, const uint8_t* payload,
                       size_t len) {
  return fenced([&] {
    if (request == nullptr)
      return fail_null("request");
    if (payload == nullptr && len != 0)
      return fail_null("payload");
    const pinned_bus bus(rt);
    if (!bus)
      return bus.error();
    return answer(bus->reply(*reinterpret_cast<const message*>(request), type_id, message::bytes(payload, len)));
  });
}

} // extern "C"
