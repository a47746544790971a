// The load that `mycelium bench` puts on a runtime, and what it measures.
#pragma once

#include "schema/status.hpp"
#include "tools/cli/bus_source.hpp"

#include <cstddef>
#include <cstdint>

namespace mycelium::cli {

struct load {
  std::size_t payload = 64; // bytes
  unsigned publishers = 1;
  unsigned subscribers = 1;
  double seconds = 2; // of each of the two measurements
  // Others to go through: publishers and subscribers are then two nodes of this process, linked with those.
  node_options through;
};

struct rate_figures {
  std::uint64_t published = 0;
  std::uint64_t delivered = 0;
  std::uint64_t dropped = 0;
  double seconds = 0; // from the first publish until the last delivery
};

struct latency_figures {
  std::size_t samples = 0;
  double p50_us = 0;
  double p99_us = 0;
  double p999_us = 0;
  double max_us = 0;
};

// Every publisher, on a thread of its own, publishes as fast as the subscribers take it (policy block). A failure
// unless every message arrived at every subscriber.
result<rate_figures> measure_rate(const load& wanted);

// One publisher with one message in flight: from before publish until the callback of the last subscriber runs.
result<latency_figures> measure_latency(const load& wanted);

} // namespace mycelium::cli
