#include "actors/bridge/network.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <iterator>
#include <set>
#include <utility>

namespace mycelium::bridge {

std::string text_of(node_id node) {
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(node));
  return text.data();
}

network::network(node_id self, std::string name) : self_(self) {
  nodes_[self] = {.id = self, .version = 1, .name = std::move(name), .neighbours = {}, .wants = {}};
}

bool network::set_neighbours(std::vector<node_id> neighbours, std::vector<node_id> absent) {
  auto& state = nodes_.at(self_);
  std::ranges::sort(neighbours);
  if (state.neighbours == neighbours && state.absent == absent)
    return false;
  std::map<node_id, std::uint64_t> agreed;
  for (const auto node : neighbours) {
    const auto before = agreed_.find(node);
    const auto known = nodes_.find(node);
    agreed[node] = before != agreed_.end() ? before->second : known != nodes_.end() ? known->second.version : 0;
  }
  agreed_ = std::move(agreed);
  state.neighbours = std::move(neighbours);
  state.absent = std::move(absent);
  ++state.version;
  links_have_changed();
  return true;
}

bool network::set_wants(std::vector<std::uint16_t> wants, std::vector<std::uint16_t> carries) {
  auto& state = nodes_.at(self_);
  std::ranges::sort(wants);
  std::ranges::sort(carries);
  if (state.wants == wants && state.carries == carries)
    return false;
  state.wants = std::move(wants);
  state.carries = std::move(carries);
  ++state.version;
  forget_ways();
  return true;
}

bool network::learn(node_state state) {
  if (state.id == self_ || state.neighbours.size() + state.absent.size() > max_neighbours)
    return false;
  const auto known = nodes_.find(state.id);
  if (known != nodes_.end() ? state.version <= known->second.version : nodes_.size() >= max_nodes && !make_room())
    return false;
  std::ranges::sort(state.neighbours);
  std::ranges::sort(state.wants);
  std::ranges::sort(state.carries);
  auto& node = nodes_[state.id];
  const bool links_change = node.id == 0 || node.neighbours != state.neighbours || node.absent != state.absent;
  node = std::move(state);
  if (links_change)
    links_have_changed();
  else
    forget_ways();
  return true;
}

// A node that is gone is kept, since it may only be cut off for a while; until the room is needed.
bool network::make_room() {
  const auto living = reachable(over::kept);
  const auto before = nodes_.size();
  std::erase_if(nodes_, [&](const auto& entry) { return !std::ranges::binary_search(living, entry.first); });
  return nodes_.size() < before;
}

bool network::says(node_id who, node_id of, over ways) const {
  const auto found = nodes_.find(who);
  return found != nodes_.end() &&
         (std::ranges::binary_search(found->second.neighbours, of) ||
          (ways == over::kept && std::ranges::find(found->second.absent, of) != found->second.absent.end()));
}

// A neighbour that says nothing of this node may not have come to say it; one that names it as absent has noticed a
// cut.
bool network::is_linked_neighbour(node_id node) const {
  const auto agreed = agreed_.find(node);
  const auto state = nodes_.find(node);
  return agreed != agreed_.end() && state != nodes_.end() &&
         (state->second.version <= agreed->second ||
          std::ranges::find(state->second.absent, self_) == state->second.absent.end());
}

// Both have to say so, if neither is this node: who has died still stands in what others have heard of it.
bool network::linked(node_id a, node_id b, over ways) const {
  if ((a == self_ && is_linked_neighbour(b)) || (b == self_ && is_linked_neighbour(a)))
    return true;
  return says(a, b, ways) && says(b, a, ways);
}

template <class Visit>
void network::for_each_linked(node_id node, over ways, Visit visit) const {
  const auto state = nodes_.find(node);
  if (state == nodes_.end())
    return;
  const auto visit_all = [&](const std::vector<node_id>& neighbours) {
    for (const auto each : neighbours)
      if (linked(node, each, ways))
        visit(each);
  };
  visit_all(state->second.neighbours);
  if (ways == over::kept)
    visit_all(state->second.absent);
  if (is_linked_neighbour(node))
    visit(self_); // if it has not said so yet
}

// Adds to `order` whom all in it lead to, breadth first.
void network::spread(std::vector<node_id>& order, over ways) const {
  std::set<node_id> seen(order.begin(), order.end());
  for (std::size_t i = 0; i < order.size(); ++i)
    for_each_linked(order[i], ways, [&](node_id neighbour) {
      if (seen.insert(neighbour).second)
        order.push_back(neighbour);
    });
}

std::vector<node_id> network::reachable(over ways) const {
  std::vector<node_id> all{self_};
  spread(all, ways);
  std::ranges::sort(all);
  return all;
}

std::vector<node_id> network::nearest_first() const {
  std::vector<node_id> order{self_};
  spread(order, over::links);
  spread(order, over::kept);
  const std::set<node_id> near(order.begin(), order.end());
  for (const auto& [node, state] : nodes_)
    if (!near.contains(node))
      order.push_back(node);
  return order;
}

