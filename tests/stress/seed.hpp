// The seed of a test that plays at random: printed, so that a failure can be repeated.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>

namespace mycelium::stress {

// MYCELIUM_STRESS_SEED if it is set, else a new one each time.
inline std::uint64_t seed() {
  const char* given = std::getenv("MYCELIUM_STRESS_SEED");
  const auto value = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::printf("MYCELIUM_STRESS_SEED=%llu\n", static_cast<unsigned long long>(value));
  std::fflush(stdout);
  return value;
}

} // namespace mycelium::stress
