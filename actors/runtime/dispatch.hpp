// One message on its way into the lanes of a route. Under the guard each lane is offered the message; what may wait (a
// lane that is full, or has enough, and whose policy is to block) or run user code (an inline subscription) is put
// aside and done after the guard is down.
#pragma once

#include "actors/runtime/bus.hpp"
#include "actors/runtime/lane_actor.hpp"

#include <array>
#include <span>
#include <vector>

namespace mycelium::runtime {

class message_dispatch {
public:
  static constexpr int max_inline_depth = 4;

  // patient: in a lane that keeps short, there is room only where not enough waits.
  explicit message_dispatch(bus& owner, bool patient = true) noexcept : bus_(owner), patient_(patient) {}

  // Under a read_guard. Takes over one reference of m per lane. wake_now false: the caller wakes the lanes.
  void offer(const message* m, std::span<lane* const> lanes, bool wake_now) {
    for (auto* to : lanes) {
      if (patient_ && to->has_enough(m->size())) {
        full_.emplace_back(*to);
        continue;
      }
      if (to->options().run_inline && try_inline(*to, m))
        continue;
      switch (to->offer(m)) {
      case lane::offered::taken:
        if (wake_now)
          wake(*to);
        break;
      case lane::offered::must_wait:
        full_.emplace_back(*to);
        to->wake();
        break;
      case lane::offered::full:
        outcome_ = status::full;
        [[fallthrough]];
      default: // dropped: the actor may have to tell
        to->wake();
      }
    }
    message_ = m;
  }

  static void wake(lane& to) noexcept {
    if (to.feeds_queue()) [[unlikely]]
      to.wake();
    else
      to.actor()->wake();
  }

  bool has_rest() const noexcept { return !full_.empty() || inline_count_ != 0; }
  // After the guard is down, if there is a rest: runs inline callbacks and waits for room.
  void do_rest();
  // Instead, where nothing waits for room: runs inline callbacks; the lanes that have none are the caller's.
  std::vector<awaited_lane> run_callbacks();
  status outcome() const noexcept { return outcome_; }

private:
  static constexpr std::size_t max_inline = 8; // more of them in one route are delivered by workers

  // If the lane sleeps, its turn is ours: the message is in its place in the ring, the callback runs in do_rest().
  bool try_inline(lane& to, const message* m) {
    if (inline_count_ == max_inline || to.prefers_worker() || callback_depth() >= max_inline_depth ||
        !to.actor()->try_take())
      return false;
    if (!to.offer_room(m)) {
      to.actor()->give_to_worker();
      return false;
    }
    inline_[inline_count_++] = to.actor();
    return true;
  }
  bool wait_for_room(lane& to, const deadline& until);
  void wait_and_offer(lane& to);
  void note_end();

  bus& bus_;
  const bool patient_;
  const message* message_ = nullptr;
  status outcome_ = status::success;
  bool interrupted_ = false;
  std::size_t inline_count_ = 0;
  std::array<lane_actor*, max_inline> inline_; // each counted by try_take
  std::vector<awaited_lane> full_;
};

} // namespace mycelium::runtime
