#include "actors/runtime/history.hpp"

#include <algorithm>
#include <atomic>

namespace mycelium::runtime {

namespace {

// One count for all: a history that is forgotten and kept anew must not give an index twice.
std::uint64_t next_index() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

} // namespace

void history::append(message& m, bool for_later) {
  message_ptr oldest; // freed after the lock
  std::lock_guard lock(mutex_);
  last_index_ = next_index();
  m.extras()->history_index = last_index_;
  if (!for_later)
    return;
  kept_.emplace_back(m.retain_without_receipt());
  if (kept_.size() > depth_) {
    oldest = std::move(kept_.front());
    kept_.pop_front();
  }
}

history::snapshot history::last(std::size_t count) const {
  snapshot result;
  std::lock_guard lock(mutex_);
  count = std::min(count, kept_.size());
  for (auto at = kept_.end() - static_cast<std::ptrdiff_t>(count); at != kept_.end(); ++at)
    result.messages.emplace_back((*at)->retain());
  result.last_index = last_index_;
  return result;
}

void history::resize(std::size_t depth) {
  std::deque<message_ptr> forgotten;
  std::lock_guard lock(mutex_);
  depth_ = depth;
  while (kept_.size() > depth_) {
    forgotten.push_back(std::move(kept_.front()));
    kept_.pop_front();
  }
}

} // namespace mycelium::runtime
