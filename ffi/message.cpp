// What a receiver may ask of a message.
#include "actors/runtime/callback_scope.hpp"
#include "actors/runtime/stamp.hpp"
#include "ffi/fence.hpp"

#include "actors/runtime/message.hpp"

using namespace mycelium;
using namespace mycelium::ffi;

namespace {

const runtime::message* from(const MyceliumMessage* m) { return reinterpret_cast<const runtime::message*>(m); }

} // namespace

extern "C" {

const uint8_t* mycelium_message_payload(const MyceliumMessage* m, size_t* len) {
  if (len != nullptr)
    *len = m != nullptr ? from(m)->size() : 0;
  return m != nullptr ? from(m)->data() : nullptr;
}

uint16_t mycelium_message_type_id(const MyceliumMessage* m) { return m != nullptr ? from(m)->type_id() : 0; }

int32_t mycelium_message_envelope(const MyceliumMessage* m, MyceliumEnvelope* out) {
  if (m == nullptr || out == nullptr)
    return fail_null(m == nullptr ? "message" : "out");
  const auto& content = *from(m);
  MyceliumEnvelope e{};
  e.type_id = content.type_id();
  e.priority = content.priority;
  e.correlation_id = content.correlation_id;
  e.sequence = content.sequence;
  e.publisher_id = content.publisher_id;
  const auto* extras = content.extras();
  if (extras != nullptr) {
    e.destination = int32_t(extras->to);
    e.destination_key = extras->destination_key;
    e.has_trace = extras->has_trace ? 1 : 0;
    std::memcpy(e.trace_id, extras->trace.trace_id.data(), sizeof e.trace_id);
    std::memcpy(e.span_id, extras->trace.span_id.data(), sizeof e.span_id);
    e.trace_flags = extras->trace.flags;
  }
  e.timestamp_ns = extras != nullptr && extras->from.node != 0 ? extras->from.timestamp_ns
                                                               : runtime::stamp_to_wall_clock(content.stamp);
  return write_struct(out, e);
}

int32_t mycelium_message_is_request(const MyceliumMessage* m) {
  return m != nullptr && from(m)->request() != nullptr ? 1 : 0;
}

MyceliumMessage* mycelium_message_retain(const MyceliumMessage* m) {
  MyceliumMessage* kept = nullptr;
  fenced([&] {
    if (m == nullptr)
      return fail_null("message");
    kept = reinterpret_cast<MyceliumMessage*>(from(m)->retain());
    return MYCELIUM_SUCCESS + 0;
  });
  return kept;
}

void mycelium_message_release(MyceliumMessage* m) {
  if (m != nullptr)
    from(m)->release();
}

const MyceliumMessage* mycelium_message_current(void) {
  const auto* scope = runtime::innermost_callback;
  return scope != nullptr ? reinterpret_cast<const MyceliumMessage*>(scope->current) : nullptr;
}

} // extern "C"
