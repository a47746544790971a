// A subscription's mailbox for data: a bounded ring with a policy, counters, and the callback that it feeds. It belongs
// to a lane_actor, which alone decides who may run it; publishers only offer. Who drains holds the actor's execution
// right (or, in queue mode, the queue's receive lock), so there is one consumer at a time.
#pragma once

#include "actors/runtime/callback_scope.hpp"
#include "actors/runtime/counted.hpp"
#include "actors/runtime/futex.hpp"
#include "actors/runtime/message.hpp"
#include "actors/runtime/queue.hpp"
#include "actors/runtime/ring.hpp"
#include "actors/runtime/short_queue.hpp"
#include "actors/runtime/turnstile.hpp"
#include "schema/status.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

struct MyceliumMessage;

namespace mycelium::runtime {

class bus;
class lane_actor;

enum class policy : std::int32_t { block = 1, drop_oldest = 2, drop_newest = 3, fail = 4 };

enum class drop_reason : std::int32_t { oldest, newest, timeout, full, unsubscribed, closed };
constexpr std::size_t drop_reasons = 6;

struct drop_event {
  std::uint64_t subscription_id;
  std::uint64_t dropped;
  drop_reason reason;
  bool recovered;
};

// What a subscriber asks for. Handlers are the C interface's; exactly one of on_payload, on_message, on_batch, queue.
struct subscription_options {
  std::string name;
  std::uint16_t type_id = 0;
  std::vector<std::uint16_t> also; // more types that come into the same mailbox, in one order with type_id
  bool unlisted = false;           // gets only what is addressed to it (destination::subscription)
  policy when_full = policy::block;
  std::uint32_t capacity = 4096; // a power of two
  bool keeps_short = false;      // with policy::block: see short_queue
  std::uint32_t history = 0;
  std::uint32_t batch_max = 256;
  std::int64_t block_timeout_ns = 0;
  bool dedicated = false;
  bool run_inline = false;
  bool leads_away = false; // to another node: no subscriber of this process; gets the types of bus::set_types
  std::uint64_t link = 0;  // by which it leads there
  bool carries = false;    // into another system: wanted, but by nobody who would want it from there
  void (*on_payload)(std::uint16_t, const std::uint8_t*, std::size_t, void*) = nullptr;
  void (*on_message)(const ::MyceliumMessage*, void*) = nullptr;
  void (*on_batch)(const ::MyceliumMessage* const*, std::size_t, void*) = nullptr;
  counted_ptr<delivery_queue> queue;
  std::function<void(const drop_event&)> on_drop;
  std::function<void(std::uint64_t)> on_complete;
  // Runs like the callback, never beside it: after bus::poke, and when the actor was restarted.
  std::function<void()> on_control;
  void* user_data = nullptr;
  void (*user_data_free)(void*) = nullptr;
};

struct lane_stats {
  std::uint64_t offered = 0;
  std::uint64_t delivered = 0;
  std::uint64_t waiting = 0;
  std::uint64_t high_water = 0;
  std::uint64_t callback_errors = 0;
  std::array<std::uint64_t, drop_reasons> dropped{};
  std::uint64_t all_dropped() const noexcept {
    return std::accumulate(dropped.begin(), dropped.end(), std::uint64_t{0});
  }
};

class lane : public counted<lane> {
public:
  lane(bus& owner, std::uint64_t id, subscription_options options);
  ~lane();

  std::uint64_t id() const noexcept { return id_; }
  const subscription_options& options() const noexcept { return options_; }
  std::uint16_t type_id() const noexcept { return options_.type_id; }
  bool takes(std::uint16_t type_id) const noexcept {
    return type_id == options_.type_id || std::ranges::find(options_.also, type_id) != options_.also.end();
  }

