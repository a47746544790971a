#include "actors/bridge/outbox.hpp"

#include "actors/runtime/deadline.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <type_traits>
#include <utility>

namespace mycelium::bridge {
namespace {

// Messages that come closer than that are worth gathering: a worker does it. A write costs about as much.
constexpr std::int64_t dense_ns = 4000;

// Windows of bytes for which a receipt may be due.
constexpr std::uint64_t most_windows_due = 4;

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
  options.keeps_short = true;
  options.block_timeout_ns = how_.block_timeout_ns != 0 ? how_.block_timeout_ns : bus_.options().block_timeout_ns;
  options.leads_away = true;
  options.link = link_id_;
  options.run_inline = true;
  options.user_data = this;
  options.on_batch = [](const MyceliumMessage* const* batch, std::size_t count, void* self) {
    static_cast<outbox*>(self)->take({reinterpret_cast<const runtime::message* const*>(batch), count});
  };
  const auto subscribed = bus_.subscribe(std::move(options));
  if (!subscribed)
    return subscribed.error();
  lane_ = bus_.find_lane(*subscribed);
  return lane_ ? result<void>() : failure{status::closed, "the runtime is closed; create a new one"};
}

void outbox::want(const std::vector<std::uint16_t>& types) {
  {
    std::lock_guard lock(mutex_);
    kept_types_.clear(); // a topic may have got a schema since
  }
  (void)bus_.set_types(lane_->id(), types);
}

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
      if (has_room && held_.empty() && has_credit_locked())
        send_locked(*m);
      else
        held_.push_back(runtime::share(*m));
    }
    if (by && !frames_.empty())
      by->carry(frames_);
    if (!held_.empty() && !is_gathering_)
      lane_->pause();
    const auto now = runtime::monotonic_ns();
    const auto turns_apart = now - std::exchange(last_turn_ns_, now);
    lane_->prefer_worker(turns_apart < dense_ns * static_cast<std::int64_t>(batch.size()));
  }
  if (by)
    by->carried();
}

bool outbox::has_credit_locked() const {
  return holds_ == 0 && bytes_on_their_way_ < window_ && receipts_due_ < how_.capacity &&
         bytes_due_ < most_windows_due * window_;
}

bool outbox::is_kept_locked(const runtime::message& m) {
  if (m.request() != nullptr)
    return false;
  if (const auto* extras = m.extras(); extras != nullptr && extras->due != nullptr)
    return true;
  if (how_.at_least_once.is_empty())
    return false;
  const auto [known, is_new] = kept_types_.try_emplace(m.type_id());
  if (is_new)
    known->second = how_.at_least_once.contains(m.type_id(), bus_.schemas());
  return known->second;
}

void outbox::send_locked(const runtime::message& m) {
  const bool kept = is_kept_locked(m);
  const bool with_receipt = kept && by_->gives_receipts();
  const auto size = by_->append(m, sequence_ + 1, turn::first, with_receipt, frames_);
  if (size == 0) {
    ++stats_.passed_over;
    return;
  }
  ++stats_.sent;
  bytes_on_their_way_ += size;
  if (with_receipt) {
    ++receipts_due_;
    bytes_due_ += size;
  }
  on_its_way_.push_back({++sequence_, size, kept, with_receipt, runtime::share(m)});
}

bool outbox::go_on_locked() {
  const bool has_room = by_ && by_->has_room();
  while (has_room && !held_.empty() && has_credit_locked()) {
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
      begin_stream_locked();
    }
    actor = go_on_locked();
  }
  wake(actor, by.get());
}

// What is to be delivered at least once is sent anew, before all else.
void outbox::begin_stream_locked() {
  messages anew;
  for (auto& each : unconfirmed_)
    anew.push_back(std::move(each.what));
  stats_.taken_over += anew.size();
  for (auto& each : on_its_way_) {
    if (each.is_kept) {
      --stats_.sent;
      anew.push_back(std::move(each.what));
    } else {
      ++stats_.lost;
    }
  }
  held_.insert(held_.begin(), std::move_iterator(anew.begin()), std::move_iterator(anew.end()));
  unconfirmed_.clear();
  on_its_way_.clear();
  count_bytes_locked();
  sequence_ = acknowledged_ = 0;
}

