// Whether a thread that waits may look for work for a while instead of sleeping: not if that keeps the only core busy
// on which somebody could bring it.
#pragma once

#include <sched.h>

namespace mycelium::runtime {

inline bool has_cores_to_spare() noexcept {
  cpu_set_t allowed;
  return sched_getaffinity(0, sizeof allowed, &allowed) == 0 && CPU_COUNT(&allowed) > 1;
}

} // namespace mycelium::runtime
