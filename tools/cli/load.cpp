#include "tools/cli/load.hpp"

#include "tools/cli/bus.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <pthread.h>
#include <thread>
#include <vector>

namespace mycelium::cli {
namespace {

using clock = std::chrono::steady_clock;

// An application type without a schema: its payload travels as opaque bytes.
constexpr std::uint16_t bench_type = 49'999;
constexpr std::int64_t patience_ns = 10'000'000'000;

std::chrono::nanoseconds duration_of(double seconds) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(seconds));
}

// One subscriber's counter on a cache line of its own, so that subscribers do not slow each other.
struct alignas(64) counter {
  std::atomic<std::uint64_t> received{0};
};

void count_message(std::uint16_t, const std::uint8_t*, std::size_t, void* user_data) {
  auto& received = static_cast<counter*>(user_data)->received;
  received.store(received.load(std::memory_order_relaxed) + 1, std::memory_order_release); // one writer
}

// A runtime with its subscribers, and another one to publish on where messages go through others; the counters outlive
// the runtimes.
struct stage {
  std::vector<counter> counters;
  bus_source subscribers;
  std::optional<bus_source> publisher;

  MyceliumRuntime* from() const { return publisher ? publisher->runtime() : subscribers.runtime(); }
  // Have all subscribers got so many?
  bool has_all(std::uint64_t count) const {
    return std::ranges::all_of(
        counters, [count](const counter& each) { return each.received.load(std::memory_order_acquire) >= count; });
  }
};

result<bus_source> open_node(const load& wanted, const char* name) {
  source_options options;
  options.nodes = wanted.through;
  options.name = name;
  return open_source(options, "bench");
}

result<void> add_publisher(stage& to, const load& wanted) {
  auto publisher = open_node(wanted, "bench-publisher");
  if (!publisher)
    return publisher.error();
  to.publisher.emplace(std::move(*publisher));
  for (auto* each : {&to.subscribers, &*to.publisher}) {
    if (auto started = each->start(); !started)
      return started;
    if (auto linked = each->wait_for_links(patience_ns); !linked)
      return linked;
  }
  return check(mycelium_wait_for_subscribers(to.from(), bench_type, 1, patience_ns),
               "the subscribers cannot be reached over that link");
}

result<std::unique_ptr<stage>> set_up(const load& wanted, std::uint32_t capacity) {
  auto source = open_node(wanted, "mycelium-bench");
  if (!source)
    return source.error();
  std::unique_ptr<stage> made(
      new stage{std::vector<counter>(wanted.subscribers), std::move(*source), std::nullopt}); // as clang 14 knows it
  for (counter& each : made->counters) {
    MyceliumSubscribeOptions options;
    mycelium_subscribe_options_init(&options);
    options.policy = MYCELIUM_POLICY_BLOCK;
    options.block_timeout_ns = patience_ns;
    options.capacity = capacity;
    options.on_payload = count_message;
    options.user_data = &each;
    std::uint64_t id = 0;
    if (auto done =
            check(mycelium_subscribe_with_options(made->subscribers.runtime(), bench_type, &options, &id), "subscribe");
        !done)
      return done.error();
  }
  if (wanted.through.any())
    if (auto added = add_publisher(*made, wanted); !added)
      return added.error();
  return made;
}

// Messages that were dropped on either side.
result<std::uint64_t> drops_of(const stage& of) {
  std::uint64_t sum = 0;
  for (auto* runtime : {of.subscribers.runtime(), of.from()}) {
    MyceliumRuntimeStats stats{};
    stats.struct_size = sizeof stats;
    if (auto asked = check(mycelium_runtime_stats(runtime, &stats), "statistics"); !asked)
      return asked.error();
    for (const std::uint64_t dropped : stats.dropped)
      sum += dropped;
    if (!of.publisher)
      break;
  }
  return sum;
}

// What is on its way over links is in no mailbox of ours.
bool wait_for_all(const stage& of, std::uint64_t count) {
  const auto until = clock::now() + std::chrono::nanoseconds(patience_ns);
  while (!of.has_all(count)) {
    if (clock::now() > until)
      return false;
    std::this_thread::sleep_for(std::chrono::microseconds(50));
  }
  return true;
}

// What the publishing threads have in common; the first failure wins.
class publishers {
public:
  publishers(MyceliumRuntime* runtime, const load& wanted) : runtime_(runtime), wanted_(wanted) {}

