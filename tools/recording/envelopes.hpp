// Envelopes as they stand in a recording (envelope.fbs): gathered for a chunk, and found again by log_time.
#pragma once

#include "schema/status.hpp"
#include "tools/recording/entry.hpp"

#include <memory>
#include <string_view>
#include <vector>

namespace mycelium::recording {

inline constexpr std::string_view envelope_topic = "mycelium/envelope";
inline constexpr std::string_view envelope_schema = "mycelium.recording.Envelopes";

// envelope.fbs, compiled by flatc.
std::span<const std::uint8_t> envelope_bfbs() noexcept;

// The envelopes of one chunk while it is written.
class envelope_table {
public:
  envelope_table();
  ~envelope_table();
  envelope_table(envelope_table&&) noexcept;
  envelope_table& operator=(envelope_table&&) noexcept;

  void add(const entry& message); // in the order of log_time
  void clear() noexcept;
  std::vector<std::uint8_t> encode() const;

private:
  struct rows;
  std::unique_ptr<rows> rows_;
};

// The envelopes of the last two tables that were read. Two, because a program that copies a recording may cut its
// chunks elsewhere: a table then may stand in the chunk before that of its last messages.
class envelope_lookup {
public:
  envelope_lookup();
  ~envelope_lookup();
  envelope_lookup(envelope_lookup&&) noexcept;
  envelope_lookup& operator=(envelope_lookup&&) noexcept;

  // invalid_payload if these are not the bytes of Envelopes; any bytes may be tried.
  result<void> add(std::span<const std::uint8_t> payload);
  // Completes a message whose log_time is set; false if its envelope is not known.
  bool complete(entry& message) const noexcept;

private:
  struct tables;
  std::unique_ptr<tables> tables_;
};

} // namespace mycelium::recording
