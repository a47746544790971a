// Request and reply.
#include "ffi/handles.hpp"

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
    constexpr int64_t default_timeout_ns = 5'000'000'000;
    if (out_request_id != nullptr)
      *out_request_id = 0;
    if (options == nullptr)
      return fail_null("options");
    MyceliumRequestOptions given;
    if (!read_struct(given, options))
      return fail_struct_size();
    if (payload == nullptr && len != 0)
      return fail_null("payload");
    if ((given.on_reply != nullptr) == (given.queue_id != 0))
      return fail(status::invalid_argument, "set exactly one of on_reply and queue_id");
    if (given.timeout_ns < 0)
      return fail(status::invalid_argument, "timeout_ns is negative");
    const pinned_bus bus(rt);
    if (!bus)
      return bus.error();
    runtime::reply_target target{.handler = given.on_reply, .queue = {}, .user_data = given.user_data};
    if (given.queue_id != 0) {
      target.queue = bus->find_queue(given.queue_id);
      if (!target.queue)
        return fail(status::subscription, "there is no queue " + std::to_string(given.queue_id));
    }
    const auto timeout = given.timeout_ns != 0 ? given.timeout_ns : default_timeout_ns;
    const auto id = bus->request_async({.type_id = type_id}, message::bytes(payload, len), timeout, std::move(target),
                                       out_request_id);
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
