// The actor of a subscription: a CAF event_based_actor with a lane beside its mailbox. CAF's mailbox state "blocked" is
// the one right to run it: whoever unblocks it (a CAF message that arrives, or a publisher through wake()) schedules it
// or, inline, runs it. Control stays CAF's: exits, monitors, links and requests work as for any actor.
#pragma once

#include "actors/runtime/lane.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/resumable.hpp>

namespace mycelium::runtime {

class lane_actor final : public caf::event_based_actor {
public:
  static constexpr std::size_t quota = 256; // payloads per turn, then others may run

  lane_actor(caf::actor_config& config, counted_ptr<lane> data);

  caf::behavior make_behavior() override;
  resume_result resume(caf::execution_unit* unit, std::size_t max_throughput) override;

  // Publishers, under a read_guard: schedules the actor if it sleeps; who resumes a paused one pokes it. Call after the
  // push.
  void wake() {
    if (mailbox().blocked() && !lane_->rests() && mailbox().try_unblock())
      schedule();
  }

  // Becomes the one who may run the actor, if it sleeps. Followed by one of the next three, once.
  bool try_take() {
    if (!mailbox().blocked() || !mailbox().try_unblock())
      return false;
    intrusive_ptr_add_ref(ctrl());
    (void)handed_over_.load(std::memory_order_acquire);
    return true;
  }
  // Takes the actor's turn on this thread: what waits is delivered.
  void run_here();
  // Instead, where may_deliver_now(): delivers a message that is in no ring.
  bool may_deliver_now() const { return getf(is_initialized_flag) && lane_->nothing_waits(); }
  void deliver_here(const message& m);
  void give_to_worker();

  // Has lane::control run in the actor's turn, at once or in so many nanoseconds. Under a read_guard.
  void poke();
  void poke_in(std::int64_t ns);

  // For an actor that was spawned asleep (lazy_init): its first turn, on this thread, so that it can run inline at
  // once.
  void initialise_here();

private:
  resume_result take_turn(caf::execution_unit* unit, std::size_t max_throughput);
  void schedule();
  void end_turn_here(bool may_sleep);

  const counted_ptr<lane> lane_;
  // Hands what one worker did to the next one; CAF's own hand-over is invisible to ThreadSanitizer.
  std::atomic<int> handed_over_{0};
};

} // namespace mycelium::runtime