  // Publishes on as many threads as wanted until the time is over. The number of messages, or why a publish failed.
  result<std::uint64_t> run() {
    const auto span = duration_of(wanted_.seconds);
    for (unsigned i = 0; i < wanted_.publishers; ++i) {
      threads_.emplace_back([this, span] { publish_for(span); });
      pthread_setname_np(threads_.back().native_handle(), "bench-publisher");
    }
    threads_.clear(); // joins
    if (failed_)
      return why_;
    return published_.load();
  }

private:
  void publish_for(std::chrono::nanoseconds span) {
    const std::vector<std::uint8_t> payload(wanted_.payload, 0x5a);
    std::uint64_t count = 0;
    // The clock is read once in a while only: reading it costs as much as a publish.
    for (const auto end = clock::now() + span; clock::now() < end;) {
      for (int i = 0; i < 64; ++i) {
        if (auto sent = check(mycelium_publish(runtime_, bench_type, payload.data(), payload.size()), "publish");
            !sent) {
          stop(sent.error());
          return;
        }
        ++count;
      }
    }
    published_ += count;
  }

  void stop(const failure& why) {
    const std::lock_guard guard(mutex_);
    if (!failed_)
      why_ = why;
    failed_ = true;
  }

  MyceliumRuntime* runtime_;
  const load& wanted_;
  std::atomic<std::uint64_t> published_{0};
  std::mutex mutex_;
  bool failed_ = false;
  failure why_;
  std::vector<std::jthread> threads_; // last: they use everything above
};

// Waits for a delivery by spinning: waking a sleeping thread would be in the measured time. Gives the core away now and
// then, for machines where the worker needs it.
bool spin_until(const stage& of, std::uint64_t count, clock::time_point deadline) {
  for (unsigned spins = 1;; ++spins) {
    if (of.has_all(count))
      return true;
    if (spins % 4096 == 0) {
      if (clock::now() > deadline)
        return false;
      std::this_thread::yield();
    }
  }
}

double microseconds_at(std::vector<std::int64_t>& samples, double part) {
  const auto index = static_cast<std::size_t>(part * static_cast<double>(samples.size() - 1));
  const auto at = samples.begin() + static_cast<std::ptrdiff_t>(index);
  std::ranges::nth_element(samples, at);
  return static_cast<double>(*at) / 1000.0;
}

} // namespace

result<rate_figures> measure_rate(const load& wanted) {
  auto made = set_up(wanted, 0);
  if (!made)
    return made.error();
  MyceliumRuntime* runtime = (*made)->from();
  const auto begin = clock::now();
  const auto published = publishers(runtime, wanted).run();
  if (!published)
    return published.error();
  if (auto flushed = check(mycelium_flush(runtime, patience_ns), "flush"); !flushed)
    return flushed.error();
  static_cast<void>(wait_for_all(**made, *published)); // whoever is missing is named below
  rate_figures figures;
  figures.seconds = std::chrono::duration<double>(clock::now() - begin).count();
  figures.published = *published;
  const auto dropped = drops_of(**made);
  if (!dropped)
    return dropped.error();
  figures.dropped = *dropped;
  for (const counter& each : (*made)->counters)
    figures.delivered += each.received.load();
  if (figures.delivered != figures.published * wanted.subscribers)
    return failure{status::internal, "only " + std::to_string(figures.delivered) + " of " +
                                         std::to_string(figures.published * wanted.subscribers) +
                                         " deliveries happened"};
  return figures;
}

result<latency_figures> measure_latency(const load& wanted) {
  constexpr std::size_t most_samples = 4'000'000;
  auto made = set_up(wanted, 2);
  if (!made)
    return made.error();
  MyceliumRuntime* runtime = (*made)->from();
  const std::vector<std::uint8_t> payload(wanted.payload, 0x5a);
  std::vector<std::int64_t> samples;
  const auto end = clock::now() + duration_of(wanted.seconds);
  std::uint64_t sent = 0;
  while (clock::now() < end && samples.size() < most_samples) {
    const auto before = clock::now();
    if (auto done = check(mycelium_publish(runtime, bench_type, payload.data(), payload.size()), "publish"); !done)
      return done.error();
    if (!spin_until(**made, ++sent, before + std::chrono::nanoseconds(patience_ns)))
      return failure{status::timeout, "a message was not delivered within 10 s"};
    samples.push_back(std::chrono::nanoseconds(clock::now() - before).count());
  }
  latency_figures figures;
  figures.samples = samples.size();
  if (samples.empty())
    return failure{status::timeout, "the time was too short for one message: give more --seconds"};
  figures.p50_us = microseconds_at(samples, 0.5);
  figures.p99_us = microseconds_at(samples, 0.99);
  figures.p999_us = microseconds_at(samples, 0.999);
  figures.max_us = microseconds_at(samples, 1.0);
  return figures;
}

} // namespace mycelium::cli
