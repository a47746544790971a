#include "tools/benchmarks/station.hpp"

#include <atomic>

#include <sched.h>

namespace mycelium::bench {

namespace {

constexpr std::size_t most_samples = 4'000'000;
constexpr std::uint64_t warm_up = 200; // messages that do not count
constexpr auto ping_type = benchmark_type;
constexpr auto pong_type = static_cast<std::uint16_t>(benchmark_type + 1);

// One of two subscribers that answer each other. Each publishes only in its own callback, so its stream needs no lock.
struct answerer {
  station* at;
  unsigned index; // of its audit and its publisher handle
  std::uint16_t answers_with;
  const std::atomic<bool>* enough;
  samples taken{most_samples / 2};
  std::string failure{}; // why it could not answer; ends the game

  static void on_message(const std::uint8_t* payload, std::size_t size, void* user) {
    static_cast<answerer*>(user)->answer(payload, size, now());
  }
  void answer(const std::uint8_t* payload, std::size_t size, ticks received) {
    audit& mine = at->audit_of(index);
    const header h = read_header(payload);
    if (h.sequence >= warm_up) {
      taken.add(h.stamp, received);
    }
    mine.receive(payload, size);
    if (enough->load(std::memory_order_relaxed) || taken.full()) {
      at->line.arrive();
      return;
    }
    try { // nothing may leave a callback
      stream& out = at->messages_of(index);
      out.stamp(now());
      (*at)->publish(index, answers_with, out, 1);
    } catch (const std::exception& error) {
      failure = error.what();
      at->line.arrive();
    }
  }
};

// Handle 0 belongs to the subscriber of ping_type, 1 to that of pong_type, 2 to the thread that starts the game.
void ping_pong(const way_facts& facts, std::size_t payload, const placement& places, double slice_s,
               measurement& result) {
  station at(facts, {3, 2, payload});
  std::atomic<bool> enough{false};
  answerer first{&at, 0, pong_type, &enough};
  answerer second{&at, 1, ping_type, &enough};
  at.open(places, [&](way& opened) {
    opened.subscribe(ping_type, answerer::on_message, &first);
    opened.subscribe(pong_type, answerer::on_message, &second);
  });
  at.line.expect(1);
  crew starter(1, places);
  starter.run([&](unsigned) {
    at.messages_of(2).stamp(now());
    at->publish(2, ping_type, at.messages_of(2), 1);
  });
  at.line.wait(slice_s);
  enough.store(true);
  if (!at.line.wait(give_up_s)) {
    throw std::runtime_error("a message was lost; " + at.close());
  }
  at->close(); // from here on nobody else touches the streams and audits
  at.audit_of(0).expect(2, 1);
  at.audit_of(0).expect(1, at.messages_of(1).written());
  at.audit_of(1).expect(0, at.messages_of(0).written());
  result.failure = first.failure + second.failure + at.close();
  first.taken.append(second.taken);
  report(first.taken, result);
}

// For ways that run the callback inside publish.
void call_repeatedly(const way_facts& facts, std::size_t payload, const placement& places, double slice_s,
                     measurement& result) {
  station at(facts, {1, 1, payload});
  catcher subscriber(at.audit_of(0), most_samples);
  at.open(places, [&](way& opened) { opened.subscribe(benchmark_type, catcher::on_message, &subscriber); });
  crew publisher(1, places);
  publisher.run([&](unsigned) {
    stream& out = at.messages_of(0);
    const ticks begin = now();
    while (seconds(now() - begin) < slice_s && !subscriber.taken.full()) {
      out.stamp(now());
      at->publish(0, benchmark_type, out, 1);
      while (subscriber.arrived.load(std::memory_order_acquire) != out.written()) {
        sched_yield();
      }
    }
  });
  at.audit_of(0).expect(0, at.messages_of(0).written());
  result.failure = at.close();
  report(subscriber.taken, result);
}

} // namespace

void report(samples& taken, measurement& result) {
  result.samples = taken.count();
  result.p50_us = taken.percentile_us(0.50);
  result.p99_us = taken.percentile_us(0.99);
  result.p999_us = taken.percentile_us(0.999);
  if (result.failure.empty() && taken.backward() != 0) {
    result.failure = "the processors' time stamp counters disagree";
  }
}

measurement measure_latency(const way_facts& facts, std::size_t payload, const placement& places, double slice_s) {
  return guarded(places, [&](measurement& result) {
    (facts.runs_in_publisher ? call_repeatedly : ping_pong)(facts, payload, places, slice_s, result);
  });
}

} // namespace mycelium::bench
