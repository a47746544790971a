#include "actors/bridge/receipts.hpp"

#include <algorithm>
#include <utility>

namespace mycelium::bridge {

class receipts::one final : public runtime::receipt {
public:
  struct way {
    std::shared_ptr<receipts> all;
    std::uint64_t stream;
    std::uint64_t sequence;
  };

  one(std::shared_ptr<held_messages> held, const message_identity& what, way first)
      : held_(std::move(held)), what_(what), first_(std::move(first)) {}

  ~one() override {
    {
      std::lock_guard lock(held_->mutex_);
      if (const auto found = held_->all_.find(what_); found != held_->all_.end() && found->second == this)
        held_->all_.erase(found);
    }
    first_.all->delivered(first_.stream, first_.sequence);
    for (const auto& each : others_)
      each.all->delivered(each.stream, each.sequence);
  }

  void add_locked(way other) { others_.push_back(std::move(other)); }

private:
  const std::shared_ptr<held_messages> held_;
  const message_identity what_;
  const way first_;
  std::vector<way> others_; // under the lock of all that are held, as long as it is one of them
};

std::uint64_t receipts::open(std::uint64_t sequence) {
  std::lock_guard lock(mutex_);
  open_.insert(open_.end(), sequence);
  is_used_ = true;
  return stream_;
}

runtime::counted_ptr<runtime::receipt> receipts::expect(std::uint64_t sequence, const message_identity& what) {
  auto made = runtime::counted_ptr<runtime::receipt>::adopt(
      new one(held_, what, {shared_from_this(), open(sequence), sequence}));
  std::lock_guard lock(held_->mutex_);
  held_->all_[what] = static_cast<one*>(made.get());
  return made;
}

void receipts::expect_again(std::uint64_t sequence, const message_identity& what) {
  std::lock_guard lock(held_->mutex_);
  if (const auto found = held_->all_.find(what); found != held_->all_.end())
    found->second->add_locked({shared_from_this(), open(sequence), sequence});
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
