#include "actors/bridge/outbox.hpp"

#include "actors/runtime/deadline.hpp"

#include <algorithm>
#include <utility>

namespace mycelium::bridge {
namespace {

// Messages that come closer than that are worth gathering: a worker does it. A write costs about as much.
constexpr std::int64_t dense_ns = 4000;

} // namespace

outbox::outbox(runtime::bus& bus, std::uint64_t link_id, std::string name, const settings& how)
    : bus_(bus), link_id_(link_id), name_(std::move(name)), how_(how) {}

outbox::~outbox() {
  if (lane_)
    (void)bus_.unsubscribe(lane_->id()); // the bus may be closing: then it does it
}

result<void> outbox::open() {
  runtime::subscription_options options;
  options.name = name_;
  options.when_full = how_.when_full;
  options.capacity = how_.capacity;
  options.block_timeout_ns = how_.block_timeout_ns != 0 ? how_.block_timeout_ns : bus_.options().block_timeout_ns;
  options.leads_away = true;
  options.link = link_id_;
  options.run_inline = true;
  options.user_data = this;
  options.on_batch = [](const MyceliumMessage* const* messages, std::size_t count, void* self) {
    static_cast<outbox*>(self)->take({reinterpret_cast<const runtime::message* const*>(messages), count});
  };
  const auto subscribed = bus_.subscribe(std::move(options));
  if (!subscribed)
    return subscribed.error();
  lane_ = bus_.find_lane(*subscribed);
  return lane_ ? result<void>() : failure{status::closed, "the runtime is closed; create a new one"};
}

void outbox::want(const std::vector<std::uint16_t>& types) { (void)bus_.set_types(lane_->id(), types); }

std::uint64_t outbox::take_drops() {
  const auto now = stats().dropped;
  return now - std::exchange(drops_told_, now);
}

// ---- out ----

void outbox::take(std::span<const runtime::message* const> batch) {
  std::shared_ptr<carrier> by;
  {
    std::lock_guard lock(mutex_);
    by = by_;
    const bool has_room = by && by->has_room();
    for (const auto* m : batch) {
      if (has_room && held_.empty() && bytes_on_their_way_ < window_)
        send_locked(*m);
      else
        held_.push_back(runtime::share(*m));
    }
    if (by && !frames_.empty())
      by->carry(frames_);
    if (!held_.empty())
      lane_->pause();
    const auto now = runtime::monotonic_ns();
    const auto turns_apart = now - std::exchange(last_turn_ns_, now);
    lane_->prefer_worker(turns_apart < dense_ns * static_cast<std::int64_t>(batch.size()));
  }
  if (by)
    by->carried();
}

void outbox::send_locked(const runtime::message& m) {
  const auto size = by_->append(m, sequence_ + 1, turn::first, frames_);
  if (size == 0) {
    ++stats_.passed_over;
    return;
  }
  ++stats_.sent;
  bytes_on_their_way_ += size;
  on_its_way_.push_back({++sequence_, size, runtime::share(m)});
}

bool outbox::go_on_locked() {
  const bool has_room = by_ && by_->has_room();
  while (has_room && !held_.empty() && bytes_on_their_way_ < window_) {
    const auto next = std::move(held_.front());
    held_.pop_front();
    send_locked(*next);
  }
  if (by_ && !frames_.empty())
    by_->carry(frames_);
  if (!held_.empty() || !lane_->is_paused())
    return false;
  lane_->resume(); // before the lock is down: who pauses after this sees what is held then
  return true;
}

void outbox::wake(bool actor, carrier* by) {
  if (actor)
    runtime::bus::poke(*lane_);
  if (by != nullptr)
    by->carried();
}

// ---- links and acknowledgements ----

void outbox::begin(std::shared_ptr<carrier> by, std::uint64_t window, std::optional<std::uint64_t> heard) {
  bool actor;
  {
    std::lock_guard lock(mutex_);
    by_ = by;
    window_ = window;
    if (heard || acknowledged_ == 0) {
      acknowledge_locked(heard.value_or(0));
      send_again_locked();
    } else {
      stats_.lost += on_its_way_.size();
      on_its_way_.clear();
      bytes_on_their_way_ = 0;
      sequence_ = 0;
      acknowledged_ = 0;
    }
    actor = go_on_locked();
  }
  wake(actor, by.get());
}

void outbox::send_again_locked() {
  for (const auto& each : on_its_way_)
    by_->append(*each.what, each.sequence, turn::again, frames_);
  stats_.sent_again += on_its_way_.size();
  if (!frames_.empty())
    by_->carry(frames_);
}

void outbox::release(const carrier& by) {
  std::lock_guard lock(mutex_);
  if (by_.get() == &by)
    by_ = {};
}

bool outbox::acknowledge(std::uint64_t sequence) {
  {
    std::lock_guard lock(mutex_);
    if (sequence > sequence_)
      return false;
    acknowledge_locked(sequence);
  }
  go_on();
  return true;
}

void outbox::go_on() {
  bool actor;
  std::shared_ptr<carrier> by;
  {
    std::lock_guard lock(mutex_);
    if (held_.empty())
      return;
    by = by_;
    actor = go_on_locked();
  }
  wake(actor, by.get());
}

void outbox::acknowledge_locked(std::uint64_t sequence) {
  acknowledged_ = std::max(acknowledged_, sequence);
  while (!on_its_way_.empty() && on_its_way_.front().sequence <= sequence) {
    bytes_on_their_way_ -= on_its_way_.front().size;
    on_its_way_.pop_front();
    ++stats_.acknowledged;
  }
}

// ---- counts ----

outbox_stats outbox::stats() const {
  outbox_stats now;
  const auto mailbox = lane_->stats();
  {
    std::lock_guard lock(mutex_);
    now = stats_;
    now.waiting = mailbox.waiting + held_.size();
    now.bytes_on_their_way = bytes_on_their_way_;
  }
  now.dropped = mailbox.all_dropped();
  return now;
}

// Of what a mailbox was offered, the first n have left it when n were handled, since it keeps their order.
bool outbox::is_dealt_with(position& what) const {
  const auto dropped = lane_->stats().all_dropped();
  std::lock_guard lock(mutex_);
  if (!what.is_sent) {
    if (stats_.sent + stats_.passed_over + dropped < what.offered)
      return false;
    what.is_sent = true;
    what.sequence = sequence_;
  }
  return on_its_way_.empty() || on_its_way_.front().sequence > what.sequence;
}

outbox_stats outbox::end() {
  (void)bus_.unsubscribe(lane_->id()); // the bus may be closing: then it has done it
  const auto mailbox = lane_->stats();
  auto last = stats();
  const auto never_taken = mailbox.dropped[std::size_t(runtime::drop_reason::unsubscribed)] +
                           mailbox.dropped[std::size_t(runtime::drop_reason::closed)];
  last.dropped -= never_taken;
  last.lost += (last.sent - last.acknowledged - last.lost) + last.waiting + never_taken;
  last.waiting = last.bytes_on_their_way = 0;
  return last;
}

bool outbox::is_empty() const {
  if (lane_->stats().waiting != 0) // first: what has left it is found in the lists
    return false;
  std::lock_guard lock(mutex_);
  return on_its_way_.empty() && held_.empty();
}

} // namespace mycelium::bridge
