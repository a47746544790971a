#include "actors/runtime/dispatch.hpp"

#include <algorithm>

namespace mycelium::runtime {

namespace {

// A worker must not wait: who would make room may need this thread. Nor may a callback wait for itself, or one that
// runs in a publisher's thread for anybody: it holds up that publisher's other subscribers.
bool must_not_wait_for(const lane& to) {
  if (on_pooled_worker || in_callback_of(to))
    return true;
  const auto* callback = innermost_callback;
  return callback != nullptr && (callback->subscription == nullptr || !callback->subscription->options().dedicated);
}

} // namespace

void message_dispatch::do_rest() {
  // Waiting comes first: what inline callbacks publish must not overtake this message. Their own lanes do not wait
  // with us, but go to a worker.
  const bool waits = !full_.empty();
  for (std::size_t i = 0; i < inline_count_ && waits; ++i)
    inline_[i]->give_to_worker();
  for (const auto& to : full_)
    wait_and_offer(*to);
  for (std::size_t i = 0; i < inline_count_ && !waits; ++i)
    inline_[i]->run_here();
}

void message_dispatch::wait_and_offer(lane& to) {
  if (must_not_wait_for(to)) {
    message_->release();
    to.count_drop(drop_reason::full);
    outcome_ = status::full;
    const read_guard guard; // as below
    if (!to.ended())
      to.wake();
    return;
  }
  const auto until = deadline::in(to.options().block_timeout_ns);
  for (;;) {
    const bool room = to.wait_for_room(until);
    const read_guard guard; // while it is up, a lane that has not ended has an actor
    if (bus_.is_closing() || to.ended()) {
      message_->release();
      if (bus_.is_closing())
        outcome_ = status::closed; // else it was unsubscribed: nobody to deliver to
      return;
    }
    if (to.offer(message_) == lane::offered::taken)
      return to.wake();
    if (!room) {
      message_->release();
      to.count_drop(drop_reason::timeout);
      outcome_ = status::timeout;
      return to.wake();
    }
  }
}

} // namespace mycelium::runtime