  // ---- publishers, under a read_guard ----
  enum class offered { taken, dropped, full, must_wait, ended };
  // Takes over the caller's reference of m, whatever comes of it, except for must_wait. The wake-up is the caller's.
  offered offer(const message* m) noexcept { return ring_.push(m) ? offered::taken : offer_to_full(m); }
  // The same where there is room; false, and nothing happened, where there is none.
  bool offer_room(const message* m) noexcept { return ring_.push(m); }
  // Wakes who consumes.
  void wake() noexcept;
  bool feeds_queue() const noexcept { return bool(options_.queue); }
  std::size_t free_places() const noexcept {
    return ring_.capacity() - std::min<std::size_t>(ring_.pushed() - ring_.popped(), ring_.capacity());
  }
  // Does enough wait for a publisher that may wait to do so, although there is room?
  bool has_enough(std::size_t message_size) noexcept {
    if (!keeps_short_ || lags_.load(std::memory_order_relaxed))
      return false;
    const auto pushed = ring_.pushed();
    if (!short_queue::is_over(pushed - popped_then_.load(std::memory_order_relaxed), message_size)) [[likely]]
      return false;
    const auto popped = ring_.popped();
    popped_then_.store(popped, std::memory_order_relaxed);
    return short_queue::is_over(pushed - popped, message_size);
  }
  // Waits for room for a message of this size, outside of a read_guard; false if the deadline came first.
  bool wait_for_room(std::size_t message_size, const deadline& until);
  void wake_publishers() noexcept { room_.signal(); }
  // Messages with which somebody waits for room: see awaited_lane. When bus::set_types took types away, those of these
  // types are all inside.
  turnstile& awaited() noexcept { return awaited_; }
  void count_drop(drop_reason why) noexcept;
  bool ended() const noexcept { return ended_.load(std::memory_order_seq_cst); }

  // ---- the consumer ----

  // Delivers up to quota messages; true if more wait. Catches what callbacks throw.
  bool drain(std::size_t quota) noexcept;
  // For who holds the actor's turn: may a message that is in no ring be delivered now? Then deliver_now does it.
  bool nothing_waits() const noexcept {
    return has_begun() && ring_.empty() && kept_.empty() && announcement_.load(std::memory_order_relaxed) == none;
  }
  void deliver_now(const message& m) noexcept;
  void control() noexcept; // runs on_control
  // In the lane's own callback or control: deliver nothing more until resume(); a batch that was begun counts as one
  // message. Not for queues.
  void pause() noexcept { paused_.store(true, std::memory_order_seq_cst); }
  void resume() noexcept { paused_.store(false, std::memory_order_seq_cst); }
  bool is_paused() const noexcept { return paused_.load(std::memory_order_seq_cst); }
  bool rests() const noexcept { return is_paused() && !must_announce(); }
  // Of an inline subscription: messages come so fast that a worker gathers them better than their publishers.
  void prefer_worker(bool does) noexcept { prefers_worker_.store(does, std::memory_order_relaxed); }
  bool prefers_worker() const noexcept { return prefers_worker_.load(std::memory_order_relaxed); }
  // Nothing for drain to do? seq_cst, for after the actor announced that it sleeps. In queue mode the ring is not its.
  bool idle() const noexcept {
    return !has_begun() || ((feeds_queue() || is_paused() || ring_.nothing_to_pop()) && !must_announce());
  }
  // Queue mode: appends up to max messages to `out`, under the queue's receive lock.
  std::size_t take(std::vector<const message*>& out, std::size_t max) noexcept;
  bool holds_nothing() const noexcept { return ended() || !has_begun() || (ring_.nothing_to_pop() && kept_.empty()); }
  // A subscription with history delivers nothing until it is given the kept messages to deliver first, and the history
  // index up to which the ring's are among them. Wake it afterwards.
  void begin_with(std::vector<message_ptr> kept, std::uint64_t last_index);
  bool has_begun() const noexcept { return begun_.load(std::memory_order_seq_cst); }

  // ---- the end ----

  // No callback begins after this; publishers that wait leave.
  void end(drop_reason why_rest_is_dropped) noexcept;
  // Waits until no callback runs; false at the deadline.
  bool wait_until_idle(const deadline& until);
  // A callback is on the stack: finish() runs when it returns.
  void finish_after_callback() noexcept;
  // Once ended, idle and out of every routing table: drops and counts what waits, then on_complete, then
  // user_data_free. Queue mode: the queue gets its COMPLETE and calls complete() when that is taken. Only the first
  // call does anything.
  void finish() noexcept;
  void complete() noexcept;
  bool finished() const noexcept { return completed_.load(std::memory_order_acquire); }
  bool wait_until_finished(const deadline& until);

  // How far a lane has come. Two counts, because what is delivered without the ring passes what waits in it.
  struct progress {
    std::uint64_t ring = 0;
    std::uint64_t direct = 0;
  };
  progress accepted() const noexcept; // came in
  progress settled() const noexcept;  // was delivered or dropped
  // Until all that had been accepted then is settled; false at the deadline.
  bool wait_until_settled(progress accepted_then, const deadline& until);
  bool has_settled(progress accepted_then) const noexcept;
  lane_stats stats() const noexcept;

  void attach(lane_actor* actor) noexcept {
    actor_.store(actor, std::memory_order_seq_cst);
    incarnations_.fetch_add(1, std::memory_order_seq_cst);
  }
  // How many actors it has had: more than one after a restart.
  std::uint32_t incarnations() const noexcept { return incarnations_.load(std::memory_order_seq_cst); }
  lane_actor* actor() const noexcept { return actor_.load(std::memory_order_acquire); }