void outbox::send_again_locked() {
  for (const auto& each : on_its_way_)
    by_->append(*each.what, each.sequence, turn::again, each.with_receipt, frames_);
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

bool outbox::confirm(std::uint64_t sequence, std::span<const std::uint64_t> but) {
  {
    std::lock_guard lock(mutex_);
    if (sequence > sequence_)
      return false;
    acknowledge_locked(sequence);
    const auto end = std::ranges::upper_bound(unconfirmed_, sequence, {}, &on_its_way::sequence);
    const auto open = std::remove_if(unconfirmed_.begin(), end, [&](const on_its_way& each) {
      const bool delivered = !std::ranges::binary_search(but, each.sequence);
      bytes_due_ -= delivered ? each.size : 0;
      receipts_due_ -= delivered ? 1 : 0;
      return delivered;
    });
    unconfirmed_.erase(open, end);
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
    auto& first = on_its_way_.front();
    bytes_on_their_way_ -= first.size;
    if (first.with_receipt)
      unconfirmed_.push_back(std::move(first));
    on_its_way_.pop_front();
    ++stats_.acknowledged;
  }
}

// ---- a successor ----

std::vector<std::uint16_t> outbox::types_left() {
  std::set<std::uint16_t> types;
  std::lock_guard lock(mutex_);
  for (const auto& each : unconfirmed_)
    types.insert(each.what->type_id());
  for (const auto& each : on_its_way_)
    if (each.is_kept)
      types.insert(each.what->type_id());
  for (const auto& each : held_)
    if (is_kept_locked(*each))
      types.insert(each->type_id());
  return {types.begin(), types.end()};
}

void outbox::hold() {
  std::lock_guard lock(mutex_);
  ++holds_;
}

void outbox::gather() {
  to_gather_.reset();
  knows_awaited_ = false;
  {
    std::lock_guard lock(mutex_);
    is_gathering_ = true;
    lane_->resume();
  }
  runtime::bus::poke(*lane_);
}

void outbox::stop_gathering() {
  std::lock_guard lock(mutex_);
  is_gathering_ = false; // what comes next is held, and the actor stops
}

bool outbox::has_gathered() {
  knows_awaited_ = knows_awaited_ || lane_->awaited().turn();
  if (!to_gather_ && knows_awaited_ && lane_->awaited().have_left()) // first: what was awaited has come then
    to_gather_ = lane_->accepted();
  return to_gather_ && lane_->has_settled(*to_gather_);
}

outbox::messages outbox::leave_to_successor(const std::vector<std::uint16_t>& types) {
  messages left;
  // What is not for the successor stays, in its order.
  const auto part = [&](auto& all, auto message_of, auto is_for_it) {
    std::remove_reference_t<decltype(all)> rest;
    for (auto& each : all) {
      auto& what = message_of(each);
      if (is_for_it(each) && std::ranges::binary_search(types, what->type_id()))
        left.push_back(std::move(what));
      else
        rest.push_back(std::move(each));
    }
    const auto parted = all.size() - rest.size();
    all = std::move(rest);
    return parted;
  };
  const auto message_in = [](on_its_way & each) -> auto& { return each.what; };
  const auto itself = [](runtime::message_ptr & each) -> auto& { return each; };
  std::lock_guard lock(mutex_);
  is_gathering_ = false;
  part(unconfirmed_, message_in, [](const on_its_way&) { return true; });
  const auto sent = part(on_its_way_, message_in, [](const on_its_way& each) { return each.is_kept; });
  const auto held = part(held_, itself, [this](const auto& each) { return is_kept_locked(*each); });
  count_bytes_locked();
  stats_.sent -= sent;
  stats_.passed_over += sent + held; // the successor gets them
  return left;
}

void outbox::count_bytes_locked() {
  receipts_due_ = bytes_due_ = bytes_on_their_way_ = 0;
  const auto count_due = [this](const on_its_way& each) {
    receipts_due_ += each.with_receipt ? 1 : 0;
    bytes_due_ += each.with_receipt ? each.size : 0;
  };
  for (const auto& each : unconfirmed_)
    count_due(each);
  for (const auto& each : on_its_way_) {
    count_due(each);
    bytes_on_their_way_ += each.size;
  }
}

void outbox::take_over(messages left) {
  bool actor;
  std::shared_ptr<carrier> by;
  {
    std::lock_guard lock(mutex_);
    --holds_;
    stats_.taken_over += left.size();
    held_.insert(held_.begin(), std::move_iterator(left.begin()), std::move_iterator(left.end()));
    by = by_;
    actor = go_on_locked();
  }
  wake(actor, by.get());
}

// ---- counts ----

outbox_stats outbox::stats() const {
  outbox_stats now;
  const auto mailbox = lane_->stats();
  {
    std::lock_guard lock(mutex_);
    now = stats_;
    now.waiting = mailbox.waiting + held_.size();
    now.unconfirmed = unconfirmed_.size();
    now.bytes_on_their_way = bytes_on_their_way_;
  }
  now.dropped = mailbox.all_dropped();
  return now;
}

// First all of it has to have left the mailbox, whatever came after it. Then it is sent, or among what is held, which
// is sent in its order; but what was taken over since goes first.
bool outbox::has_sent_locked(position& what) const {
  if (!what.is_taken) {
    if (!lane_->has_settled(what.accepted))
      return false;
    what.is_taken = true;
    what.to_handle = stats_.sent + stats_.passed_over + held_.size();
    what.taken_over = stats_.taken_over;
  }
  if (!what.is_sent && stats_.sent + stats_.passed_over + what.taken_over >= what.to_handle + stats_.taken_over) {
    what.is_sent = true;
    what.sequence = sequence_;
  }
  return what.is_sent;
}

bool outbox::has_sent(position& what) const {
  std::lock_guard lock(mutex_);
  return has_sent_locked(what);
}

bool outbox::is_dealt_with(position& what) const {
  std::lock_guard lock(mutex_);
  if (!has_sent_locked(what))
    return false;
  const auto is_past = [&](const std::deque<on_its_way>& all) {
    return all.empty() || all.front().sequence > what.sequence;
  };
  return is_past(on_its_way_) && is_past(unconfirmed_);
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
  return on_its_way_.empty() && unconfirmed_.empty() && held_.empty();
}

} // namespace mycelium::bridge
