#include "actors/runtime/dispatch.hpp"

#include "actors/runtime/interrupt_check.hpp"

#include <algorithm>

namespace mycelium::runtime {

namespace {

// A worker must not wait: who would make room may need this thread. Nor may a callback or who empties a queue wait for
// itself, or a callback that runs in a publisher's thread for anybody: it holds up that publisher's other subscribers.
bool must_not_wait_for(const lane& to) {
  if (on_pooled_worker || in_callback_of(to) || (to.feeds_queue() && to.options().queue->is_served_here()))
    return true;
  const auto* callback = innermost_callback;
  return callback != nullptr && (callback->subscription == nullptr || !callback->subscription->options().dedicated);
}

} // namespace

void message_dispatch::do_rest() {
  // Waiting comes first: what inline callbacks publish must not overtake this message.
  for (auto& each : run_callbacks()) {
    const auto to = std::move(each); // until it has been offered the message, not all of them
    wait_and_offer(*to);
  }
}

// Where some lane has no room, the callbacks do not run before it has, but on workers.
std::vector<awaited_lane> message_dispatch::run_callbacks() {
  const bool later = !full_.empty();
  for (std::size_t i = 0; i < inline_count_; ++i)
    later ? inline_[i]->give_to_worker() : inline_[i]->run_here();
  return std::move(full_);
}

// False at the deadline, and when the thread's interrupt check ends the wait.
bool message_dispatch::wait_for_room(lane& to, const deadline& until) {
  constexpr std::int64_t check_every_ns = 50'000'000;
  for (;;) {
    const auto slice = interrupt_check_of_thread.exists() ? std::min(until.left(), check_every_ns) : until.left();
    if (to.wait_for_room(message_->size(), deadline::in(slice)))
      return true;
    if (until.passed())
      return false;
    interrupted_ = interrupt_check_of_thread.interrupted();
    if (interrupted_)
      return false;
  }
}

void message_dispatch::wait_and_offer(lane& to) {
  const bool may_wait = !must_not_wait_for(to);
  const auto until = deadline::in(may_wait ? to.options().block_timeout_ns : 0);
  for (;;) {
    const bool room = may_wait && !interrupted_ && wait_for_room(to, until);
    const read_guard guard; // while it is up, a lane that has not ended has an actor, and is not finished
    if (to.ended()) {
      message_->release();
      return note_end();
    }
    if (!bus_.is_closing()) {
      const auto offered = to.offer(message_); // also when nobody may wait: it may only have had enough
      if (offered == lane::offered::taken)
        return to.wake();
      if (offered == lane::offered::ended) // in this moment; it has released the message
        return note_end();
      if (room)
        continue; // others were faster
    }
    message_->release();
    to.count_drop(may_wait ? drop_reason::timeout : drop_reason::full);
    outcome_ = may_wait ? status::timeout : status::full;
    return to.wake();
  }
}

// Unsubscribed, there is nobody to deliver to. Ended by close, it was not delivered; but others may have got it, so the
// outcome is not `closed`.
void message_dispatch::note_end() {
  if (bus_.is_closing())
    outcome_ = status::timeout;
}

} // namespace mycelium::runtime
