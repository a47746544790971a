// A request is a message that carries where its outcome goes; a reply settles it.
#include "actors/runtime/bus.hpp"
#include "actors/runtime/callback_scope.hpp"

namespace mycelium::runtime {
namespace {

failure nobody_serves(std::uint16_t type_id) {
  return {status::no_reply, "nobody answered: no subscription of type " + std::to_string(type_id) +
                                " exists, or each let the request go; start the server first (wait_for_subscribers)"};
}

failure explain_outcome(status outcome, std::uint16_t type_id) {
  if (outcome == status::closed)
    return {outcome, "the runtime was closed before a reply came"};
  return outcome == status::no_reply ? nobody_serves(type_id) : failure{outcome, "no reply came in time"};
}

} // namespace

// Publishes the request. If nobody took it, it is settled (no_reply) or the failure is returned.
result<void> bus::send_request(const outgoing& what, message::bytes content, pending_request& pending) {
  auto request = what;
  request.correlation_id = pending.id();
  request.request = &pending;
  read_guard guard;
  pending.begin_sending();
  const auto outcome = publish(guard, request, content);
  if (outcome != status::success && pending.cancel())
    return failure{outcome, publish_problem()};
  pending.end_sending(); // nobody took it, or all have let go of it: no_reply
  return {};
}

result<message_ptr> bus::request(const outgoing& what, message::bytes content, std::int64_t timeout_ns) {
  if (on_pooled_worker)
    return failure{status::unsupported,
                   "a worker thread must not wait for a reply; use mycelium_request_async or a dedicated subscription"};
  const auto until = deadline::in(timeout_ns);
  auto opened = requests_->open({}, forever);
  if (!opened) {
    publishers_.mine().count_refused();
    return opened.error();
  }
  auto& pending = **opened;
  if (auto sent = send_request(what, content, pending); !sent)
    return sent.error();
  if (!pending.wait(until) && pending.cancel())
    return explain_outcome(status::timeout, what.type_id);
  pending.wait(deadline::in(forever)); // settled in this moment
  if (pending.outcome() == status::success)
    return pending.take_reply();
  return explain_outcome(pending.outcome(), what.type_id);
}

result<void> bus::request_async(const outgoing& what, message::bytes content, std::int64_t timeout_ns,
                                reply_target target, std::uint64_t* out_id) {
  auto opened = requests_->open(std::move(target), timeout_ns);
  if (!opened) {
    publishers_.mine().count_refused();
    return opened.error();
  }
  if (out_id != nullptr)
    *out_id = (*opened)->id(); // before the outcome can come
  return send_request(what, content, **opened);
}

result<void> bus::reply(const message& request, std::uint16_t type_id, message::bytes content) {
  auto* pending = request.request();
  if (pending == nullptr)
    return failure{status::invalid_argument, "this message is no request (mycelium_message_is_request)"};
  if (const auto refused = admit(type_id, content); refused != status::success)
    return failure{refused, publish_problem()};
  const failure too_late{status::subscription, "the request was answered already, or its sender no longer waits"};
  if (pending->settled())
    return too_late;
  const outgoing what{.type_id = type_id, .correlation_id = pending->id()};
  auto* m = build(what, content, publishers_.mine(), 1);
  return pending->settle(status::success, message_ptr(m)) ? result<void>() : result<void>(too_late);
}

result<void> bus::cancel_request(std::uint64_t request_id) {
  if (requests_->cancel(request_id))
    return {};
  return failure{status::subscription,
                 "there is no request " + std::to_string(request_id) + ", or its outcome is being delivered"};
}

} // namespace mycelium::runtime
