#include "tools/benchmarks/clock.hpp"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace mycelium::bench {

namespace detail {
clock_facts facts;
}

namespace {

bool counter_is_invariant() {
#if defined(__x86_64__)
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid(0x80000007u, &a, &b, &c, &d) != 0 && (d & (1u << 8)) != 0;
#else
  return false;
#endif
}

double cpu_seconds(clockid_t id) {
  timespec t;
  clock_gettime(id, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

} // namespace

void start_clock() {
  detail::facts.counter = counter_is_invariant();
  if (detail::facts.counter) {
    const ticks wall = monotonic_ns();
    const ticks begin = now();
    while (monotonic_ns() - wall < 50'000'000) {
    }
    const ticks wall_end = monotonic_ns();
    detail::facts.ns_per_tick = static_cast<double>(wall_end - wall) / static_cast<double>(now() - begin);
  }
  constexpr int reads = 10'000;
  const ticks begin = now();
  for (int i = 0; i < reads; ++i) {
    static_cast<void>(now());
  }
  detail::facts.read_ns = nanoseconds(now() - begin) / reads;
}

double process_cpu_seconds() { return cpu_seconds(CLOCK_PROCESS_CPUTIME_ID); }
double thread_cpu_seconds() { return cpu_seconds(CLOCK_THREAD_CPUTIME_ID); }

} // namespace mycelium::bench
