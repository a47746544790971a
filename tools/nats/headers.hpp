// A message's envelope as NATS headers, and back. What comes is foreign: any text may stand in any header. Pure.
#pragma once

#include "mycelium.h"
#include "schema/registry.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mycelium::nats {

namespace header {
inline constexpr const char* type = "Mycelium-Type";               // decimal
inline constexpr const char* schema = "Mycelium-Schema";           // digest of the type, 64 hexadecimal digits
inline constexpr const char* mesh = "Mycelium-Mesh";               // --nats-mesh of who published it
inline constexpr const char* origin = "Mycelium-Origin";           // node, 16 hexadecimal digits
inline constexpr const char* publisher = "Mycelium-Publisher";     // decimal
inline constexpr const char* sequence = "Mycelium-Sequence";       // decimal
inline constexpr const char* timestamp = "Mycelium-Timestamp";     // nanoseconds since 1970, decimal
inline constexpr const char* hops = "Mycelium-Hops";               // decimal
inline constexpr const char* key = "Mycelium-Key";                 // decimal
inline constexpr const char* correlation = "Mycelium-Correlation"; // decimal
inline constexpr const char* priority = "Mycelium-Priority";       // decimal
inline constexpr const char* trace = "traceparent";                // W3C trace context, version 00
inline constexpr const char* message_id = "Nats-Msg-Id";           // ORIGIN-PUBLISHER-SEQUENCE, of durable types
} // namespace header

constexpr std::uint32_t max_hops = 16;

// What headers say of a message.
struct carried {
  MyceliumEnvelope envelope{};
  std::optional<schema::digest> digest;
  std::string mesh;
  std::uint64_t node = 0; // 0: the headers name no origin; then sequence, publisher_id and timestamp_ns are not set
  std::uint32_t hops = 0;
};

// Where a header's value is asked for: nullptr if there is none. Valid until the next call.
class header_source {
public:
  virtual ~header_source() = default;
  virtual const char* value(const char* name) = 0;
};

// invalid_argument, which names the header. type_id is 0 where the headers tell no type.
result<carried> read_headers(header_source& from);

// Calls set(const char* name, const char* value) for each header of a message that has an origin.
template <class Set>
void write_headers(const carried& what, Set set);

std::string message_id_of(const carried& what);
std::string hex(std::uint64_t number); // 16 digits
std::string hex(std::span<const std::uint8_t> raw);
std::string traceparent_of(const MyceliumEnvelope& envelope);

template <class Set>
void write_headers(const carried& what, Set set) {
  const auto& e = what.envelope;
  const auto number = [&](const char* name, auto value) { set(name, std::to_string(value).c_str()); };
  number(header::type, e.type_id);
  if (what.digest)
    set(header::schema, hex(*what.digest).c_str());
  if (!what.mesh.empty())
    set(header::mesh, what.mesh.c_str());
  set(header::origin, hex(what.node).c_str());
  number(header::publisher, e.publisher_id);
  number(header::sequence, e.sequence);
  number(header::timestamp, e.timestamp_ns);
  number(header::hops, what.hops);
  if (e.destination == MYCELIUM_TO_KEY)
    number(header::key, e.destination_key);
  if (e.correlation_id != 0)
    number(header::correlation, e.correlation_id);
  if (e.priority != 0)
    number(header::priority, unsigned{e.priority});
  if (e.has_trace != 0)
    set(header::trace, traceparent_of(e).c_str());
}

} // namespace mycelium::nats
