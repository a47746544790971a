#include "actors/runtime/routing.hpp"

#include "actors/runtime/lane.hpp"

#include <algorithm>

namespace mycelium::runtime {
namespace {

// The finaliser of SplitMix64 (Steele, Lea and Flood 2014).
std::uint64_t mix(std::uint64_t x) noexcept {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

} // namespace

routing::routing() : current_(new table) {}

routing::~routing() { delete current_.load(std::memory_order_relaxed); }

void routing::publish(std::unique_ptr<const table> next) {
  std::unique_ptr<const table> old(current_.exchange(next.release(), std::memory_order_seq_cst));
  wait_for_readers();
}

void routing::change(std::uint16_t type_id, const std::function<void(route&)>& edit) {
  const auto* now = current_.load(std::memory_order_relaxed);
  const auto* old_page = now->pages[type_id >> 8].get();
  auto fresh_page = old_page != nullptr ? std::make_shared<page>(*old_page) : std::make_shared<page>();
  auto& entry = fresh_page->routes[type_id & 255];
  auto fresh_route = entry ? std::make_shared<route>(*entry) : std::make_shared<route>();
  edit(*fresh_route);
  fresh_route->plain = !fresh_route->kept && std::none_of(fresh_route->lanes.begin(), fresh_route->lanes.end(),
                                                          [](const lane* l) { return l->options().run_inline; });
  if (fresh_route->lanes.empty() && !fresh_route->kept)
    entry.reset();
  else
    entry = std::move(fresh_route);
  auto next = std::make_unique<table>(*now);
  next->pages[type_id >> 8] = std::move(fresh_page);
  publish(std::move(next));
}

lane* routing::find_unlisted(std::uint64_t id) const noexcept {
  const auto* lanes = current_.load(std::memory_order_seq_cst)->unlisted[id & 255].get();
  if (lanes == nullptr)
    return nullptr;
  const auto found = std::ranges::lower_bound(*lanes, id, {}, &lane::id);
  return found != lanes->end() && (*found)->id() == id ? *found : nullptr;
}

void routing::change_unlisted(std::uint64_t id, const std::function<void(drawer&)>& edit) {
  auto next = std::make_unique<table>(*current_.load(std::memory_order_relaxed));
  auto& entry = next->unlisted[id & 255];
  auto fresh = entry ? std::make_shared<drawer>(*entry) : std::make_shared<drawer>();
  edit(*fresh);
  if (fresh->empty())
    entry.reset();
  else
    entry = std::move(fresh);
  publish(std::move(next));
}

void routing::add_unlisted(lane& which) {
  change_unlisted(which.id(),
                  [&](drawer& d) { d.insert(std::ranges::upper_bound(d, which.id(), {}, &lane::id), &which); });
}

void routing::remove_unlisted(const lane& which) {
  change_unlisted(which.id(), [&](drawer& d) { std::erase(d, &which); });
}

void routing::clear() { publish(std::make_unique<table>()); }

lane* choose_by_key(std::span<lane* const> lanes, std::uint64_t key, std::uint64_t came_by) noexcept {
  lane* best = nullptr;
  std::uint64_t best_weight = 0;
  for (auto* candidate : lanes) {
    if (came_by != 0 && candidate->options().link == came_by)
      continue;
    const auto weight = mix(mix(key) ^ candidate->id());
    const bool is_nearer = best != nullptr && best->options().carries && !candidate->options().carries;
    const bool is_farther = best != nullptr && candidate->options().carries && !best->options().carries;
    if (best == nullptr || is_nearer || (!is_farther && weight > best_weight)) {
      best = candidate;
      best_weight = weight;
    }
  }
  return best;
}

} // namespace mycelium::runtime
