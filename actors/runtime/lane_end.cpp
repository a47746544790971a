// How a lane tells of drops, counts, and ends.
#include "actors/runtime/bus.hpp"
#include "actors/runtime/lane.hpp"
#include "actors/runtime/queue.hpp"

#include <algorithm>

namespace mycelium::runtime {

// ---- drops are events ----

bool lane::must_announce() const noexcept {
  const auto state = announcement_.load(std::memory_order_seq_cst);
  return state == drops_due || state == recovery_due;
}

void lane::announce_drops() noexcept {
  announcement_.store(told, std::memory_order_seq_cst);
  tell({id_, episode_dropped_.load(std::memory_order_seq_cst), episode_reason_.load(std::memory_order_relaxed), false});
}

void lane::announce_recovery() noexcept {
  const drop_event event{id_, episode_dropped_.exchange(0, std::memory_order_seq_cst),
                         episode_reason_.load(std::memory_order_relaxed), true};
  announcement_.store(none, std::memory_order_seq_cst);
  // A drop that came in between found the old episode open: it begins the next one.
  std::uint32_t expected = none;
  if (episode_dropped_.load(std::memory_order_seq_cst) != 0)
    announcement_.compare_exchange_strong(expected, drops_due, std::memory_order_seq_cst);
  tell(event);
}

void lane::tell(const drop_event& event) noexcept {
  bus_.log_drops(options_.name, event);
  if (!options_.on_drop)
    return;
  callback_scope scope(&bus_, this);
  try {
    options_.on_drop(event);
  } catch (...) {
    report_exception();
  }
}

// ---- counts ----

lane::progress lane::accepted() const noexcept { return {ring_.pushed(), direct_.load(std::memory_order_acquire)}; }

lane::progress lane::settled() const noexcept {
  const auto of = [this](drop_reason why) { return dropped_[std::size_t(why)].load(std::memory_order_acquire); };
  progress now;
  // delivered_ first: its direct part is read at least as new, so that the ring's is never taken for more than it is.
  now.ring = delivered_.load(std::memory_order_acquire) + duplicates_.load(std::memory_order_acquire) +
             of(drop_reason::oldest) + ring_dropped_.load(std::memory_order_acquire);
  const auto direct = direct_delivered_.load(std::memory_order_acquire);
  now.ring -= std::min(now.ring, direct);
  now.direct = direct + direct_dropped_.load(std::memory_order_acquire);
  return now;
}

bool lane::has_settled(progress accepted_then) const noexcept {
  const auto now = settled();
  return now.ring >= accepted_then.ring && now.direct >= accepted_then.direct;
}

bool lane::wait_until_settled(progress accepted_then, const deadline& until) {
  return progress_.wait(until, [&] { return has_settled(accepted_then); });
}

lane_stats lane::stats() const noexcept {
  lane_stats s;
  s.delivered = delivered_.load(std::memory_order_acquire);
  std::uint64_t gone = s.delivered;
  for (std::size_t i = 0; i < drop_reasons; ++i)
    gone += s.dropped[i] = dropped_[i].load(std::memory_order_acquire);
  // Read last: what came in is at least what went out.
  auto in = ring_.pushed() + direct_.load(std::memory_order_acquire) - duplicates_.load(std::memory_order_relaxed);
  for (auto why : {drop_reason::newest, drop_reason::timeout, drop_reason::full})
    in += s.dropped[std::size_t(why)];
  s.offered = in > gone ? in : gone;
  s.waiting = s.offered - gone;
  s.high_water = high_water_.load(std::memory_order_relaxed);
  s.callback_errors = callback_errors_.load(std::memory_order_relaxed);
  return s;
}

// ---- the end ----

void lane::end(drop_reason why_rest_is_dropped) noexcept {
  rest_is_ = why_rest_is_dropped;
  ended_.store(true, std::memory_order_seq_cst);
  room_.signal();
}

bool lane::wait_until_idle(const deadline& until) {
  return progress_.wait(until, [this] { return !running_.load(std::memory_order_seq_cst); });
}

void lane::finish_after_callback() noexcept {
  finish_later_.store(true, std::memory_order_seq_cst);
  if (!running_.load(std::memory_order_seq_cst))
    finish(); // the callback ended in this moment and did not see it
}

void lane::finish() noexcept {
  if (finishing_.exchange(true, std::memory_order_seq_cst))
    return;
  auto& rest = dropped_[std::size_t(rest_is_.load())];
  rest.fetch_add(kept_.size(), std::memory_order_relaxed);
  direct_dropped_.fetch_add(kept_.size(), std::memory_order_relaxed);
  kept_.clear();
  while (const auto* m = ring_.pop_shared()) { // right for either policy
    m->release();
    rest.fetch_add(1, std::memory_order_relaxed);
    ring_dropped_.fetch_add(1, std::memory_order_seq_cst);
  }
  progress_.signal();
  if (options_.queue)
    options_.queue->announce_end(counted_ptr<lane>::share(this));
  else
    complete();
}

void lane::complete() noexcept {
  {
    callback_scope scope(&bus_, this);
    try {
      if (options_.on_complete)
        options_.on_complete(id_);
    } catch (...) {
      report_exception();
    }
    try {
      if (options_.user_data_free != nullptr)
        options_.user_data_free(options_.user_data);
    } catch (...) {
      report_exception();
    }
  }
  completed_.store(true, std::memory_order_seq_cst);
  progress_.signal();
}

bool lane::wait_until_finished(const deadline& until) {
  return progress_.wait(until, [this] { return completed_.load(std::memory_order_seq_cst); });
}

} // namespace mycelium::runtime
