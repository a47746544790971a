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
  std::uint32_t capacity = 0;            // messages that wait for one neighbour
  policy when_full = policy::by_runtime; // where more would wait; else block
  duration block_timeout{0};
  duration hello_timeout{0}; // for the other side's whole greeting
  duration heartbeat{0};     // the longest pause between two frames
  duration silence{0};       // after which the other side counts as dead
  duration linger{0};        // how long what waits for a neighbour that has gone is kept for its return
  // Files, which bridge_reload reads again; paths.
  std::string token_file{};       // in place of token: its text without the end of its last line
  std::string tls_cert{};         // PEM: ours and those up to the authority's; with its key all TCP is TLS 1.3
  std::string tls_key{};          // PEM, without a password
  std::string tls_ca{};           // PEM: whose certificates are accepted
  std::string permissions_file{}; // who may link, publish and receive what
  std::uint32_t socket_mode = 0;  // of Unix sockets
  // What a link may cost.
  std::uint32_t max_links_per_peer = 0; // of one user or address
  std::uint32_t max_accepts = 0;        // TCP connections taken each second
  std::uint32_t max_nodes = 0;          // that one link may tell of
  std::uint32_t max_state = 0;          // bytes in which a link tells of one node
  std::uint32_t max_types = 0;          // that one link is sent
  std::uint32_t max_requests = 0;       // of one link that are being answered
  std::uint64_t max_message_rate = 0;   // from one link each second, before it is read more slowly
  std::uint64_t max_byte_rate = 0;      // the same for bytes
  std::uint64_t max_control_rate = 0;   // the same for control frames
  // Types whose messages go to the next node of a neighbour's name if it dies before it has delivered them: ids,
  // ranges, topics or "*", as "20001, 20010-20019, sensors"; empty: none.
  std::string at_least_once{};
};

using bridge_stats = MyceliumBridgeStats;

namespace detail {

// Texts point into *from.
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
  to.token_file = text(from.token_file);
  to.tls_cert = text(from.tls_cert);
  to.tls_key = text(from.tls_key);
  to.tls_ca = text(from.tls_ca);
  to.permissions_file = text(from.permissions_file);
  to.socket_mode = from.socket_mode;
  to.max_links_per_peer = from.max_links_per_peer;
  to.max_accepts = from.max_accepts;
  to.max_nodes = from.max_nodes;
  to.max_state = from.max_state;
  to.max_types = from.max_types;
  to.max_requests = from.max_requests;
  to.max_message_rate = from.max_message_rate;
  to.max_byte_rate = from.max_byte_rate;
  to.max_control_rate = from.max_control_rate;
  to.at_least_once = text(from.at_least_once);
  return to;
}

} // namespace detail
} // namespace cpp1
} // namespace mycelium
