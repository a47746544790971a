// The work that tools/bench oversight measures: each through the C interface, as a host would call it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace mycelium::bench {

struct work {
  std::string what;
  double wanted_ns = 0; // at most, by the design; 0: it asks for nothing
  // Does it so many times, or a few more, and returns how many; less than 0 if a call failed.
  std::function<std::int64_t(std::int64_t times)> run;
};

std::vector<work> oversight_work();

} // namespace mycelium::bench
