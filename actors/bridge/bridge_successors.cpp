// Types that are delivered at least once: what a neighbour that has gone had not delivered goes to its successor,
// another node of the same name, as soon as that wants the type.
#include "actors/bridge/bridge.hpp"

#include <algorithm>
#include <iterator>

namespace mycelium::bridge {
namespace {

constexpr std::chrono::milliseconds gathering_pause{1};

} // namespace

bool bridge::is_delivered_at_least_once(std::uint16_t type_id) const {
  return kept_types_.contains(type_id) || how_.at_least_once.contains(type_id, bus_.schemas());
}

bool bridge::keeps_for_successor(const neighbour& gone) const {
  const auto is_from_it = [&](const handover& each) { return each.from == gone.node; };
  return !gone.waiting->types_left().empty() || std::ranges::any_of(handovers_, is_from_it) ||
         std::ranges::any_of(gone.types, [this](auto type_id) { return is_delivered_at_least_once(type_id); });
}

// Of these types (sorted), what is to be delivered at least once and was not.
void bridge::begin_handover(neighbour& from, neighbour& to, const std::vector<std::uint16_t>& types) {
  std::vector<std::uint16_t> left;
  std::ranges::set_union(from.was_sent, from.waiting->types_left(), std::back_inserter(left));
  handover made{.from = from.node, .to = to.node, .types = {}, .since = std::chrono::steady_clock::now()};
  std::ranges::set_intersection(left, types, std::back_inserter(made.types));
  std::erase_if(made.types, [this](auto type_id) { return !is_delivered_at_least_once(type_id); });
  if (made.types.empty())
    return;
  to.waiting->hold();
  handovers_.push_back(std::move(made));
}

// Before it is sent any of these types for the first time.
void bridge::hold_for_predecessors(neighbour& who, const std::vector<std::uint16_t>& types) {
  if (who.current.expired())
    return;
  std::vector<std::uint16_t> fresh;
  std::ranges::set_difference(types, who.types, std::back_inserter(fresh));
  if (fresh.empty())
    return;
  for (const auto& [node, before] : neighbours_)
    if (before.get() != &who && before->name == who.name)
      begin_handover(*before, who, fresh);
}

// Its successor was there before it had gone. What it gets is older than what it has had.
void bridge::leave_to_the_living(neighbour& gone) {
  for (const auto& [node, who] : neighbours_)
    if (who.get() != &gone && who->name == gone.name && !who->current.expired())
      begin_handover(gone, *who, who->types);
}

// What went from one to the next comes before what it goes on to, and each leaves what it has once.
bool bridge::has_to_wait(std::size_t place) const {
  const auto& each = handovers_[place];
  return std::any_of(handovers_.begin(), handovers_.begin() + static_cast<std::ptrdiff_t>(place),
                     [&](const handover& before) { return before.to == each.from || before.from == each.from; });
}

// The successor is sent the types by now: the one before takes no more of them, and leaves what it has.
bool bridge::is_over(handover& each) {
  const auto to = neighbours_.find(each.to);
  const auto from = neighbours_.find(each.from);
  if (to == neighbours_.end()) {
    if (from != neighbours_.end() && each.is_gathering)
      from->second->waiting->stop_gathering();
    return true;
  }
  if (from == neighbours_.end()) {
    to->second->waiting->take_over({});
    return true;
  }
  auto& gone = *from->second;
  if (const auto link = gone.current.lock()) {
    if (link->last_heard() <= each.since)
      return false; // it may have died without a word: the time of silence will tell
    if (each.is_gathering)
      gone.waiting->stop_gathering();
    to->second->waiting->take_over({}); // two of a name, and both live
    return true;
  }
  if (!std::exchange(each.is_gathering, true)) {
    const auto is_handed_over = [&](auto type_id) { return std::ranges::binary_search(each.types, type_id); };
    std::erase_if(gone.types, is_handed_over);
    std::erase_if(gone.was_sent, is_handed_over);
    gone.waiting->want(gone.types);
    gone.waiting->gather();
  }
  if (!gone.waiting->has_gathered())
    return false;
  auto left = gone.waiting->leave_to_successor(each.types);
  log(runtime::log_level::info, "'" + gone.name + "' is back as another node, which gets the " +
                                    std::to_string(left.size()) + " messages that the one before had not delivered");
  to->second->waiting->take_over(std::move(left));
  return true;
}

void bridge::go_on_with_handovers() {
  for (std::size_t i = 0; i < handovers_.size();) {
    if (!has_to_wait(i) && is_over(handovers_[i]))
      handovers_.erase(handovers_.begin() + static_cast<std::ptrdiff_t>(i));
    else
      ++i;
  }
  if (handovers_.empty())
    return;
  handover_timer_.expires_after(gathering_pause);
  handover_timer_.async_wait([this](const std::error_code& error) {
    if (!error)
      go_on_with_handovers();
  });
}

} // namespace mycelium::bridge
