// The runs: each opens a way, measures one thing, checks that everything arrived once, in order and unchanged, and
// closes it. A run that fails says why in measurement.failure; it never throws.
#pragma once

#include "tools/benchmarks/placement.hpp"
#include "tools/benchmarks/way.hpp"

#include <optional>
#include <string>

namespace mycelium::bench {

// What one run found; what it does not measure stays empty.
struct measurement {
  std::optional<double> messages_per_s; // published, not delivered
  std::optional<double> p50_us;
  std::optional<double> p99_us;
  std::optional<double> p999_us;
  std::optional<double> cpu;           // processor time of the process, percent of one processor
  std::optional<double> cpu_publisher; // the part of it that the benchmark's own publisher used
  std::optional<double> bytes;         // memory per subscription
  std::uint64_t samples = 0;
  std::string failure;
};

// Publishers send as fast as the way takes it for about slice_s; ends when the last subscriber has the last message.
measurement measure_throughput(const way_facts& facts, const load& expected, const placement& places, double slice_s);

// One message in flight for about slice_s: two subscribers answer each other, each stamping as it publishes in its
// callback. A way that runs callbacks in the publisher is called by one publisher instead, again when the message has
// arrived.
measurement measure_latency(const way_facts& facts, std::size_t payload, const placement& places, double slice_s);

// One publisher outside, a message each millisecond; every thread sleeps in between. cpu is the whole process's.
measurement measure_sporadic(const way_facts& facts, std::size_t payload, const placement& places, double slice_s);

// Eight subscribers to which nothing is published.
measurement measure_idle(const way_facts& facts, double slice_s);

// ---- ours only, through the C interface -----------------------------------------------------------------------------

// Growth of the resident set per idle subscription; each has a type of its own, or all share one.
measurement measure_idle_memory(unsigned subscriptions, bool own_types);
// runtime_create + runtime_destroy: p50_us, p99_us.
measurement measure_lifecycle(unsigned runtimes);
// What single calls cost on the calling thread, best of rounds: messages_per_s and, per call, p50_us.
struct micro_result {
  std::string call;
  measurement found;
};
std::vector<micro_result> measure_micro(double slice_s);

} // namespace mycelium::bench
