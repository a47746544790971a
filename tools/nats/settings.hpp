// What a gateway to NATS is told.
#pragma once

#include "schema/registry.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace mycelium::nats {

struct settings {
  std::vector<std::string> servers; // URLs of one cluster
  std::vector<std::string> topics;  // patterns: which types are carried
  std::vector<std::string> durable; // patterns: which of them, and which others, a stream keeps
  std::string prefix = "mycelium";  // first part of each subject
  std::string mesh;                 // what is published under the same name is not taken back; "": no name
  std::string name;                 // of this bridge, in NATS's lists; with `mesh` the name of its durable consumers
  std::string credentials;          // file with a JWT and a seed
  std::string tls_ca;               // files, PEM
  std::string tls_certificate;
  std::string tls_key;

  std::string stream = "MYCELIUM";
  std::chrono::seconds max_age{0}; // of what a stream keeps, when it is made; 0: for ever
  std::int64_t max_bytes = 0;      // 0: without bound
  std::int64_t replicas = 1;
  std::chrono::milliseconds acknowledge_within{2000}; // after which a message is published to the stream again

  bool waits_when_full = false;                // what is not durable: publishers wait while NATS takes nothing
  std::uint32_t capacity = 65536;              // messages of one type that wait to be published
  std::int64_t buffer = std::int64_t{8} << 20; // bytes published while there is no connection
  std::chrono::milliseconds request_timeout{30'000};

  std::vector<schema::message_type> types;     // that are known
  std::function<void(const std::string&)> log; // from any thread, as the next
  std::function<void()> gone;                  // NATS refuses this bridge for good
};

} // namespace mycelium::nats
