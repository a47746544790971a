// What oversight costs on the bus: a token's way through its session's actor, and how far a source runs on after the
// verdict that halts it.
#pragma once

#include "mycelium_oversight.h"

#include <cstdint>
#include <string>
#include <vector>

namespace mycelium::bench {

// How a session's tokens reach their scorer.
struct bus_way {
  std::string name;
  int mode = MYCELIUM_OVERSIGHT_GATE;
  std::uint32_t flags = 0;
  bool over_bus = false; // the scores are asked for with requests
  bool watched = true;   // false: the tokens go to their subscriber alone
};

std::vector<bus_way> oversight_bus_ways();

// Nanoseconds a token, from a source that publishes as fast as it may until the last has arrived at one subscriber;
// less than 0 if a call failed.
double token_cost_ns(const bus_way& way, std::uint64_t tokens);

struct halt_latency {
  double p50_us = 0, p99_us = 0;
  std::uint64_t p50_tokens = 0, p99_tokens = 0, max_tokens = 0;
  std::uint64_t halts = 0; // measured; 0: a call failed
};

// From the moment when the scorer has said the score that halts, until the source has heard of it: microseconds, and
// tokens that it published meanwhile. tokens_per_second 0: as fast as it may.
halt_latency halt_latency_of(const bus_way& way, std::uint64_t halts, double tokens_per_second);

} // namespace mycelium::bench
