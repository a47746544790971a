// Counts who is inside, and lets somebody wait until all have left who were inside at one moment, without waiting for
// those who came after it. Any thread; blocks nobody.
#pragma once

#include <atomic>
#include <cstdint>

namespace mycelium::runtime {

class turnstile {
public:
  enum class side : unsigned { first, second };

  // Give what it returns to leave().
  side enter() noexcept {
    auto now = state_.load();
    while (!state_.compare_exchange_weak(now, now + one(open_side(now)))) {
    }
    return open_side(now);
  }
  void leave(side by) noexcept { state_.fetch_sub(one(by)); }

  // Those who enter from now on count apart from those who are inside. False, and nothing is changed, while some have
  // not left who were inside when it was turned the last time.
  bool turn() noexcept {
    auto now = state_.load();
    do {
      if (count(now, closed_side(now)) != 0)
        return false;
    } while (!state_.compare_exchange_weak(now, now ^ second_is_open));
    return true;
  }
  // Have all left who were inside when it was turned?
  bool have_left() const noexcept {
    const auto now = state_.load();
    return count(now, closed_side(now)) == 0;
  }
  bool is_empty() const noexcept { return (state_.load() & ~second_is_open) == 0; }

private:
  // Two counts of 31 bits, and which of them grows.
  static constexpr std::uint64_t second_is_open = std::uint64_t{1} << 63;
  static constexpr std::uint64_t most = (std::uint64_t{1} << 31) - 1;

  static constexpr unsigned shift(side of) noexcept { return of == side::first ? 0 : 31; }
  static constexpr std::uint64_t one(side of) noexcept { return std::uint64_t{1} << shift(of); }
  static constexpr std::uint64_t count(std::uint64_t state, side of) noexcept { return (state >> shift(of)) & most; }
  static constexpr side open_side(std::uint64_t state) noexcept {
    return (state & second_is_open) != 0 ? side::second : side::first;
  }
  static constexpr side closed_side(std::uint64_t state) noexcept { return open_side(state ^ second_is_open); }

  std::atomic<std::uint64_t> state_{0};
};

} // namespace mycelium::runtime
