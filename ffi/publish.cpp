// The publishing half of the C interface.
#include "actors/runtime/interrupt_check.hpp"
#include "ffi/handles.hpp"

namespace mycelium::ffi {
namespace {

using runtime::message;
using runtime::outgoing;

message* as_message(MyceliumLoan* loan) { return reinterpret_cast<message*>(loan); }

std::int32_t fail_published(status outcome) noexcept { return fail(outcome, runtime::bus::publish_problem()); }

// What: an outgoing, or the type_id of a message that needs no more.
template <class What>
std::int32_t publish(MyceliumRuntime* rt, const What& what, const std::uint8_t* payload, std::size_t len) {
  runtime::read_guard guard;
  auto* bus = find_handle(rt);
  if (bus == nullptr) [[unlikely]]
    return fail_handle(rt);
  if (payload == nullptr && len != 0) [[unlikely]] {
    bus->count_refused();
    return fail_null("payload");
  }
  const auto outcome = bus->publish(guard, what, message::bytes(payload, len));
  return outcome == status::success ? MYCELIUM_SUCCESS : fail_published(outcome);
}

} // namespace
} // namespace mycelium::ffi

using namespace mycelium;
using namespace mycelium::ffi;

extern "C" {

int32_t mycelium_publish(MyceliumRuntime* rt, uint16_t type_id, const uint8_t* payload, size_t len) {
  return fenced([&] { return publish(rt, type_id, payload, len); });
}

int32_t mycelium_publish_envelope(MyceliumRuntime* rt, const MyceliumEnvelope* envelope, const uint8_t* payload,
                                  size_t len) {
  return fenced([&] {
    if (envelope == nullptr)
      return fail_null("envelope");
    MyceliumEnvelope given;
    if (!read_struct(given, envelope))
      return fail_struct_size();
    if (given.destination < MYCELIUM_TO_ALL || given.destination > MYCELIUM_TO_KEY)
      return fail(status::invalid_argument, "destination is none of MYCELIUM_TO_ALL, _TO_SUBSCRIPTION, _TO_KEY");
    runtime::trace_context trace;
    std::memcpy(trace.trace_id.data(), given.trace_id, sizeof given.trace_id);
    std::memcpy(trace.span_id.data(), given.span_id, sizeof given.span_id);
    trace.flags = given.trace_flags;
    const outgoing what{
        .type_id = given.type_id,
        .priority = given.priority,
        .to = runtime::destination(given.destination),
        .destination_key = given.destination_key,
        .correlation_id = given.correlation_id,
        .trace = given.has_trace != 0 ? &trace : nullptr,
    };
    return publish(rt, what, payload, len);
  });
}

int32_t mycelium_thread_interrupt_check(int32_t (*interrupted)(void*), void* user_data) {
  runtime::interrupt_check_of_thread = {interrupted, user_data};
  return MYCELIUM_SUCCESS;
}

int32_t mycelium_publish_batch(MyceliumRuntime* rt, const MyceliumPayload* payloads, size_t count,
                               size_t* out_accepted) {
  static_assert(sizeof(MyceliumPayload) == sizeof(runtime::payload));
  static_assert(offsetof(MyceliumPayload, data) == offsetof(runtime::payload, data));
  static_assert(offsetof(MyceliumPayload, len) == offsetof(runtime::payload, size));
  return fenced([&] {
    if (out_accepted != nullptr)
      *out_accepted = 0;
    if (payloads == nullptr && count != 0)
      return fail_null("payloads");
    for (size_t i = 0; i < count; ++i)
      if (payloads[i].data == nullptr && payloads[i].len != 0)
        return fail_null("the data of a payload");
    runtime::read_guard guard;
    auto* bus = find_handle(rt);
    if (bus == nullptr)
      return fail_handle(rt);
    const auto done = bus->publish_batch(guard, {reinterpret_cast<const runtime::payload*>(payloads), count});
    if (out_accepted != nullptr)
      *out_accepted = done.accepted;
    return done.outcome == status::success ? MYCELIUM_SUCCESS : fail_published(done.outcome);
  });
}

int32_t mycelium_loan(MyceliumRuntime* rt, size_t capacity, MyceliumLoan** out_loan, uint8_t** out_data) {
  return fenced([&] {
    if (out_loan == nullptr || out_data == nullptr)
      return fail_null(out_loan == nullptr ? "out_loan" : "out_data");
    *out_loan = nullptr;
    *out_data = nullptr;
    const runtime::read_guard guard;
    const auto* bus = find_handle(rt);
    if (bus == nullptr)
      return fail_handle(rt);
    if (bus->is_closing())
      return fail(status::closed, "the runtime is closed; create a new one");
    if (capacity > bus->options().max_payload)
      return fail(status::too_large, "a loan of " + std::to_string(capacity) + " bytes is over max_payload");
    auto* loan = message::make(0, capacity, true);
    *out_loan = reinterpret_cast<MyceliumLoan*>(loan);
    *out_data = loan->data();
    return MYCELIUM_SUCCESS + 0;
  });
}

int32_t mycelium_publish_loan(MyceliumRuntime* rt, uint16_t type_id, MyceliumLoan* loan, size_t offset, size_t len) {
  return fenced([&] {
    if (loan == nullptr)
      return fail_null("loan");
    auto* content = as_message(loan);
    if (offset > content->capacity() || len > content->capacity() - offset)
      return fail(status::invalid_argument, "offset + len is over the capacity of the loan");
    runtime::read_guard guard;
    auto* bus = find_handle(rt);
    if (bus == nullptr)
      return fail_handle(rt);
    const auto outcome = bus->publish(guard, outgoing{.type_id = type_id}, content, offset, len);
    return outcome == status::success ? MYCELIUM_SUCCESS : fail_published(outcome);
  });
}

void mycelium_loan_discard(MyceliumLoan* loan) {
  if (loan != nullptr)
    as_message(loan)->release();
}

} // extern "C"
