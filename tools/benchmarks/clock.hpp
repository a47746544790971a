// Time for measurements: the processor's time stamp counter where it is invariant, else the monotonic clock. Safe from
// any thread after start_clock().
#pragma once

#include <cstdint>
#include <ctime>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace mycelium::bench {

using ticks = std::uint64_t;

struct clock_facts {
  bool counter = false;     // the time stamp counter is used
  double ns_per_tick = 1.0; // measured against CLOCK_MONOTONIC
  double read_ns = 0.0;     // what one read costs; every latency here includes one
};

namespace detail {
extern clock_facts facts;
}

// Calibrates; takes some 50 ms. Call it once, before any thread reads the clock.
void start_clock();
inline const clock_facts& the_clock() { return detail::facts; }

inline ticks monotonic_ns() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<ticks>(t.tv_sec) * 1'000'000'000u + static_cast<ticks>(t.tv_nsec);
}

inline ticks now() {
#if defined(__x86_64__)
  if (detail::facts.counter) [[likely]] {
    _mm_lfence(); // not before the loads that precede it in the program
    return __rdtsc();
  }
#endif
  return monotonic_ns();
}

inline double nanoseconds(ticks span) { return static_cast<double>(span) * detail::facts.ns_per_tick; }
inline double seconds(ticks span) { return nanoseconds(span) * 1e-9; }

// Processor time of the whole process, and of the calling thread.
double process_cpu_seconds();
double thread_cpu_seconds();

} // namespace mycelium::bench
