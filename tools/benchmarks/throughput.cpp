#include "tools/benchmarks/station.hpp"

#include <algorithm>

namespace mycelium::bench {

namespace {

struct burst_result {
  double seconds = 0; // from the first publisher's start to the last subscriber's last message
  double cpu_seconds = 0;
};

burst_result run_burst(station& at, crew& publishers, const load& expected, std::uint64_t each) {
  at.line.expect(std::uint64_t{expected.publishers} * expected.subscribers);
  for (unsigned subscriber = 0; subscriber < expected.subscribers; ++subscriber) {
    for (unsigned publisher = 0; publisher < expected.publishers; ++publisher) {
      at.audit_of(subscriber).expect(publisher, each);
    }
  }
  const double cpu = process_cpu_seconds();
  const ticks begin = publishers.run(
      [&](unsigned publisher) { at->publish(publisher, benchmark_type, at.messages_of(publisher), each); });
  const auto end = at.line.wait(give_up_s);
  const double cpu_used = process_cpu_seconds() - cpu;
  if (!end) {
    throw std::runtime_error("not everything arrived in time; " + at.close());
  }
  return {seconds(*end - begin), cpu_used};
}

// Grows bursts until one is long enough to tell the rate, which also warms the way up. Messages per publisher for
// slice_s.
std::uint64_t find_burst_size(station& at, crew& publishers, const load& expected, double slice_s) {
  std::uint64_t each = 64;
  for (;;) {
    const double took = run_burst(at, publishers, expected, each).seconds;
    const double grow = slice_s / took;
    if (took >= slice_s / 4) {
      return std::max<std::uint64_t>(64, static_cast<std::uint64_t>(static_cast<double>(each) * grow));
    }
    each = static_cast<std::uint64_t>(static_cast<double>(each) * std::clamp(grow / 2, 1.5, 16.0));
  }
}

} // namespace

measurement measure_throughput(const way_facts& facts, const load& expected, const placement& places, double slice_s) {
  return guarded(places, [&](measurement& result) {
    station at(facts, expected);
    at.open(places, [&](way& opened) {
      for (unsigned i = 0; i < expected.subscribers; ++i) {
        opened.subscribe(
            benchmark_type,
            [](const std::uint8_t* payload, std::size_t size, void* user) {
              static_cast<audit*>(user)->receive(payload, size);
            },
            &at.audit_of(i));
      }
    });
    crew publishers(expected.publishers, places);
    const std::uint64_t each = find_burst_size(at, publishers, expected, slice_s);
    const burst_result burst = run_burst(at, publishers, expected, each);
    const double messages = static_cast<double>(each) * expected.publishers;
    result.messages_per_s = messages / burst.seconds;
    result.cpu = burst.cpu_seconds / burst.seconds * 100;
    result.samples = each * expected.publishers;
    result.failure = at.close();
  });
}

} // namespace mycelium::bench
