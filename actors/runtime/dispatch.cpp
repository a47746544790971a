#include "actors/runtime/dispatch.hpp"

#include <algorithm>

namespace mycelium::runtime {

void message_dispatch::do_rest() {
  for (std::size_t i = 0; i < inline_count_; ++i)
    inline_[i]->run_inline(*message_);
  inline_count_ = 0;
  for (const auto& to : full_)
    wait_and_offer(*to);
  full_.clear();
}

void message_dispatch::wait_and_offer(lane& to) {
  // A worker must not wait: who would make room may need this thread. Nor may a callback wait for itself.
  if (on_pooled_worker || in_callback_of(to)) {
    message_->release();
    to.count_drop(drop_reason::full);
    outcome_ = status::full;
    return to.wake();
  }
  const auto until = deadline::in(to.options().block_timeout_ns);
  for (;;) {
    const bool room = to.wait_for_room(until);
    const read_guard guard; // while it is up, a lane that has not ended has an actor
    if (to.ended()) {
      message_->release();
      return;
    }
    if (bus_.is_closing()) {
      message_->release();
      outcome_ = status::closed;
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
