// What ours costs beside carrying messages, through ffi/include/mycelium.h only.
#include "tools/benchmarks/samples.hpp"
#include "tools/benchmarks/scenarios.hpp"
#include "tools/benchmarks/station.hpp"

#include <mycelium.h>

#include <algorithm>
#include <array>
#include <fstream>

#include <malloc.h>
#include <unistd.h>

namespace mycelium::bench {

namespace {

constexpr std::uint16_t first_type = 50'000; // the range for experiments has 15,536

// A runtime for the time of a block.
class runtime {
public:
  runtime() : handle_(mycelium_runtime_create()) {
    if (handle_ == nullptr) {
      throw std::runtime_error(std::string("mycelium_runtime_create: ") + mycelium_last_error());
    }
  }
  ~runtime() { mycelium_runtime_destroy(handle_); }
  runtime(const runtime&) = delete;
  runtime& operator=(const runtime&) = delete;
  operator MyceliumRuntime*() const { return handle_; }

private:
  MyceliumRuntime* handle_;
};

void must(std::int32_t status, const char* what) {
  if (status < 0) {
    throw std::runtime_error(std::string(what) + ": " + mycelium_status_name(status) + ", " + mycelium_last_error());
  }
}

double resident_bytes() {
  std::ifstream file("/proc/self/statm");
  double pages = 0;
  double resident = 0;
  file >> pages >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

void ignore(std::uint16_t, const std::uint8_t*, std::size_t, void*) {}

std::uint64_t subscribe(MyceliumRuntime* rt, std::uint16_t type, std::uint32_t flags = 0) {
  MyceliumSubscribeOptions options;
  mycelium_subscribe_options_init(&options);
  options.flags = flags;
  options.on_payload = ignore;
  std::uint64_t id = 0;
  must(mycelium_subscribe_with_options(rt, type, &options, &id), "mycelium_subscribe_with_options");
  return id;
}

// Nanoseconds per call of work, which makes calls calls: the best of rounds that take slice_s together, since what
// disturbs a single thread only ever adds.
template <class Work>
micro_result time_calls(std::string name, double slice_s, Work work) {
  micro_result result{std::move(name), {}};
  result.found = guarded(placement::unpinned(), [&](measurement& found) {
    constexpr unsigned calls = 1000;
    const ticks begin = now();
    double best_ns = 1e18;
    while (seconds(now() - begin) < slice_s) {
      const ticks start = now();
      for (unsigned i = 0; i < calls; ++i) {
        work();
      }
      best_ns = std::min(best_ns, nanoseconds(now() - start) / calls);
      found.samples += calls;
    }
    found.p50_us = best_ns * 1e-3;
    found.messages_per_s = 1e9 / best_ns;
  });
  return result;
}

} // namespace

measurement measure_idle_memory(unsigned subscriptions, bool own_types) {
  return guarded(placement::unpinned(), [&](measurement& result) {
    const runtime rt;
    subscribe(rt, first_type); // what only the first one costs
    malloc_trim(0);
    const double before = resident_bytes();
    const ticks begin = now();
    for (unsigned i = 0; i < subscriptions; ++i) {
      subscribe(rt, own_types ? static_cast<std::uint16_t>(first_type + 1 + i) : first_type);
    }
    result.p50_us = nanoseconds(now() - begin) * 1e-3 / subscriptions;
    result.bytes = (resident_bytes() - before) / subscriptions;
    result.samples = subscriptions;
  });
}

measurement measure_lifecycle(unsigned runtimes) {
  return guarded(placement::unpinned(), [&](measurement& result) {
    samples taken(runtimes);
    for (unsigned i = 0; i < runtimes; ++i) {
      const ticks begin = now();
      { const runtime rt; }
      taken.add(begin, now());
    }
    report(taken, result);
  });
}

std::vector<micro_result> measure_micro(double slice_s) {
  constexpr std::uint16_t nobody = first_type;
  constexpr std::uint16_t pooled = first_type + 1;
  constexpr std::uint16_t inlined = first_type + 2;
  constexpr std::uint16_t others = first_type + 3;
  const runtime rt;
  subscribe(rt, pooled);
  subscribe(rt, inlined, MYCELIUM_SUBSCRIBE_INLINE);
  const std::array<std::uint8_t, 64> payload{};
  const auto publish = [&](std::uint16_t type) {
    must(mycelium_publish(rt, type, payload.data(), payload.size()), "mycelium_publish");
  };

  std::vector<micro_result> all;
  all.push_back(time_calls("clock read", slice_s, [] { static_cast<void>(now()); }));
  all.push_back(time_calls("publish, nobody", slice_s, [&] { publish(nobody); }));
  all.push_back(time_calls("publish, 1 pooled", slice_s, [&] { publish(pooled); }));
  must(mycelium_flush(rt, 10'000'000'000), "mycelium_flush");
  all.push_back(time_calls("publish, 1 inline", slice_s, [&] { publish(inlined); }));
  all.push_back(time_calls("publish_envelope", slice_s, [&] {
    MyceliumEnvelope envelope{};
    envelope.struct_size = sizeof envelope;
    envelope.type_id = pooled;
    envelope.correlation_id = 1;
    must(mycelium_publish_envelope(rt, &envelope, payload.data(), payload.size()), "mycelium_publish_envelope");
  }));
  must(mycelium_flush(rt, 10'000'000'000), "mycelium_flush");
  all.push_back(time_calls("loan + discard", slice_s, [&] {
    MyceliumLoan* loan = nullptr;
    std::uint8_t* memory = nullptr;
    must(mycelium_loan(rt, payload.size(), &loan, &memory), "mycelium_loan");
    mycelium_loan_discard(loan);
  }));
  all.push_back(time_calls("publish + flush", slice_s, [&] {
    publish(pooled);
    must(mycelium_flush(rt, 10'000'000'000), "mycelium_flush");
  }));
  all.push_back(time_calls("subscribe + unsubscribe", slice_s,
                           [&] { must(mycelium_unsubscribe(rt, subscribe(rt, others)), "mycelium_unsubscribe"); }));
  std::array<std::uint8_t, MYCELIUM_DIGEST_SIZE> digest{};
  must(mycelium_schema_digest(digest.data()), "mycelium_schema_digest");
  all.push_back(time_calls("verify_schema_digest", slice_s, [&] {
    must(mycelium_verify_schema_digest(rt, digest.data(), digest.size()), "mycelium_verify_schema_digest");
  }));
  return all;
}

} // namespace mycelium::bench
