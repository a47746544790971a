// One transport, one message size: a source and a sink in processes of their own.
#pragma once

#include "tools/benchmarks/bridge/party.hpp"

namespace mycelium::bench {

struct outcome {
  double messages_per_s = 0;     // from the source's first send to the sink's last arrival
  double cpu_us_per_message = 0; // of both processes, and of a server between them; user and system
  double p50_us = 0;             // one way: half of the time to the sink and back, one message in flight
  double p99_us = 0;
  double p999_us = 0;
  std::string failure;
};

// `count` messages as fast as the source can.
outcome measure_flow(const transport& way, std::size_t size, std::uint64_t count, bool pinned);
// `count` times to the sink and back.
outcome measure_conversation(const transport& way, std::size_t size, std::uint64_t count, bool pinned);

} // namespace mycelium::bench
