#include "actors/bridge/network.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <iterator>
#include <set>

namespace mycelium::bridge {

std::string text_of(node_id node) {
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(node));
  return text.data();
}

network::network(node_id self, std::string name) : self_(self) {
  nodes_[self] = {.id = self, .version = 1, .name = std::move(name), .neighbours = {}, .wants = {}, .carries = {}};
}

bool network::set_neighbours(std::vector<node_id> neighbours) {
  auto& state = nodes_.at(self_);
  std::ranges::sort(neighbours);
  if (state.neighbours == neighbours)
    return false;
  state.neighbours = std::move(neighbours);
  ++state.version;
  forget_ways();
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

void network::set_linked(node_id neighbour) {
  const auto known = nodes_.find(neighbour);
  if (known == nodes_.end())
    return;
  auto& its = known->second.neighbours;
  const auto place = std::ranges::lower_bound(its, self_);
  if (place == its.end() || *place != self_)
    its.insert(place, self_);
  forget_ways();
}

bool network::learn(node_state state) {
  if (state.id == self_ || state.neighbours.size() > max_neighbours)
    return false;
  const auto known = nodes_.find(state.id);
  if (known != nodes_.end() ? state.version <= known->second.version : nodes_.size() >= max_nodes && !make_room())
    return false;
  std::ranges::sort(state.neighbours);
  std::ranges::sort(state.wants);
  std::ranges::sort(state.carries);
  const auto id = state.id;
  nodes_[id] = std::move(state);
  forget_ways();
  return true;
}

// A node that is gone is kept, since it may only be cut off for a while; until the room is needed.
bool network::make_room() {
  const auto living = reachable();
  const auto before = nodes_.size();
  std::erase_if(nodes_, [&](const auto& entry) { return !std::ranges::binary_search(living, entry.first); });
  return nodes_.size() < before;
}

std::vector<node_id> network::reachable() {
  std::set<node_id> seen{self_};
  std::vector<node_id> next{self_};
  while (!next.empty()) {
    const auto node = next.back();
    next.pop_back();
    for (const auto neighbour : nodes_.at(node).neighbours)
      if (linked(node, neighbour) && seen.insert(neighbour).second)
        next.push_back(neighbour);
  }
  return {seen.begin(), seen.end()};
}

std::vector<std::uint16_t> network::wanted() {
  std::set<std::uint16_t> types;
  for (const auto node : reachable()) {
    const auto& state = nodes_.at(node);
    std::ranges::set_difference(state.wants, state.carries, std::inserter(types, types.end()));
  }
  return {types.begin(), types.end()};
}

// Both have to say so: who has died still stands in what others have heard of it.
bool network::linked(node_id a, node_id b) const {
  const auto says = [this](node_id who, node_id of) {
    const auto found = nodes_.find(who);
    return found != nodes_.end() && std::ranges::binary_search(found->second.neighbours, of);
  };
  return says(a, b) && says(b, a);
}

// Breadth first. Nodes of one distance are visited in the order of their ids, so that every node builds the same tree.
const network::tree& network::tree_of(node_id origin) {
  if (const auto known = trees_.find(origin); known != trees_.end())
    return known->second;
  if (origin != self_ && !nodes_.contains(origin))
    return tree_of(self_);
  tree behind_us;
  std::set<node_id> seen{origin};
  std::vector<node_id> distance{origin};
  while (!distance.empty()) {
    std::vector<node_id> next;
    std::ranges::sort(distance);
    for (const auto node : distance) {
      const auto state = nodes_.find(node);
      if (state == nodes_.end())
        continue;
      const auto by = behind_us.find(node);
      for (const auto neighbour : state->second.neighbours) {
        if (!linked(node, neighbour) || !seen.insert(neighbour).second)
          continue;
        next.push_back(neighbour);
        if (node == self_)
          behind_us[neighbour] = neighbour;
        else if (by != behind_us.end())
          behind_us[neighbour] = by->second;
      }
    }
    distance = std::move(next);
  }
  // The origin is gone, but what it said last is still on its way: it goes where a message of ours would go.
  if (!seen.contains(self_))
    return tree_of(self_);
  return trees_[origin] = std::move(behind_us);
}

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
  return std::ranges::binary_search(next(origin, type_id), neighbour);
}

std::vector<std::uint16_t> network::types_for(node_id neighbour) {
  std::set<std::uint16_t> types;
  for (const auto origin : reachable())
    for (const auto& [node, by] : tree_of(origin))
      if (by == neighbour)
        types.insert(nodes_.at(node).wants.begin(), nodes_.at(node).wants.end());
  return {types.begin(), types.end()};
}

void network::forget_ways() {
  trees_.clear();
  ways_.clear();
}

} // namespace mycelium::bridge
