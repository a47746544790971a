// For tests: a bus, somebody who listens to it, and time that passes when it is waited for.
#pragma once

#include "tools/recording/replayer.hpp"
#include "tools/recording/samples.hpp"

#include <set>

namespace mycelium::recording::testing {

struct runtime_deleter {
  void operator()(MyceliumRuntime* runtime) const noexcept { mycelium_runtime_destroy(runtime); }
};
using runtime_ptr = std::unique_ptr<MyceliumRuntime, runtime_deleter>;

// Knows the golden types, too.
inline runtime_ptr new_bus() {
  runtime_ptr bus(mycelium_runtime_create());
  const auto bfbs = content_of(MYCELIUM_GOLDEN_BFBS);
  EXPECT_EQ(mycelium_register_schema(bus.get(), bfbs.data(), bfbs.size(), nullptr), MYCELIUM_SUCCESS);
  return bus;
}

// A queue that is subscribed to types, read when everything has been published.
class listener {
public:
  listener(MyceliumRuntime* bus, const std::set<std::uint16_t>& types) : bus_(bus) {
    EXPECT_EQ(mycelium_queue_open(bus, &queue_), MYCELIUM_SUCCESS);
    for (const auto type_id : types) {
      MyceliumSubscribeOptions options;
      mycelium_subscribe_options_init(&options);
      options.queue_id = queue_;
      EXPECT_EQ(mycelium_subscribe_with_options(bus, type_id, &options, nullptr), MYCELIUM_SUCCESS);
    }
  }
  ~listener() { mycelium_queue_close(bus_, queue_); }
  listener(const listener&) = delete;
  listener& operator=(const listener&) = delete;

  // Everything so far, by sequence of the (only) publisher.
  std::vector<message> all() {
    std::vector<message> got;
    std::array<MyceliumDelivery, 64> deliveries;
    std::size_t count = 0;
    while (mycelium_queue_receive(bus_, queue_, deliveries.data(), deliveries.size(), 0, &count) == MYCELIUM_SUCCESS)
      for (std::size_t i = 0; i < count; ++i)
        take(deliveries[i].message, got);
    std::ranges::sort(got, {}, [](const message& each) { return each.envelope.sequence; });
    return got;
  }

private:
  static void take(MyceliumMessage* from, std::vector<message>& got) {
    MyceliumEnvelope read{};
    read.struct_size = sizeof read;
    mycelium_message_envelope(from, &read);
    message each;
    each.envelope.type_id = read.type_id;
    each.envelope.priority = read.priority;
    each.envelope.has_trace = read.has_trace != 0;
    each.envelope.trace_flags = read.trace_flags;
    each.envelope.destination = read.destination;
    each.envelope.destination_key = read.destination_key;
    each.envelope.correlation_id = read.correlation_id;
    each.envelope.sequence = read.sequence;
    each.envelope.publisher_id = read.publisher_id;
    each.envelope.timestamp_ns = read.timestamp_ns;
    std::ranges::copy(read.trace_id, each.envelope.trace_id.begin());
    std::ranges::copy(read.span_id, each.envelope.span_id.begin());
    std::size_t length = 0;
    const auto* content = mycelium_message_payload(from, &length);
    each.content.assign(content, content + length);
    got.push_back(std::move(each));
    mycelium_message_release(from);
  }

  MyceliumRuntime* bus_;
  std::uint64_t queue_ = 0;
};

class virtual_time final : public pacer {
public:
  std::int64_t now_ns() override { return now_; }
  bool wait_until(std::int64_t time_ns) override {
    due.push_back(time_ns);
    now_ = std::max(now_, time_ns);
    return !stopped();
  }
  bool stopped() override { return due.size() >= stop_after; }

  std::vector<std::int64_t> due;
  std::size_t stop_after = SIZE_MAX;

private:
  std::int64_t now_ = 5'000'000'000'000;
};

} // namespace mycelium::recording::testing
