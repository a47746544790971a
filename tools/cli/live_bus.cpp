#include "tools/cli/live_bus.hpp"

#include "mycelium_bridge.h"
#include "tools/cli/verb.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <utility>

namespace mycelium::cli {
namespace {

constexpr std::int64_t second = 1'000'000'000;
constexpr std::int64_t link_patience_ns = 10 * second;
constexpr std::int64_t slice_ns = second / 20; // a signal waits no longer

} // namespace

result<live_bus> live_bus::open(const source_options& options, const char* name) {
  auto stop = stop_signal::block();
  if (!stop)
    return stop.error();
  auto source = open_source(options, name);
  if (!source)
    return source.error();
  auto types = bus_types::of(*source);
  if (!types)
    return types.error();
  return live_bus(std::move(*stop), std::move(*source), std::move(*types));
}

// For calls that do not look for signals themselves.
result<bool> live_bus::in_slices(std::int64_t timeout_ns, const std::function<result<void>(std::int64_t)>& wait) const {
  const auto until = timeout_ns > INT64_MAX - now_ns() ? INT64_MAX : now_ns() + timeout_ns;
  for (;;) {
    if (stop_.came())
      return false;
    const auto left = until - now_ns();
    const auto done = wait(std::clamp<std::int64_t>(left, 0, slice_ns));
    if (done)
      return true;
    if (done.error().code != status::timeout || left <= slice_ns)
      return done.error();
  }
}

result<bool> live_bus::link() {
  if (auto started = source_.start(); !started)
    return started.error();
  return in_slices(link_patience_ns, [this](std::int64_t slice) { return source_.wait_for_links(slice); });
}

result<bool> live_bus::wait_for_subscriber(std::uint16_t type_id, std::int64_t timeout_ns) const {
  return in_slices(timeout_ns, [&](std::int64_t slice) {
    return check(mycelium_wait_for_subscribers(runtime(), type_id, 1, slice),
                 "nobody subscribes to " + types_.name_of(type_id));
  });
}

result<json_payload::json> live_bus::neighbourhood() const {
  const auto text = read_text([this](char* to, std::size_t room,
                                     std::size_t* length) { return mycelium_bridge_json(runtime(), to, room, length); },
                              "the bridge");
  return text ? json_payload::parse(*text) : result<json_payload::json>(text.error());
}

result<inflow> inflow::open(MyceliumRuntime* runtime, std::span<const std::uint16_t> types, const options& how) {
  inflow made(runtime);
  if (auto opened = check(mycelium_queue_open(runtime, &made.queue_), "the queue"); !opened)
    return opened.error();
  if (auto got = check(mycelium_queue_fd(runtime, made.queue_, &made.fd_), "the queue"); !got)
    return got.error();
  for (const auto type_id : types) {
    MyceliumSubscribeOptions options;
    mycelium_subscribe_options_init(&options);
    options.queue_id = made.queue_;
    options.policy = how.policy;
    options.capacity = how.capacity;
    std::uint64_t id = 0;
    if (auto done = check(mycelium_subscribe_with_options(runtime, type_id, &options, &id), "the subscription"); !done)
      return done.error();
    made.subscriptions_.push_back(id);
  }
  return made;
}

inflow::inflow(inflow&& other) noexcept
    : runtime_(other.runtime_), queue_(std::exchange(other.queue_, 0)), fd_(other.fd_),
      subscriptions_(std::move(other.subscriptions_)) {}

inflow::~inflow() {
  if (queue_ != 0)
    mycelium_queue_close(runtime_, queue_);
}

result<std::size_t> inflow::receive(const stop_signal& stop, std::int64_t timeout_ns, std::size_t max,
                                    const std::function<result<void>(std::span<MyceliumMessage* const>)>& take) const {
  std::array<MyceliumDelivery, 64> deliveries;
  std::size_t count = 0;
  auto received =
      mycelium_queue_receive(runtime_, queue_, deliveries.data(), std::min(max, deliveries.size()), 0, &count);
  if (received == MYCELIUM_ERROR_TIMEOUT && !stop.wait(fd_, timeout_ns))
    received = mycelium_queue_receive(runtime_, queue_, deliveries.data(), std::min(max, deliveries.size()), 0, &count);
  if (received != MYCELIUM_ERROR_TIMEOUT)
    if (auto good = check(received, "the messages"); !good)
      return good.error();
  std::array<MyceliumMessage*, 64> messages{};
  std::size_t taken = 0;
  for (const auto& each : std::span(deliveries).first(count))
    if (each.message != nullptr)
      messages[taken++] = each.message;
  const auto all = std::span(messages).first(taken);
  if (auto done = take(all); !done)
    return done.error();
  for (auto* each : all)
    mycelium_message_release(each);
  return taken;
}

std::uint64_t inflow::dropped() const {
  std::uint64_t sum = 0;
  for (const auto id : subscriptions_) {
    MyceliumSubscriptionStats stats{};
    stats.struct_size = sizeof stats;
    if (mycelium_subscription_stats(runtime_, id, &stats) == MYCELIUM_SUCCESS)
      for (const auto each : stats.dropped)
        sum += each;
  }
  return sum;
}

MyceliumEnvelope envelope_of(const MyceliumMessage* message) {
  MyceliumEnvelope envelope{};
  envelope.struct_size = sizeof envelope;
  mycelium_message_envelope(message, &envelope);
  return envelope;
}

schema::bytes payload_of(const MyceliumMessage* message) {
  std::size_t length = 0;
  const auto* payload = mycelium_message_payload(message, &length);
  return {payload, length};
}

std::int64_t now_ns() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

std::int64_t ns_of(double seconds) { return static_cast<std::int64_t>(std::min(seconds, 9e9) * 1e9); }

int fail(const char* verb, const std::string& text) {
  std::fprintf(stderr, "mycelium %s: %s\n", verb, text.c_str());
  return exit_failed;
}

} // namespace mycelium::cli
