// What became of messages on their way to and from NATS. What is taken of the bus is published, refused or dropped;
// what is received is accepted, passed over or refused.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace mycelium::nats {

// Why a message was refused; first of all in words, for people.
enum class refusal : std::uint8_t { headers, type, schema, payload, size, hops, bus, request };
inline constexpr std::array<const char*, 8> refusal_names{"headers", "type", "schema", "payload",
                                                          "size",    "hops", "bus",    "request"};

struct counters {
  using count = std::atomic<std::uint64_t>;

  // to NATS
  count published{0};    // handed to the connection, each message once
  count confirmed{0};    // of them (durable ones apart): the server has surely got them
  count unconfirmed{0};  // of them: on their way when a connection broke; the server may have got them
  count stored{0};       // durable: published into the stream, each once
  count acknowledged{0}; // of them: the stream has them
  count again{0};        // durable: published once more, since no acknowledgement came
  count duplicates{0};   // durable: acknowledged, and the stream had them already
  count lost{0};         // durable: not acknowledged when the bridge ended
  count dropped{0};      // for want of a connection, and of room in its buffer

  // from NATS
  count received{0};
  count accepted{0}; // by the bus
  count repeated{0}; // came before, by NATS or by a link
  count echoes{0};   // of this mesh's own name
  count slow{0};     // discarded by the connection since the bus took messages too slowly

  // requests
  count asked{0};    // over NATS
  count answered{0}; // of them
  count served{0};   // requests that came from NATS and were answered

  std::array<count, refusal_names.size()> refused{};
  count disconnects{0};
  count forbidden{0}; // of what was published or subscribed: this user has no right to it
};

} // namespace mycelium::nats