std::vector<std::uint16_t> network::wanted() const {
  std::set<std::uint16_t> types;
  for (const auto node : reachable(over::kept)) {
    const auto& state = nodes_.at(node);
    std::ranges::set_difference(state.wants, state.carries, std::inserter(types, types.end()));
  }
  return {types.begin(), types.end()};
}

struct network::growing {
  tree behind_us;
  std::set<node_id> seen;
};

// Breadth first from all that were seen. Nodes of one distance are visited in the order of their ids, so that every
// node builds the same tree.
void network::grow(growing& what, over ways) const {
  auto& behind_us = what.behind_us;
  auto& seen = what.seen;
  std::vector<node_id> distance(seen.begin(), seen.end());
  while (!distance.empty()) {
    std::vector<node_id> next;
    for (const auto node : distance) {
      const auto by = behind_us.find(node);
      const auto way = by == behind_us.end() ? node_id{0} : by->second; // of ours; 0: it is not behind us
      for_each_linked(node, ways, [&](node_id neighbour) {
        if (!seen.insert(neighbour).second)
          return;
        next.push_back(neighbour);
        if (node == self_)
          behind_us[neighbour] = neighbour;
        else if (way != 0)
          behind_us[neighbour] = way;
      });
    }
    if (ways == over::links)
      std::ranges::sort(next);
    distance = std::move(next);
  }
}

// Over living links as far as they go; then over those that were cut, to the rest.
const network::tree& network::tree_of(node_id origin) {
  if (const auto known = trees_.find(origin); known != trees_.end())
    return known->second;
  growing made{.behind_us = {}, .seen = {origin}};
  grow(made, over::links);
  note_earlier_ways(origin, made);
  grow(made, over::kept);
  // The origin is gone, but what it said last is still on its way: it goes where a message of ours would go.
  if (!made.seen.contains(self_))
    return tree_of(self_);
  return trees_[origin] = std::move(made.behind_us);
}

// ---- earlier ways ----

// To nodes that are reached another way now, over links; be it not over this node.
void network::note_earlier_ways(node_id origin, const growing& now) {
  const auto before = before_.extract(origin);
  if (!before)
    return;
  for (const auto& [node, neighbour] : before.mapped()) {
    const auto way = now.behind_us.find(node);
    if (now.seen.contains(node) && (way == now.behind_us.end() || way->second != neighbour))
      earlier_[0][origin].insert({node, neighbour});
  }
}

// For one that is absent, nothing is kept that goes another way now.
template <class Visit>
void network::for_each_reached_by(node_id neighbour, const earlier_ways& ways, Visit visit) const {
  if (!is_linked_neighbour(neighbour))
    return;
  for (const auto& [node, by] : ways)
    if (const auto state = nodes_.find(node); by == neighbour && state != nodes_.end())
      visit(state->second);
}

void network::age_earlier_ways() {
  before_.clear(); // origins that are gone
  earlier_[1] = std::exchange(earlier_[0], {});
}

void network::links_have_changed() {
  trees_.merge(before_); // of origins that were not looked at since the change before
  before_ = std::move(trees_);
  trees_.clear();
  forget_ways();
}

// ---- ways ----

const std::vector<node_id>& network::next(node_id origin, std::uint16_t type_id) {
  if (ways_.size() >= max_ways)
    forget_ways();
  const auto [way, is_new] = ways_.try_emplace({origin, type_id});
  if (!is_new)
    return way->second;
  std::set<node_id> to;
  for (const auto& [node, neighbour] : tree_of(origin))
    if (std::ranges::binary_search(nodes_.at(node).wants, type_id))
      to.insert(neighbour);
  way->second.assign(to.begin(), to.end());
  return way->second;
}

bool network::leads_to(node_id neighbour, node_id origin, std::uint16_t type_id) {
  bool leads = std::ranges::binary_search(next(origin, type_id), neighbour);
  for (const auto& each : earlier_)
    if (const auto ways = each.find(origin); ways != each.end())
      for_each_reached_by(neighbour, ways->second,
                          [&](const node_state& node) { leads |= std::ranges::binary_search(node.wants, type_id); });
  return leads;
}

std::vector<std::uint16_t> network::types_for(node_id neighbour) {
  std::set<std::uint16_t> types;
  for (const auto origin : reachable(over::kept))
    for (const auto& [node, by] : tree_of(origin))
      if (by == neighbour)
        types.insert(nodes_.at(node).wants.begin(), nodes_.at(node).wants.end());
  for (const auto& each : earlier_)
    for (const auto& [origin, ways] : each)
      for_each_reached_by(neighbour, ways,
                          [&](const node_state& node) { types.insert(node.wants.begin(), node.wants.end()); });
  return {types.begin(), types.end()};
}

void network::forget_ways() { ways_.clear(); }

} // namespace mycelium::bridge
