// When a message was published, for the price of reading the processor's time-stamp counter. The conversion to
// wall-clock time happens when somebody asks: now - age, where the age comes from counter ticks and a tick rate
// measured since the process loaded the library. The age is at most that baseline, so an error of e in the two clock
// readings that span it is an error of at most e in the result. A thread reads the clocks once for the stamps of a
// millisecond.
#pragma once

#include <cstdint>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace mycelium::runtime {

extern const bool counter_is_steady; // the processor says that its counter never stops or changes its rate

std::int64_t wall_clock_ns() noexcept;

inline std::uint64_t stamp_now() noexcept {
#if defined(__x86_64__)
  if (counter_is_steady) [[likely]]
    return __rdtsc();
#endif
  return static_cast<std::uint64_t>(wall_clock_ns());
}

// Nanoseconds since 1970 of a stamp of this process.
std::int64_t stamp_to_wall_clock(std::uint64_t stamp) noexcept;

const char* stamp_source() noexcept; // "tsc" or "clock_gettime"

} // namespace mycelium::runtime
