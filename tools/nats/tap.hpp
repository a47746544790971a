// What the gateway hears of the bus: subscriptions to chosen types, with one queue in front of them.
#pragma once

#include "tools/nats/context.hpp"

#include <array>

namespace mycelium::nats {

struct bus_message_deleter {
  void operator()(MyceliumMessage* m) const noexcept { mycelium_message_release(m); }
};
using bus_message = std::unique_ptr<MyceliumMessage, bus_message_deleter>;

class tap {
public:
  // Subscribes to the types of the map that are durable, or to those that are not.
  static result<std::unique_ptr<tap>> open(const context& shared, bool durable, MyceliumPolicy when_full);
  ~tap();
  tap(const tap&) = delete;
  tap& operator=(const tap&) = delete;

  // The next messages, at most `most` of them; waits for the first. Closed: none any more. One thread.
  std::vector<bus_message> take(std::size_t most, std::chrono::milliseconds patience);
  void wake() const;             // ends a take that waits
  std::uint64_t waiting() const; // in the mailboxes
  std::uint64_t dropped() const; // since a mailbox was full
  bool has_types() const noexcept { return !subscriptions_.empty(); }
  std::uint64_t queue() const noexcept { return queue_; }

private:
  explicit tap(const context& shared) : shared_(shared) {}
  std::uint64_t sum(std::uint64_t (*of)(const MyceliumSubscriptionStats&)) const;

  const context& shared_;
  std::uint64_t queue_ = 0;
  std::vector<std::uint64_t> subscriptions_;
};

// A message of the bus with what NATS is told of it; nothing if it is not to be carried there: it came from there, or
// from another system, or has gone too far.
std::optional<carried> to_carry(const context& shared, const MyceliumMessage* m);
std::span<const std::uint8_t> payload_of(const MyceliumMessage* m);

} // namespace mycelium::nats
