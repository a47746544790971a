#include "tools/benchmarks/traffic.hpp"

#include <algorithm>
#include <chrono>

namespace mycelium::bench {

namespace detail {

void fill_body(std::uint8_t* payload, std::size_t size, std::uint64_t seed) {
  for (std::size_t at = sizeof(header); at < size; at += 8) {
    const std::uint64_t word = scramble(seed + at);
    std::memcpy(payload + at, &word, std::min<std::size_t>(8, size - at));
  }
}

// Order-sensitive, so that swapped or shifted words show.
std::uint64_t body_sum(const std::uint8_t* payload, std::size_t size) {
  std::uint64_t sum = 0;
  for (std::size_t at = sizeof(header); at < size; at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, payload + at, std::min<std::size_t>(8, size - at));
    sum = (sum ^ word) * 0x9e3779b97f4a7c15u;
    sum ^= sum >> 29;
  }
  return sum;
}

} // namespace detail

stream::stream(std::uint32_t publisher, std::size_t size) : own_(size), publisher_(publisher) {
  detail::fill_body(own_.data(), size, publisher);
}

void finish_line::expect(std::uint64_t arrivals) {
  const std::lock_guard guard(mutex_);
  end_.reset();
  missing_.store(arrivals, std::memory_order_release);
}

void finish_line::arrive() noexcept {
  if (missing_.fetch_sub(1, std::memory_order_acq_rel) != 1) {
    return;
  }
  const ticks end = now();
  const std::lock_guard guard(mutex_);
  end_ = end;
  crossed_.notify_all();
}

std::optional<ticks> finish_line::wait(double limit_s) {
  std::unique_lock guard(mutex_);
  crossed_.wait_for(guard, std::chrono::duration<double>(limit_s), [this] { return end_.has_value(); });
  return end_;
}

audit::audit(std::size_t publishers, std::size_t size, finish_line* line)
    : sources_(publishers), size_(size), line_(line) {}

std::string audit::complaint() const {
  std::string text;
  const auto note = [&text](std::uint64_t count, const char* what, std::size_t publisher) {
    if (count != 0) {
      text += std::to_string(count) + " " + what + " of publisher " + std::to_string(publisher) + "; ";
    }
  };
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    const source& from = sources_[i];
    note(from.due > from.count ? from.due - from.count : 0, "lost", i);
    note(from.count > from.due ? from.count - from.due : 0, "too many", i);
    note(from.out_of_order, "out of order", i);
    note(from.damaged, "damaged", i);
  }
  if (const auto strange = strange_.load()) {
    text += std::to_string(strange) + " of unknown origin or wrong size; ";
  }
  if (!text.empty()) {
    text.resize(text.size() - 2);
  }
  return text;
}

} // namespace mycelium::bench
