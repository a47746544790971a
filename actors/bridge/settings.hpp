// What a bridge is told: addresses, limits and times.
#pragma once

#include "actors/bridge/credential_sources.hpp"
#include "actors/bridge/limits.hpp"
#include "actors/bridge/type_set.hpp"
#include "actors/runtime/lane.hpp"
#include "schema/status.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace mycelium::bridge {

// unix:PATH, tcp:HOST:PORT or tls:HOST:PORT; an IPv6 host stands in brackets.
struct address {
  enum class kind { local, tcp } how = kind::local;
  std::string path; // local
  std::string host; // tcp
  std::uint16_t port = 0;
  bool tls = false; // of TCP: asked for; a bridge with certificates does it anyway

  std::string text() const;
};
result<address> parse_address(std::string_view text); // invalid_argument

// Below these no link works: they are asked of both sides.
constexpr std::uint32_t least_window = 64 << 10;
constexpr std::uint32_t least_frame = 1024;

struct settings {
  std::string name; // of the node, for people
  credential_sources credentials;
  std::size_t max_links = 256;        // accepted at the same time
  std::size_t max_links_per_peer = 0; // of one address or user; 0: a quarter of max_links of another machine's address
  std::uint32_t accepts = 200;        // TCP connections a second, each with its handshake; others wait in the kernel
  unsigned socket_mode = 0600;        // of Unix sockets
  limits of_one_link;
  std::size_t max_frame = 16u << 20;
  std::uint32_t window = 4u << 20; // bytes of data frames on their way to us
  std::uint32_t capacity = 4096;   // messages of a type that wait for one neighbour
  runtime::policy when_full = runtime::policy::block;
  std::int64_t block_timeout_ns = 0; // 0: the runtime's
  std::chrono::milliseconds hello_timeout{5000};
  std::chrono::milliseconds heartbeat{1000};
  std::chrono::milliseconds silence{5000}; // after so long without a byte the link counts as dead
  std::chrono::milliseconds first_retry{50};
  std::chrono::milliseconds last_retry{5000};
  std::chrono::milliseconds linger{30000}; // how long what waits for a neighbour that is gone is kept
  type_set at_least_once;                  // whose messages a neighbour's successor gets if it did not deliver them
};

} // namespace mycelium::bridge