  // Queue mode: is it in the queue's list of ready lanes?
  std::atomic<bool> ready{false};
  // Whose callback the thread that runs this lane's callback waits for; guarded by the unsubscribe mutex.
  lane* waits_for = nullptr;

private:
  class running;
  offered offer_to_full(const message* m) noexcept;
  void deliver(const message* m, callback_scope& scope, bool direct = false) noexcept;
  void deliver_batch(const message* const* batch, std::size_t count, bool direct = false) noexcept;
  void count_delivered(std::size_t count, bool direct) noexcept;
  void deliver_kept(callback_scope& scope) noexcept;
  std::size_t drain_ring(std::size_t quota, callback_scope& scope) noexcept;
  std::size_t drain_batches(std::size_t quota) noexcept;
  const message* next() noexcept;
  const message* pop() noexcept;
  bool already_kept(const message& m) const noexcept;
  void offer_room_to_waiting() noexcept;
  void note_depth() noexcept;
  void report_exception() noexcept;
  bool must_announce() const noexcept;
  void announce_drops() noexcept;
  void announce_recovery() noexcept;
  void tell(const drop_event& event) noexcept;
  void name_thread() noexcept;

  // Read by publishers, hardly ever written.
  bus& bus_;
  const std::uint64_t id_;
  const bool keeps_short_;
  subscription_options options_;
  std::atomic<lane_actor*> actor_{nullptr};
  std::atomic<bool> ended_{false};
  std::atomic<bool> begun_;
  std::atomic<bool> paused_{false};
  std::atomic<bool> prefers_worker_{false};
  std::atomic<std::uint32_t> incarnations_{0};
  std::atomic<bool> finish_later_{false};
  std::atomic<bool> finishing_{false};
  std::atomic<bool> completed_{false};
  std::atomic<drop_reason> rest_is_{drop_reason::unsubscribed};
  turnstile awaited_;
  std::atomic<bool> lags_{false};             // see short_queue
  std::atomic<std::uint64_t> popped_then_{0}; // when a publisher looked: the consumer's count is in another cache
  std::atomic<std::uint64_t> wake_below_{0};  // so many messages: publishers that nobody has woken yet; 0: none
  waiting_room room_;                         // publishers that wait for room
  waiting_room progress_;                     // flush, unsubscribe, close

  ring ring_;

  // Written by the consumer, message by message.
  alignas(64) std::atomic<std::uint64_t> delivered_{0};
  std::atomic<std::uint64_t> direct_{0};           // came in without the ring: inline or from history
  std::atomic<std::uint64_t> direct_delivered_{0}; // of these
  std::atomic<std::uint64_t> direct_dropped_{0};
  std::atomic<std::uint64_t> ring_dropped_{0}; // at the end
  std::atomic<std::uint64_t> high_water_{0};
  std::atomic<std::uint64_t> callback_errors_{0};
  std::atomic<std::uint64_t> duplicates_{
      0}; // popped, but older than the subscription's beginning, or delivered from history
  std::atomic<bool> running_{false};
  bool named_ = false;
  std::uint64_t kept_until_ = 0;
  std::vector<message_ptr> kept_;

  // Written when something is dropped.
  alignas(64) std::array<std::atomic<std::uint64_t>, drop_reasons> dropped_{};
  // An episode of drops: first drop, told, (queue mode: emptied, to be told,) over.
  enum announcement : std::uint32_t { none, drops_due, told, recovery_due };
  std::atomic<std::uint32_t> announcement_{none};
  std::atomic<std::uint64_t> episode_dropped_{0};
  std::atomic<drop_reason> episode_reason_{drop_reason::oldest};
};

// A lane that had no room for a message, until it is offered that again or nobody will.
class awaited_lane {
public:
  // Under the read_guard under which it was offered.
  explicit awaited_lane(lane& which) noexcept
      : lane_(counted_ptr<lane>::share(&which)), entered_by_(which.awaited().enter()) {}
  awaited_lane(awaited_lane&& other) noexcept = default;
  awaited_lane& operator=(awaited_lane other) noexcept {
    std::swap(lane_, other.lane_);
    std::swap(entered_by_, other.entered_by_);
    return *this;
  }
  ~awaited_lane() {
    if (lane_)
      lane_->awaited().leave(entered_by_);
  }

  lane* operator->() const noexcept { return lane_.get(); }
  lane& operator*() const noexcept { return *lane_; }

private:
  counted_ptr<lane> lane_;
  turnstile::side entered_by_;
};

} // namespace mycelium::runtime
