#include "actors/bridge/receipts.hpp"

#include <algorithm>
#include <utility>

namespace mycelium::bridge {

class receipts::one final : public runtime::receipt {
public:
  one(std::shared_ptr<receipts> all, std::uint64_t stream, std::uint64_t sequence)
      : all_(std::move(all)), stream_(stream), sequence_(sequence) {}
  ~one() override { all_->delivered(stream_, sequence_); }

private:
  const std::shared_ptr<receipts> all_;
  const std::uint64_t stream_;
  const std::uint64_t sequence_;
};

runtime::counted_ptr<runtime::receipt> receipts::expect(std::uint64_t sequence) {
  std::uint64_t stream = 0;
  {
    std::lock_guard lock(mutex_);
    open_.insert(open_.end(), sequence);
    is_used_ = true;
    stream = stream_;
  }
  return runtime::counted_ptr<runtime::receipt>::adopt(new one(shared_from_this(), stream, sequence));
}

void receipts::note_news() {
  std::lock_guard lock(mutex_);
  is_used_ = true;
  tell_locked();
}

void receipts::begin_stream() {
  std::lock_guard lock(mutex_);
  ++stream_;
  open_.clear();
  has_news_ = is_used_ = false;
}

void receipts::begin_link() {
  std::lock_guard lock(mutex_);
  if (is_used_)
    tell_locked();
}

bool receipts::has_news() const {
  std::lock_guard lock(mutex_);
  return has_news_;
}

std::size_t receipts::open_count() const {
  std::lock_guard lock(mutex_);
  return open_.size();
}

receipts::told receipts::take_news(std::uint64_t heard) {
  std::lock_guard lock(mutex_);
  has_news_ = false;
  const auto count = std::min(open_.size(), most_open_told);
  const auto rest = std::next(open_.begin(), static_cast<std::ptrdiff_t>(count));
  return {.sequence = rest == open_.end() ? heard : *rest - 1, .open = {open_.begin(), rest}};
}

void receipts::close() {
  std::lock_guard lock(mutex_);
  tell_ = {};
}

void receipts::delivered(std::uint64_t stream, std::uint64_t sequence) noexcept {
  std::lock_guard lock(mutex_);
  if (stream == stream_ && open_.erase(sequence) != 0)
    tell_locked();
}

void receipts::tell_locked() noexcept {
  if (std::exchange(has_news_, true) || !tell_)
    return;
  try {
    tell_();
  } catch (...) { // no memory: the link looks at it now and then
  }
}

} // namespace mycelium::bridge
