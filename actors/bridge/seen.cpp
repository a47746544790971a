#include "actors/bridge/seen.hpp"

#include <algorithm>

namespace mycelium::bridge {

bool seen_messages::add(const source& from, std::uint64_t sequence, older than_remembered) {
  if (last_ == nullptr || last_source_ != from) {
    if (sources_.size() >= most_sources || blocks_ >= most_blocks)
      make_room();
    const auto [entry, is_new] = sources_.try_emplace(from);
    last_source_ = from;
    last_ = &entry->second;
    if (is_new && than_remembered == older::may_be_left)
      last_->first = sequence;
  }
  auto& known = *last_;
  if (sequence < known.first)
    return add_left(known, sequence);
  if (sequence <= known.floor)
    return false;
  auto& place = block_of(known, sequence / 64);
  const auto bit = std::uint64_t{1} << sequence % 64;
  if ((place.seen & bit) != 0)
    return false;
  place.seen |= bit;
  if (known.recent.size() >= 2 * window) // half of them at once, so that it is seldom
    keep_last(known, window);
  return true;
}

seen_messages::block& seen_messages::block_of(history& known, std::uint64_t index) {
  auto& recent = known.recent;
  if (!recent.empty() && recent.back().index == index) [[likely]]
    return recent.back();
  const auto at = std::ranges::lower_bound(recent, index, {}, &block::index);
  if (at != recent.end() && at->index == index)
    return *at;
  ++blocks_;
  return *recent.insert(at, {.index = index});
}

bool seen_messages::add_left(history& to, std::uint64_t sequence) {
  const auto at = std::ranges::lower_bound(to.left, sequence);
  if (at != to.left.end() && *at == sequence)
    return false;
  to.left.insert(at, sequence);
  if (to.left.size() > least_window)
    to.left.erase(to.left.begin());
  return true;
}

void seen_messages::keep_last(history& of, std::size_t blocks) {
  if (of.recent.size() <= blocks)
    return;
  const auto parted = of.recent.size() - blocks;
  of.floor = of.recent[parted - 1].index * 64 + 63;
  of.recent.erase(of.recent.begin(), of.recent.begin() + static_cast<std::ptrdiff_t>(parted));
  of.recent.shrink_to_fit();
  blocks_ -= parted;
}

void seen_messages::make_room() {
  for (auto& [from, known] : sources_)
    keep_last(known, least_window);
  if (sources_.size() < most_sources && blocks_ < most_blocks / 2)
    return;
  sources_.clear();
  last_ = nullptr;
  blocks_ = 0;
}

} // namespace mycelium::bridge
