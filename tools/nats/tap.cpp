#include "tools/nats/tap.hpp"

namespace mycelium::nats {
namespace {

failure last_failure(std::int32_t code, const std::string& what) {
  return {static_cast<status>(code), what + ": " + mycelium_last_error()};
}

} // namespace

result<std::unique_ptr<tap>> tap::open(const context& shared, bool durable, MyceliumPolicy when_full) {
  std::unique_ptr<tap> made(new tap(shared));
  if (const auto done = mycelium_queue_open(shared.bus, &made->queue_); done < 0)
    return last_failure(done, "no queue for NATS");
  for (const auto& [type_id, type] : shared.types->all()) {
    if (type.durable != durable)
      continue;
    const auto name = "nats:" + type.subject;
    MyceliumSubscribeOptions options;
    mycelium_subscribe_options_init(&options);
    options.name = name.c_str();
    options.flags = MYCELIUM_SUBSCRIBE_GATEWAY;
    options.policy = when_full;
    options.capacity = shared.how->capacity;
    options.queue_id = made->queue_;
    std::uint64_t id = 0;
    if (const auto done = mycelium_subscribe_with_options(shared.bus, type_id, &options, &id); done < 0)
      return last_failure(done, "type " + std::to_string(type_id));
    made->subscriptions_.push_back(id);
  }
  return made;
}

tap::~tap() {
  if (queue_ != 0)
    static_cast<void>(mycelium_queue_close(shared_.bus, queue_));
}

std::vector<bus_message> tap::take(std::size_t most, std::chrono::milliseconds patience) {
  constexpr std::size_t longest = 64;
  std::array<MyceliumDelivery, longest> deliveries;
  std::size_t count = 0;
  const auto timeout = std::chrono::duration_cast<std::chrono::nanoseconds>(patience).count();
  std::vector<bus_message> taken;
  if (mycelium_queue_receive(shared_.bus, queue_, deliveries.data(), std::min(most, longest), timeout, &count) < 0)
    return taken;
  for (std::size_t i = 0; i < count; ++i)
    if (deliveries[i].message != nullptr)
      taken.emplace_back(deliveries[i].message);
  return taken;
}

void tap::wake() const { static_cast<void>(mycelium_queue_wake(shared_.bus, queue_)); }

std::uint64_t tap::sum(std::uint64_t (*of)(const MyceliumSubscriptionStats&)) const {
  std::uint64_t all = 0;
  for (const auto id : subscriptions_) {
    MyceliumSubscriptionStats stats{};
    stats.struct_size = sizeof stats;
    if (mycelium_subscription_stats(shared_.bus, id, &stats) == MYCELIUM_SUCCESS)
      all += of(stats);
  }
  return all;
}

std::uint64_t tap::waiting() const {
  return sum([](const MyceliumSubscriptionStats& stats) { return stats.waiting; });
}

std::uint64_t tap::dropped() const {
  return sum([](const MyceliumSubscriptionStats& stats) {
    std::uint64_t all = 0;
    for (const auto each : stats.dropped)
      all += each;
    return all;
  });
}

std::span<const std::uint8_t> payload_of(const MyceliumMessage* m) {
  std::size_t size = 0;
  const auto* bytes = mycelium_message_payload(m, &size);
  return {bytes, size};
}

std::optional<carried> to_carry(const context& shared, const MyceliumMessage* m) {
  MyceliumOrigin origin{};
  origin.struct_size = sizeof origin;
  carried what;
  what.envelope.struct_size = sizeof what.envelope;
  if (mycelium_bridge_origin(shared.bus, m, &origin) < 0 || mycelium_message_envelope(m, &what.envelope) < 0)
    return std::nullopt;
  // What another gateway brought is in NATS already, or in a system that NATS is not the way from.
  if (origin.way == shared.gateway || origin.of_mesh == 0)
    return std::nullopt;
  if (origin.hops >= max_hops) {
    shared.refuse(refusal::hops, "a message that has crossed " + std::to_string(origin.hops) + " links");
    return std::nullopt;
  }
  const auto* type = shared.types->find(what.envelope.type_id);
  what.digest = type != nullptr ? type->digest : std::nullopt;
  what.mesh = shared.how->mesh;
  what.node = origin.node;
  what.hops = origin.hops;
  return what;
}

} // namespace mycelium::nats
