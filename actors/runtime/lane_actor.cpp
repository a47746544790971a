#include "actors/runtime/lane_actor.hpp"

#include "actors/runtime/exit_guard.hpp"

#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <caf/atom.hpp>
#include <caf/behavior.hpp>
#include <caf/detail/private_thread.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>
#include <caf/scoped_execution_unit.hpp>
#include <caf/send.hpp>
#include <chrono>

namespace mycelium::runtime {
namespace {

using control = caf::atom_constant<caf::atom("control")>;

caf::actor handle_of(lane_actor* who) { return caf::actor_cast<caf::actor>(static_cast<caf::abstract_actor*>(who)); }

} // namespace

lane_actor::lane_actor(caf::actor_config& config, counted_ptr<lane> data)
    : caf::event_based_actor(config), lane_(std::move(data)) {}

caf::behavior lane_actor::make_behavior() {
  // What else it is told comes as CAF's exits and downs.
  return {[this](control) {
    (void)handed_over_.load(std::memory_order_acquire);
    lane_->control();
    handed_over_.store(1, std::memory_order_release);
  }};
}

void lane_actor::poke() { caf::anon_send(handle_of(this), control::value); }

void lane_actor::poke_in(std::int64_t ns) {
  caf::delayed_anon_send(handle_of(this), std::chrono::nanoseconds(ns), control::value);
}

void lane_actor::schedule() {
  intrusive_ptr_add_ref(ctrl());
  if (getf(is_detached_flag))
    private_thread_->resume();
  else
    home_system().scheduler().enqueue(this);
}

lane_actor::resume_result lane_actor::resume(caf::execution_unit* unit, std::size_t max_throughput) {
  if (!getf(is_detached_flag))
    return take_turn(unit, max_throughput); // the scheduler's policy marks the worker
  exit_guard::begin_work();
  const auto outcome = take_turn(unit, max_throughput);
  exit_guard::end_work();
  return outcome;
}

lane_actor::resume_result lane_actor::take_turn(caf::execution_unit* unit, std::size_t max_throughput) {
  for (;;) {
    (void)handed_over_.load(std::memory_order_acquire);
    const bool initialized = getf(is_initialized_flag);
    const bool more = initialized ? lane_->drain(quota) : true; // CAF initialises on its first turn
    handed_over_.store(1, std::memory_order_release);
    // The mailbox is empty most of the time: then sleep without a turn of CAF's own machinery.
    if (more || !mailbox().try_block()) {
      const auto outcome = caf::event_based_actor::resume(unit, max_throughput);
      if (outcome != caf::resumable::awaiting_message)
        return outcome;
    }
    // The actor sleeps: from here on another thread may run it. Touch atomics only.
    if ((!more && lane_->idle()) || !mailbox().try_unblock())
      return caf::resumable::awaiting_message;
    if (more)
      return caf::resumable::resume_later; // to the end of the queue: be fair
  }
}

void lane_actor::initialise_here() {
  if (!try_take())
    return; // a message came first: a worker does it
  caf::scoped_execution_unit unit(&home_system());
  if (caf::event_based_actor::resume(&unit, 1) == caf::resumable::resume_later)
    return home_system().scheduler().enqueue(this);
  intrusive_ptr_release(ctrl());
}

void lane_actor::run_here() {
  const bool more = getf(is_initialized_flag) ? lane_->drain(quota) : true;
  end_turn_here(!more);
}

void lane_actor::deliver_here(const message& m) {
  lane_->deliver_now(m);
  end_turn_here(true);
}

void lane_actor::end_turn_here(bool may_sleep) {
  handed_over_.store(1, std::memory_order_release);
  if (may_sleep && mailbox().try_block() && (lane_->idle() || !mailbox().try_unblock()))
    return intrusive_ptr_release(ctrl());
  give_to_worker();
}

// The right to run the actor and the reference of try_take go to the scheduler.
void lane_actor::give_to_worker() { home_system().scheduler().enqueue(this); }

} // namespace mycelium::runtime
