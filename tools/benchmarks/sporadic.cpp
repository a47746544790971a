#include "tools/benchmarks/station.hpp"

#include <atomic>

namespace mycelium::bench {

namespace {

void sleep_until(ticks monotonic) {
  const timespec when{static_cast<time_t>(monotonic / 1'000'000'000), static_cast<long>(monotonic % 1'000'000'000)};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, nullptr) != 0) {
  }
}

void sleep_for(double duration_s) { sleep_until(monotonic_ns() + static_cast<ticks>(duration_s * 1e9)); }

constexpr ticks period_ns = 1'000'000;

} // namespace

measurement measure_sporadic(const way_facts& facts, std::size_t payload, const placement& places, double slice_s) {
  return guarded(places, [&](measurement& result) {
    const auto count = static_cast<std::uint64_t>(slice_s * 1e9 / static_cast<double>(period_ns)) + catcher::warm_up;
    station at(facts, {1, 1, payload});
    catcher subscriber(at.audit_of(0), count);
    at.audit_of(0).expect(0, count);
    at.line.expect(1);
    at.open(places, [&](way& opened) { opened.subscribe(benchmark_type, catcher::on_message, &subscriber); });
    crew publisher(1, places);
    const double cpu = process_cpu_seconds();
    double publisher_cpu = 0;
    const ticks begin = now();
    publisher.run([&](unsigned) {
      stream& out = at.messages_of(0);
      const double mine = thread_cpu_seconds();
      ticks due = monotonic_ns();
      for (std::uint64_t i = 0; i < count; ++i) {
        sleep_until(due += period_ns);
        out.stamp(now());
        at->publish(0, benchmark_type, out, 1);
      }
      publisher_cpu = thread_cpu_seconds() - mine;
    });
    if (!at.line.wait(give_up_s)) {
      throw std::runtime_error("not everything arrived in time; " + at.close());
    }
    const double wall = seconds(now() - begin);
    result.cpu = (process_cpu_seconds() - cpu) / wall * 100;
    result.cpu_publisher = publisher_cpu / wall * 100;
    result.failure = at.close();
    report(subscriber.taken, result);
  });
}

measurement measure_idle(const way_facts& facts, double slice_s) {
  const placement anywhere = placement::unpinned();
  return guarded(anywhere, [&](measurement& result) {
    constexpr unsigned subscribers = 8;
    constexpr std::uint64_t before = 64; // so that every thread has run once
    station at(facts, {1, subscribers, 64});
    at.line.expect(subscribers);
    at.open(anywhere, [&](way& opened) {
      for (unsigned i = 0; i < subscribers; ++i) {
        at.audit_of(i).expect(0, before);
        opened.subscribe(
            benchmark_type,
            [](const std::uint8_t* payload, std::size_t size, void* user) {
              static_cast<audit*>(user)->receive(payload, size);
            },
            &at.audit_of(i));
      }
    });
    at->publish(0, benchmark_type, at.messages_of(0), before);
    if (!at.line.wait(give_up_s)) {
      throw std::runtime_error("not everything arrived in time; " + at.close());
    }
    sleep_for(0.05);
    const double cpu = process_cpu_seconds();
    const ticks begin = now();
    sleep_for(slice_s);
    result.cpu = (process_cpu_seconds() - cpu) / seconds(now() - begin) * 100;
    result.failure = at.close();
  });
}

} // namespace mycelium::bench
