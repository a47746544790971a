// Messages that come, neighbours that are absent, and the end.
#include "actors/bridge/bridge.hpp"
#include "actors/bridge/dialer.hpp"
#include "actors/bridge/listener.hpp"
#include "actors/runtime/exit_guard.hpp"

#include <asio/post.hpp>
#include <sys/syscall.h>
#include <unistd.h>

namespace mycelium::bridge {
namespace {

using namespace std::chrono_literals;

constexpr auto stalled_pause = 500us;
constexpr auto leaving_pause = 1ms;
constexpr auto receipts_patience = 20ms;

message_identity identity_of(const frame& what) {
  return {what.envelope.origin, what.envelope.publisher_id, what.envelope.sequence, what.header.type_id};
}

} // namespace

// While ways change, a message may come by two: also by that of an absent neighbour, when it is back, or by a link that
// was not there yet when it came for the first time. What is delivered at least once may come from a neighbour and from
// its successor.
bool bridge::seen_before(const frame& what) {
  if (seen_.add({what.envelope.origin, what.envelope.publisher_id, what.header.type_id}, what.envelope.sequence,
                what.asks_for_receipt() ? seen_messages::older::may_be_left : seen_messages::older::forgotten))
    return false;
  ++stats_.repeated;
  return true;
}

bool bridge::is_valid(std::uint16_t type_id, bytes payload) {
  return !bus_.schemas().contains(type_id) || bus_.schemas().verify(type_id, payload, schema::verify_level::full);
}

status bridge::judge(link& by, const frame& what) {
  if (what.asks_for_receipt())
    kept_types_.insert(what.header.type_id);
  if (!what.is_reply() && seen_before(what)) {
    if (what.asks_for_receipt())
      by.peer()->receiving->expect_again(what.header.sequence, identity_of(what));
    return status::no_reply;
  }
  const auto type_id = what.header.type_id;
  if (is_valid(type_id, what.payload))
    return status::success;
  if (stats_.invalid++ == 0)
    log(runtime::log_level::warning,
        by.where() + ": a message of type " + std::to_string(type_id) + " is no valid payload; it was dropped");
  return status::invalid_payload;
}

bool bridge::goes_on(link& by, const frame& what) {
  std::lock_guard lock(ways_);
  return std::ranges::any_of(network_.next(what.envelope.origin, what.header.type_id),
                             [&](node_id to) { return to != by.peer()->node; });
}

link_owner::delivery bridge::deliver(link& by, const frame& what) {
  const auto from = by.origin_of(what);
  auto message = published_from(what, from);
  message.correlation_id = what.header.correlation;
  runtime::counted_ptr<runtime::receipt> due;
  if (what.asks_for_receipt())
    due = by.peer()->receiving->expect(what.header.sequence, identity_of(what));
  message.due = due.get();
  runtime::undelivered rest;
  const auto outcome = bus_.publish_at_once(message, what.payload, rest);
  if (outcome == status::closed) {
    if (due)
      never_delivered_.push_back(std::move(due));
    return delivery::closing;
  }
  if (outcome != status::success && outcome != status::full && stats_.invalid++ == 0)
    log(runtime::log_level::warning, by.where() + ": " + runtime::bus::publish_problem());
  if (rest.empty())
    return delivery::done;
  stalled_[by.peer()->node] = std::move(rest);
  if (stalled_.size() == 1)
    offer_stalled();
  return delivery::waits;
}

void bridge::offer_stalled() {
  stalled_timer_.expires_after(stalled_pause);
  stalled_timer_.async_wait([this](const std::error_code& error) {
    if (error)
      return;
    if (bus_.is_closing())
      return let_stalled_go();
    std::vector<std::uint64_t> delivered;
    for (auto& [node, rest] : stalled_)
      if (bus_.offer_again(rest))
        delivered.push_back(node);
    for (const auto node : delivered)
      stalled_.erase(node);
    if (!stalled_.empty())
      offer_stalled();
    for (const auto node : delivered)
      if (const auto who = neighbours_.find(node); who != neighbours_.end())
        if (const auto current = who->second->current.lock())
          current->go_on();
  });
}

// Each was the last that came over its link. It is delivered no more; if others should have had it, who sent it hears
// that.
void bridge::let_stalled_go() {
  for (auto& [node, rest] : std::exchange(stalled_, {})) {
    const bool goes_on = rest.leads_away();
    never_offered_.push_back(std::move(rest));
    const auto who = neighbours_.find(node);
    if (who == neighbours_.end())
      continue;
    if (goes_on)
      who->second->take_back_last();
    const auto current = who->second->current.lock();
    if (!current)
      continue;
    if (goes_on)
      current->turn_deaf();
    current->go_on();
  }
}

void bridge::heard_gap(link& by, std::uint64_t missing) {
  stats_.missing += missing;
  log(runtime::log_level::warning, "over " + by.where() + " " + std::to_string(missing) +
                                       " messages are missing: they were lost with an earlier link");
}

void bridge::heard_lost(link& by, std::uint16_t type_id, std::uint64_t count) {
  stats_.lost_there += count;
  log(runtime::log_level::warning, "'" + by.peer()->name + "' dropped " + std::to_string(count) + " messages" +
                                       (type_id != 0 ? " of type " + std::to_string(type_id) : "") +
                                       " for us: we take them too slowly");
}

// ---- neighbours that are absent ----

void bridge::watch_absent() {
  if (std::exchange(watches_absent_, true))
    return;
  absent_timer_.expires_after(std::min<std::chrono::milliseconds>(how_.linger, 1s));
  absent_timer_.async_wait([this](const std::error_code& error) {
    watches_absent_ = false;
    if (error || leaving_)
      return;
    const auto now = std::chrono::steady_clock::now();
    const auto before = absent_since_.size();
    for (auto each = absent_since_.begin(); each != absent_since_.end();) {
      const auto [node, since] = *each++;
      if (auto& who = *neighbours_.at(node); now - since >= how_.linger && !is_greeted(who))
        forget(who);
    }
    if (absent_since_.size() != before)
      update_neighbours();
    if (!absent_since_.empty())
      watch_absent();
  });
}

void bridge::note_process(neighbour& who, const link& of) {
  who.process.reset();
  const int fd = of.process() != 0 ? static_cast<int>(::syscall(SYS_pidfd_open, of.process(), 0)) : -1;
  if (fd >= 0)
    who.process.emplace(io_, fd);
}

// Who has died on this machine does not come back: nobody has to wait for it.
void bridge::watch_process(neighbour& gone) {
  if (!gone.process)
    return;
  gone.process->async_wait(asio::posix::descriptor_base::wait_read,
                           [this, node = gone.node](const std::error_code& error) {
                             if (error || leaving_ || !absent_since_.contains(node))
                               return;
                             auto& who = *neighbours_.at(node);
                             if (is_greeted(who) || keeps_for_successor(who))
                               return;
                             forget(who);
                             update_neighbours();
                           });
}

void bridge::forget(neighbour& gone) {
  const auto unconfirmed = gone.waiting->stats().unconfirmed;
  const auto lost = give_up(gone);
  log(lost + unconfirmed == 0 ? runtime::log_level::info : runtime::log_level::warning,
      "'" + gone.name + "' has gone for good; " + std::to_string(lost) +
          " messages that were on their way to it or waited for it count as lost" +
          (unconfirmed == 0 ? "" : ", and " + std::to_string(unconfirmed) + " it had not said to be delivered"));
  const auto node = gone.node;
  absent_since_.erase(node);
  neighbours_.erase(node);
}

// Its counts stay in the sums. Returns how many messages count as lost only now.
std::uint64_t bridge::give_up(neighbour& gone) {
  const auto before = gone.waiting->stats().lost;
  const auto last = gone.waiting->end();
  auto& all = stats_.gone;
  all.sent += last.sent;
  all.sent_again += last.sent_again;
  all.acknowledged += last.acknowledged;
  all.lost += last.lost;
  all.dropped += last.dropped;
  all.passed_over += last.passed_over;
  all.taken_over += last.taken_over;
  all.unconfirmed += last.unconfirmed;
  return last.lost - before;
}

// ---- the end ----

void bridge::close(const runtime::deadline& until) {
  std::lock_guard one_at_a_time(closing_);
  if (!thread_.joinable())
    return;
  std::lock_guard lock(calls_);
  ended_ = true;
  asio::post(io_, [this, until] {
    for (auto& each : dialers_)
      each->stop();
    for (auto& each : listeners_)
      each->close();
    listeners_.clear();
    // Nobody is there whom it could still reach. What is kept for a successor goes last: who sent it here must not be
    // told that it is delivered, and gives it to ours.
    const auto absent = absent_since_;
    for (const auto& [node, since] : absent)
      if (auto& who = *neighbours_.at(node); !keeps_for_successor(who))
        forget(who);
    leave_when_sent(until);
  });
  thread_.join();
}

bool bridge::has_sent_all() {
  for (const auto& [node, who] : neighbours_) {
    const auto current = who->current.lock();
    if (current && (!who->waiting->is_empty() || !current->has_sent_all()))
      return false;
  }
  return stalled_.empty();
}

// What has come is being delivered meanwhile. Who takes none of it for a while is not waited for: a successor gets it.
bool bridge::has_given_receipts() {
  std::size_t open = 0;
  for (const auto& [node, who] : neighbours_)
    open += who->current.expired() ? 0 : who->receiving->open_count();
  const auto now = std::chrono::steady_clock::now();
  if (std::exchange(receipts_open_, open) != open)
    receipts_since_ = now;
  return open == 0 || now - receipts_since_ > receipts_patience;
}

void bridge::leave_when_sent(runtime::deadline until) {
  const bool sent = has_sent_all();
  if (const bool given = has_given_receipts(); (sent && given) || until.passed())
    return leave();
  leaving_timer_.expires_after(leaving_pause);
  leaving_timer_.async_wait([this, until](const std::error_code&) { leave_when_sent(until); });
}

void bridge::leave() {
  leaving_ = true;
  reporter_.stop();
  const auto links = links_;
  for (const auto& [key, each] : links)
    each->refuse(wire::RefusalReason::Leaving, "the node goes away");
  for (const auto& [key, each] : links)
    each->close("the node goes away"); // what the socket did not take by now is not worth waiting for
  for (auto& [node, who] : neighbours_)
    (void)give_up(*who);
  neighbours_.clear();
  stalled_.clear();
  work_.reset();
  io_.stop();
}

} // namespace mycelium::bridge
