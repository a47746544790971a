#include "actors/runtime/lane.hpp"

#include "actors/runtime/bus.hpp"
#include "actors/runtime/exit_guard.hpp"
#include "actors/runtime/lane_actor.hpp"
#include "actors/runtime/queue.hpp"

#include <algorithm>
#include <pthread.h>
#include <sched.h>

namespace mycelium::runtime {

// Raised while user code may run; whoever ended the lane waits for it to fall.
class lane::running {
public:
  explicit running(lane& l) noexcept : lane_(l) { l.running_.store(true, std::memory_order_seq_cst); }
  ~running() {
    lane_.running_.store(false, std::memory_order_seq_cst);
    lane_.progress_.signal();
    if (lane_.wake_below_.load(std::memory_order_seq_cst) != 0)
      lane_.offer_room_to_waiting();
  }

private:
  lane& lane_;
};

lane::lane(bus& owner, std::uint64_t id, subscription_options options)
    : bus_(owner), id_(id), keeps_short_(options.keeps_short && options.when_full == policy::block),
      options_(std::move(options)), begun_(options_.history == 0), ring_(options_.capacity) {}

lane::~lane() {
  while (const auto* m = ring_.pop())
    m->release();
}

lane::offered lane::offer_to_full(const message* m) noexcept {
  if (ended()) {
    m->release();
    return offered::ended;
  }
  switch (options_.when_full) {
  case policy::block:
    return offered::must_wait;
  case policy::drop_oldest:
    do {
      if (const auto* oldest = ring_.pop_shared()) {
        oldest->release();
        count_drop(drop_reason::oldest);
      } else {
        sched_yield(); // a producer has claimed the oldest cell but not filled it yet
      }
    } while (!ring_.push(m));
    return offered::dropped;
  case policy::drop_newest:
    m->release();
    count_drop(drop_reason::newest);
    return offered::dropped;
  case policy::fail:
    break;
  }
  m->release();
  count_drop(drop_reason::full);
  return offered::full;
}

void lane::wake() noexcept {
  if (options_.queue) {
    options_.queue->announce(*this);
    if (!must_announce())
      return;
  }
  actor()->wake();
}

bool lane::wait_for_room(std::size_t message_size, const deadline& until) {
  constexpr std::int64_t look_again_ns = 10'000'000;
  for (;;) {
    const bool is_short = keeps_short_ && !lags_.load(std::memory_order_relaxed);
    const auto most =
        std::min<std::uint64_t>(is_short ? short_queue::most(message_size) : ring_.capacity(), ring_.capacity());
    const auto room = [this, most] {
      wake_below_.store(most / 2 + 1, std::memory_order_seq_cst);
      return ended() || bus_.is_closing() || ring_.pushed() - ring_.popped() < most;
    };
    const auto since = monotonic_ns();
    const auto popped = ring_.popped();
    const auto patience = is_short ? short_queue::patience_ns : look_again_ns;
    const bool has_room = room_.wait(deadline::in(std::min(until.left(), patience)), room);
    if (is_short && !has_room)
      lags_.store(true, std::memory_order_relaxed);
    else if (!is_short && has_room &&
             short_queue::is_fast(ring_.popped() - popped, monotonic_ns() - since, message_size))
      lags_.store(false, std::memory_order_relaxed);
    if (has_room)
      return true;
    if (until.passed())
      return false;
  }
}

void lane::count_drop(drop_reason why) noexcept {
  dropped_[std::size_t(why)].fetch_add(1, std::memory_order_relaxed);
  episode_dropped_.fetch_add(1, std::memory_order_seq_cst);
  if (announcement_.load(std::memory_order_seq_cst) != none)
    return;
  episode_reason_.store(why, std::memory_order_relaxed);
  std::uint32_t expected = none;
  announcement_.compare_exchange_strong(expected, drops_due, std::memory_order_seq_cst);
}

// ---- the consumer ----

inline const message* lane::pop() noexcept {
  if (options_.when_full == policy::drop_oldest)
    return ring_.pop_shared();
  const auto* m = ring_.pop();
  ring_.prefetch();
  return m;
}

// Waking a publisher for each free cell would cost both sides a system call per message, and have both work on the same
// cache lines. It is woken once, when half of what may wait is gone, and looks by itself now and then, in case a
// callback that runs long holds up the rest.
void lane::offer_room_to_waiting() noexcept {
  const bool has_room = ring_.pushed() - ring_.popped() < wake_below_.load(std::memory_order_relaxed);
  if ((has_room || ended()) && wake_below_.exchange(0, std::memory_order_seq_cst) != 0)
    room_.signal();
}

[[gnu::always_inline]] inline const message* lane::next() noexcept {
  for (;;) {
    const auto* m = pop();
    if (m == nullptr)
      return nullptr;
    if (wake_below_.load(std::memory_order_relaxed) != 0) [[unlikely]]
      offer_room_to_waiting();
    if (kept_until_ == 0 || !already_kept(*m)) [[likely]]
      return m;
    m->release();
    duplicates_.fetch_add(1, std::memory_order_relaxed);
  }
}

bool lane::already_kept(const message& m) const noexcept {
  return m.extras() != nullptr && m.extras()->history_index != 0 && m.extras()->history_index <= kept_until_;
}

void lane::note_depth() noexcept {
  const auto depth = std::min<std::uint64_t>(ring_.pushed() - ring_.popped(), ring_.capacity());
  if (depth > high_water_.load(std::memory_order_relaxed))
    high_water_.store(depth, std::memory_order_relaxed);
}

bool lane::drain(std::size_t quota) noexcept {
  bool more = false;
  {
    running here(*this);
    if (!ended()) {
      if (announcement_.load(std::memory_order_relaxed) == drops_due)
        announce_drops();
      if (!options_.queue && has_begun()) {
        callback_scope scope(&bus_, this);
        name_thread();
        note_depth();
        if (!kept_.empty())
          deliver_kept(scope);
        more = drain_ring(quota, scope) == quota && !ring_.nothing_to_pop() && !is_paused();
      }
      const auto state = announcement_.load(std::memory_order_relaxed);
      if ((state == told || state == recovery_due) && ring_.empty() && !ended())
        announce_recovery();
    }
  }
  if (!ended())
    return more;
  if (finish_later_.load(std::memory_order_seq_cst))
    finish();
  return false;
}

std::size_t lane::drain_ring(std::size_t quota, callback_scope& scope) noexcept {
  if (options_.on_batch != nullptr)
    return drain_batches(quota);
  std::size_t count = 0;
  while (count < quota && !ended_.load(std::memory_order_acquire) && !paused_.load(std::memory_order_relaxed)) {
    const auto* m = next();
    if (m == nullptr)
      break;
    deliver(m, scope);
    m->release();
    ++count;
  }
  scope.current = nullptr;
  return count;
}

std::size_t lane::drain_batches(std::size_t quota) noexcept {
  constexpr std::size_t most = 256;
  std::array<const message*, most> batch;
  const auto limit = std::min<std::size_t>(options_.batch_max, most);
  std::size_t count = 0;
  while (count < quota && !ended_.load(std::memory_order_acquire) && !paused_.load(std::memory_order_relaxed)) {
    std::size_t n = 0;
    while (n < limit && (batch[n] = next()) != nullptr)
      ++n;
    if (n == 0)
      break;
    deliver_batch(batch.data(), n);
    for (std::size_t i = 0; i < n; ++i)
      batch[i]->release();
    count += n;
  }
  return std::min(count, quota);
}

inline void lane::deliver(const message* m, callback_scope& scope, bool direct) noexcept {
  if (options_.on_batch != nullptr)
    return deliver_batch(&m, 1, direct);
  scope.current = m;
  exit_guard::checkpoint();
  try {
    if (options_.on_payload != nullptr)
      options_.on_payload(m->type_id(), m->data(), m->size(), options_.user_data);
    else
      options_.on_message(reinterpret_cast<const ::MyceliumMessage*>(m), options_.user_data);
  } catch (...) {
    report_exception();
  }
  count_delivered(1, direct);
}

void lane::deliver_batch(const message* const* batch, std::size_t count, bool direct) noexcept {
  exit_guard::checkpoint();
  try {
    options_.on_batch(reinterpret_cast<const ::MyceliumMessage* const*>(batch), count, options_.user_data);
  } catch (...) {
    report_exception();
  }
  count_delivered(count, direct);
}

// One writer at a time: no read-modify-write. Who reads delivered_ finds direct_delivered_ at least as new.
inline void lane::count_delivered(std::size_t count, bool direct) noexcept {
  if (direct)
    direct_delivered_.store(direct_delivered_.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
  delivered_.store(delivered_.load(std::memory_order_relaxed) + count, std::memory_order_release);
}

void lane::report_exception() noexcept {
  callback_errors_.fetch_add(1, std::memory_order_relaxed);
  bus_.log_exception("a callback of subscription '" + options_.name + "'");
}

void lane::deliver_now(const message& m) noexcept {
  {
    running here(*this);
    if (!ended()) {
      callback_scope scope(&bus_, this);
      direct_.store(direct_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
      deliver(&m, scope, true);
    }
  }
  if (ended() && finish_later_.load(std::memory_order_seq_cst))
    finish();
}

void lane::control() noexcept {
  {
    running here(*this);
    if (!ended() && options_.on_control) {
      callback_scope scope(&bus_, this);
      exit_guard::checkpoint();
      try {
        options_.on_control();
      } catch (...) {
        report_exception();
      }
    }
  }
  if (ended() && finish_later_.load(std::memory_order_seq_cst))
    finish();
}

std::size_t lane::take(std::vector<const message*>& out, std::size_t max) noexcept {
  std::size_t count = 0;
  if (!has_begun())
    return 0;
  note_depth();
  while (count < max && !kept_.empty() && !ended()) {
    out.push_back(kept_.front().release());
    kept_.erase(kept_.begin());
    ++count;
  }
  direct_delivered_.fetch_add(count, std::memory_order_relaxed);
  while (count < max && !ended()) {
    const auto* m = next();
    if (m == nullptr)
      break;
    out.push_back(m);
    ++count;
  }
  delivered_.store(delivered_.load(std::memory_order_relaxed) + count, std::memory_order_seq_cst);
  progress_.signal();
  if (wake_below_.load(std::memory_order_seq_cst) != 0)
    offer_room_to_waiting();
  // Recovery is told by the actor, as all that this subscription calls back.
  std::uint32_t state = told;
  if (announcement_.load(std::memory_order_relaxed) == told && ring_.empty() &&
      announcement_.compare_exchange_strong(state, recovery_due, std::memory_order_seq_cst)) {
    const read_guard guard; // while it is up, a lane that has not ended has an actor
    if (!ended())
      actor()->wake();
  }
  return count;
}

void lane::begin_with(std::vector<message_ptr> kept, std::uint64_t last_index) {
  kept_ = std::move(kept);
  kept_until_ = last_index;
  direct_.fetch_add(kept_.size(), std::memory_order_relaxed);
  begun_.store(true, std::memory_order_seq_cst);
}

void lane::deliver_kept(callback_scope& scope) noexcept {
  auto kept = std::move(kept_);
  kept_.clear();
  for (const auto& m : kept) {
    if (!ended()) {
      deliver(m.get(), scope, true);
      continue;
    }
    direct_dropped_.fetch_add(1, std::memory_order_relaxed);
    dropped_[std::size_t(rest_is_.load())].fetch_add(1, std::memory_order_relaxed);
  }
}

void lane::name_thread() noexcept {
  if (!options_.dedicated || named_)
    return;
  named_ = true;
  pthread_setname_np(pthread_self(), ("myc:" + options_.name).substr(0, 15).c_str());
}

} // namespace mycelium::runtime
