// Gateways behind the C interface.
#include "ffi/asking.hpp"
#include "ffi/bridge_call.hpp"
#include "ffi/include/mycelium_bridge.h"

#include <algorithm>

using namespace mycelium;
using namespace mycelium::ffi;

namespace {

using runtime::message;

// A message of the caller's as the bridge takes it.
struct converted {
  bridge::remote_message content;
  runtime::trace_context trace;
};

result<void> convert(const MyceliumRemoteMessage& given, converted& to) {
  const auto wrong = [](const char* text) { return failure{status::invalid_argument, text}; };
  MyceliumEnvelope e;
  if (given.envelope == nullptr || (given.payload == nullptr && given.len != 0))
    return failure{status::null, "envelope or payload is NULL"};
  if (!read_struct(e, given.envelope))
    return wrong("struct_size of an envelope is not set; set it to sizeof the struct");
  if (given.node == 0)
    return wrong("node is 0; a message from elsewhere was published on some node");
  if (e.destination != MYCELIUM_TO_ALL && e.destination != MYCELIUM_TO_KEY)
    return wrong("a message from elsewhere is for all, or has a key");
  to.trace.flags = e.trace_flags;
  std::copy_n(e.trace_id, sizeof e.trace_id, to.trace.trace_id.begin());
  std::copy_n(e.span_id, sizeof e.span_id, to.trace.span_id.begin());
  to.content.what = {.type_id = e.type_id,
                     .priority = e.priority,
                     .to = runtime::destination(e.destination),
                     .destination_key = e.destination_key,
                     .correlation_id = e.correlation_id,
                     .trace = e.has_trace != 0 ? &to.trace : nullptr};
  to.content.from = {.node = given.node,
                     .publisher_id = e.publisher_id,
                     .sequence = e.sequence,
                     .timestamp_ns = e.timestamp_ns,
                     .link = 0,
                     .hops = static_cast<std::uint8_t>(std::min(given.hops + 1, 255u))};
  to.content.payload = {given.payload, given.len};
  return {};
}

} // namespace

extern "C" {

int32_t mycelium_bridge_open_gateway(MyceliumRuntime* rt, uint64_t* out_gateway) {
  return fenced([&] {
    if (out_gateway == nullptr)
      return fail_null("out_gateway");
    return with_bridge(rt, when_none::open, [&](bridge::bridge& links) {
      const auto id = links.open_gateway();
      if (!id)
        return fail(id.error());
      *out_gateway = *id;
      return MYCELIUM_SUCCESS + 0;
    });
  });
}

int32_t mycelium_bridge_origin(MyceliumRuntime* rt, const MyceliumMessage* m, MyceliumOrigin* out) {
  return fenced([&] {
    if (m == nullptr || out == nullptr)
      return fail_null(m == nullptr ? "message" : "out");
    const pinned_bus bus(rt);
    if (!bus)
      return bus.error();
    MyceliumOrigin origin{};
    const auto attached = bus->attached();
    const auto* links = static_cast<const bridge::bridge*>(attached.get());
    const auto* extras = reinterpret_cast<const message*>(m)->extras();
    if (extras != nullptr && extras->from.node != 0) {
      origin.node = extras->from.node;
      origin.way = extras->from.link;
      origin.hops = extras->from.hops;
      origin.of_mesh = links != nullptr && links->knows(origin.node) ? 1 : 0;
    } else {
      origin.node = links != nullptr ? links->node() : 0;
      origin.of_mesh = 1;
    }
    return write_struct(out, origin);
  });
}

int32_t mycelium_bridge_wanted_types(MyceliumRuntime* rt, uint64_t* version, int64_t timeout_ns, uint16_t* types,
                                     size_t cap, size_t* out_count) {
  return fenced([&] {
    if (version == nullptr || out_count == nullptr || (types == nullptr && cap != 0))
      return fail_null(version == nullptr ? "version" : out_count == nullptr ? "out_count" : "types");
    *out_count = 0;
    return with_bridge(rt, when_none::refuse, [&](bridge::bridge& links) {
      const auto wanted = links.wanted_types(*version, runtime::deadline::in(timeout_ns));
      if (!wanted)
        return fail(wanted.error());
      *out_count = wanted->size();
      std::copy_n(wanted->begin(), std::min(cap, wanted->size()), types);
      return MYCELIUM_SUCCESS + 0;
    });
  });
}

int32_t mycelium_bridge_publish(MyceliumRuntime* rt, uint64_t gateway, MyceliumRemoteMessage* messages, size_t count) {
  return fenced([&] {
    if (messages == nullptr && count != 0)
      return fail_null("messages");
    // Where they stay: a message points to its trace, and the bridge to its origin.
    std::vector<converted> made(count);
    std::vector<bridge::remote_message> batch(count);
    for (size_t i = 0; i < count; ++i) {
      if (const auto done = convert(messages[i], made[i]); !done)
        return fail(done.error());
      batch[i] = made[i].content;
    }
    return with_bridge(rt, when_none::refuse, [&](bridge::bridge& links) {
      const auto done = links.publish(gateway, batch);
      for (size_t i = 0; i < count; ++i)
        messages[i].outcome = std::int32_t(batch[i].outcome);
      return answer(done);
    });
  });
}

int32_t mycelium_bridge_flush(MyceliumRuntime* rt, int64_t timeout_ns) {
  return fenced([&] {
    return with_bridge(rt, when_none::refuse,
                       [&](bridge::bridge& links) { return answer(links.flush(runtime::deadline::in(timeout_ns))); });
  });
}

int32_t mycelium_bridge_request(MyceliumRuntime* rt, uint64_t gateway, MyceliumRemoteMessage* m,
                                const MyceliumRequestOptions* options, uint64_t* out_request_id) {
  return fenced([&] {
    if (out_request_id != nullptr)
      *out_request_id = 0;
    if (m == nullptr || options == nullptr)
      return fail_null(m == nullptr ? "message" : "options");
    MyceliumRequestOptions given;
    if (!read_struct(given, options))
      return fail_struct_size();
    converted made;
    if (const auto done = convert(*m, made); !done)
      return fail(done.error());
    return with_bridge(rt, when_none::refuse, [&](bridge::bridge& links) {
      const pinned_bus bus(rt);
      if (!bus)
        return bus.error();
      const auto asking = asking_of(*bus, given);
      if (!asking)
        return fail(asking.error());
      const auto done = links.request(gateway, made.content, asking->timeout_ns, asking->target, out_request_id);
      m->outcome = std::int32_t(done ? *done : done.error().code);
      return done ? m->outcome : fail(done.error());
    });
  });
}

} // extern "C"
