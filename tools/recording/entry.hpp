// One message of a recording: its payload and all of its envelope.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace mycelium::recording {

struct entry {
  std::uint16_t type_id = 0;
  std::uint8_t priority = 0;
  bool is_request = false; // the publisher waited for a reply
  bool has_trace = false;  // the three trace fields are set
  std::uint8_t trace_flags = 0;
  std::int32_t destination = 0; // MyceliumDestination
  std::uint64_t destination_key = 0;
  std::uint64_t correlation_id = 0;
  std::uint64_t sequence = 0;
  std::uint64_t publisher_id = 0;
  std::int64_t timestamp_ns = 0; // published, since 1970
  std::array<std::uint8_t, 16> trace_id{};
  std::array<std::uint8_t, 8> span_id{};
  // When it was recorded: strictly increasing through a recording, so that it names the message and keeps the order.
  std::uint64_t log_time = 0;
  std::span<const std::uint8_t> payload; // borrowed
};

} // namespace mycelium::recording
