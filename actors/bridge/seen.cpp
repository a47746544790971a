#include "actors/bridge/seen.hpp"

#include <algorithm>

namespace mycelium::bridge {

bool seen_messages::add(const source& from, std::uint64_t sequence, older than_first) {
  if (sources_.size() >= most_sources || sequences_ >= most_sequences) {
    sources_.clear();
    sequences_ = 0;
  }
  const auto [entry, is_new] = sources_.try_emplace(from);
  auto& known = entry->second;
  if (is_new && than_first == older::have_come)
    known.floor = sequence == 0 ? 0 : sequence - 1;
  if (is_new && than_first == older::may_be_left)
    known.first = sequence;
  if (sequence < known.first)
    return add_left(known, sequence);
  if (sequence <= known.floor)
    return false;
  if (known.recent.empty() || sequence > known.recent.back()) [[likely]] {
    known.recent.push_back(sequence);
  } else {
    const auto at = std::ranges::lower_bound(known.recent, sequence);
    if (*at == sequence)
      return false;
    known.recent.insert(at, sequence);
  }
  ++sequences_;
  if (known.recent.size() >= 2 * window)
    forget_oldest(known);
  return true;
}

bool seen_messages::add_left(history& to, std::uint64_t sequence) {
  const auto at = std::ranges::lower_bound(to.left, sequence);
  if (at != to.left.end() && *at == sequence)
    return false;
  to.left.insert(at, sequence);
  ++sequences_;
  if (to.left.size() > window) {
    to.left.erase(to.left.begin());
    --sequences_;
  }
  return true;
}

// Half of them at once, so that it is seldom.
void seen_messages::forget_oldest(history& of) {
  of.floor = of.recent[window - 1];
  of.recent.erase(of.recent.begin(), of.recent.begin() + window);
  sequences_ -= window;
}

} // namespace mycelium::bridge
