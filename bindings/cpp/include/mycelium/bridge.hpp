// What may be chosen when a runtime gets a bridge to other processes, and what it counts; the calls are runtime_ref's.
// docs/bridge.md says what is guaranteed, mycelium_bridge.h describes each field in full.
#pragma once

#include <mycelium/options.hpp>

#include <mycelium_bridge.h>

#include <cstdint>
#include <string>

namespace mycelium {
inline namespace cpp1 {

// Plain values; a field that is left alone means its default.
struct bridge_options {
  std::string name{};                    // of this node, in logs and statistics; the runtime's name
  std::string token{};                   // both sides prove that they know it; it does not cross the wire
  std::uint32_t max_links = 0;           // accepted at the same time
  std::uint32_t max_frame = 0;           // longest message that is taken, with its envelope; bytes
  std::uint32_t window = 0;              // unacknowledged bytes on their way to this node, per link
  std::uint32_t capacity = 0;            // messages of one type that wait for one neighbour
  policy when_full = policy::by_runtime; // where more would wait; else block
  duration block_timeout{0};
  duration hello_timeout{0}; // for the other side's whole greeting
  duration heartbeat{0};     // the longest pause between two frames
  duration silence{0};       // after which the other side counts as dead
  duration linger{0};        // how long what waits for a neighbour that has gone is kept for its return
};

using bridge_stats = MyceliumBridgeStats;

namespace detail {

// name and token point into *from.
inline MyceliumBridgeConfig to_c(const bridge_options& from) noexcept {
  MyceliumBridgeConfig to;
  mycelium_bridge_config_init(&to);
  const auto text = [](const std::string& given) { return given.empty() ? nullptr : given.c_str(); };
  to.name = text(from.name);
  to.token = text(from.token);
  to.max_links = from.max_links;
  to.max_frame = from.max_frame;
  to.window = from.window;
  to.capacity = from.capacity;
  to.policy = static_cast<std::int32_t>(from.when_full);
  to.block_timeout_ns = from.block_timeout.count();
  to.hello_timeout_ns = from.hello_timeout.count();
  to.heartbeat_ns = from.heartbeat.count();
  to.silence_ns = from.silence.count();
  to.linger_ns = from.linger.count();
  return to;
}

} // namespace detail
} // namespace cpp1
} // namespace mycelium
