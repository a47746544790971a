// The random numbers of every engine: xorshift64, the same on every machine for the same seed.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

namespace mycelium::oversight {

constexpr double tau = 2 * std::numbers::pi;

class random_source {
public:
  explicit random_source(std::uint64_t seed) noexcept : state_(seed == 0 ? 0xDEADBEEFCAFEBABE : seed) {}

  std::uint64_t next() noexcept {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }
  // In [0, 1).
  double uniform() noexcept { return static_cast<double>(next() >> 11) / 9007199254740992.0; }
  // Box and Muller's cosine half: two numbers a draw, so that the n-th draw is always at the same place.
  double normal() noexcept {
    const double first = std::fmax(uniform(), 1e-300);
    const double second = uniform();
    return std::sqrt(-2 * std::log(first)) * std::cos(tau * second);
  }

private:
  std::uint64_t state_;
};

} // namespace mycelium::oversight
