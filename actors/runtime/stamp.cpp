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

// The clocks at one moment.
struct reading {
  std::int64_t wall = 0;
  std::uint64_t counter = 0;
  std::uint64_t lifetime = 0; // in ticks
  double ns_per_tick = 0;

  static reading now() noexcept;
  // For a stamp of about that time, or at about that time for any?
  bool holds_at(std::uint64_t then) const noexcept { return then - (counter - lifetime) < 2 * lifetime; }
};

constexpr double longest_lifetime_ns = 1'000'000;

// As old as the baseline at most, so that the rate's error does not grow; and no older than a millisecond, in which no
// clock that is being set goes far.
reading reading::now() noexcept {
  constexpr int attempts = 3; // it may be interrupted between one clock and the next
  constexpr double undisturbed_ns = 5000;
  reading made;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    const auto before = read_counter();
    made.wall = wall_clock_ns();
    const auto elapsed = double(monotonic_ns() - start.time);
    made.counter = read_counter();
    const auto ticks = made.counter - start.ticks;
    made.ns_per_tick = ticks != 0 ? elapsed / double(ticks) : 0.0;
    made.lifetime = elapsed > longest_lifetime_ns ? std::uint64_t(longest_lifetime_ns / made.ns_per_tick) : ticks;
    if (double(made.counter - before) * made.ns_per_tick < undisturbed_ns)
      break;
  }
  return made;
}

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
  static thread_local reading last;
  if (!last.holds_at(stamp) && !last.holds_at(read_counter()))
    last = reading::now();
  const auto age = double(static_cast<std::int64_t>(last.counter - stamp)) * last.ns_per_tick;
  return last.wall - static_cast<std::int64_t>(age);
}

const char* stamp_source() noexcept { return counter_is_steady ? "tsc" : "clock_gettime"; }

} // namespace mycelium::runtime
