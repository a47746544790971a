#include "actors/runtime/stamp.hpp"

#include "actors/runtime/deadline.hpp"

#include <ctime>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace mycelium::runtime {
namespace {

bool detect_steady_counter() noexcept {
#if defined(__x86_64__)
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  // Advanced Power Management leaf, bit 8: invariant TSC.
  return __get_cpuid(0x80000007, &eax, &ebx, &ecx, &edx) != 0 && (edx & (1u << 8)) != 0;
#else
  return false;
#endif
}

std::uint64_t read_counter() noexcept {
#if defined(__x86_64__)
  return __rdtsc();
#else
  return 0;
#endif
}

struct baseline {
  std::int64_t time = monotonic_ns();
  std::uint64_t ticks = read_counter();
};
const baseline start;

} // namespace

const bool counter_is_steady = detect_steady_counter();

std::int64_t wall_clock_ns() noexcept {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

std::int64_t stamp_to_wall_clock(std::uint64_t stamp) noexcept {
  if (!counter_is_steady)
    return static_cast<std::int64_t>(stamp);
  const auto wall = wall_clock_ns();
  const auto elapsed = double(monotonic_ns() - start.time);
  const auto now = read_counter();
  const auto ticks = double(now - start.ticks);
  const auto age = double(static_cast<std::int64_t>(now - stamp)) * (ticks > 0 ? elapsed / ticks : 0.0);
  return wall - static_cast<std::int64_t>(age);
}

const char* stamp_source() noexcept { return counter_is_steady ? "tsc" : "clock_gettime"; }

} // namespace mycelium::runtime
