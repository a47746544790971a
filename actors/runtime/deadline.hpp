// A point on the monotonic clock until which a call may wait.
#pragma once

#include <cstdint>
#include <ctime>
#include <limits>

namespace mycelium::runtime {

constexpr std::int64_t forever = std::numeric_limits<std::int64_t>::max();

inline std::int64_t monotonic_ns() noexcept {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

class deadline {
public:
  // timeout_ns: 0 or less has passed already, `forever` never passes.
  static deadline in(std::int64_t timeout_ns) noexcept {
    if (timeout_ns <= 0)
      return deadline{0};
    const auto now = monotonic_ns();
    return deadline{timeout_ns > forever - now ? forever : now + timeout_ns};
  }

  bool never() const noexcept { return at_ == forever; }
  // Nanoseconds left, 0 if it has passed, `forever` if it never does.
  std::int64_t left() const noexcept {
    if (never())
      return forever;
    if (at_ == 0)
      return 0;
    const auto now = monotonic_ns();
    return at_ > now ? at_ - now : 0;
  }
  bool passed() const noexcept { return left() == 0; }
  std::int64_t at() const noexcept { return at_; }

private:
  explicit deadline(std::int64_t at) noexcept : at_(at) {}
  std::int64_t at_;
};

} // namespace mycelium::runtime
