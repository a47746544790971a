// The MCAP container format, version 0 of https://mcap.dev/spec: its records as structs. docs/recording.md says how
// Mycelium uses them. Everything in tools/recording is for one thread at a time.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace mycelium::mcap {

using bytes = std::span<const std::uint8_t>;
using text_map = std::map<std::string, std::string>;

inline constexpr std::array<std::uint8_t, 8> magic{0x89, 'M', 'C', 'A', 'P', '0', '\r', '\n'};
inline constexpr std::size_t record_header_size = 9; // opcode and length
inline constexpr std::size_t footer_size = record_header_size + 20;

enum class opcode : std::uint8_t {
  header = 0x01,
  footer = 0x02,
  schema = 0x03,
  channel = 0x04,
  message = 0x05,
  chunk = 0x06,
  message_index = 0x07,
  chunk_index = 0x08,
  attachment = 0x09,
  attachment_index = 0x0a,
  statistics = 0x0b,
  metadata = 0x0c,
  metadata_index = 0x0d,
  summary_offset = 0x0e,
  data_end = 0x0f,
};

struct header {
  std::string profile;
  std::string library;
};

struct footer {
  std::uint64_t summary_start = 0; // 0: there is no summary
  std::uint64_t summary_offset_start = 0;
  std::uint32_t summary_crc = 0; // 0: unknown
};

struct schema {
  std::uint16_t id = 0; // 0 means "no schema" and cannot be declared
  std::string name;
  std::string encoding;
  std::vector<std::uint8_t> data;
};

struct channel {
  std::uint16_t id = 0;
  std::uint16_t schema_id = 0;
  std::string topic;
  std::string message_encoding;
  text_map metadata;
};

// Times are nanoseconds since 1970.
struct message {
  std::uint16_t channel_id = 0;
  std::uint32_t sequence = 0;
  std::uint64_t log_time = 0;
  std::uint64_t publish_time = 0;
  bytes data; // borrowed
};

// What stands before the records of a chunk.
struct chunk_header {
  std::uint64_t start_time = 0; // of the messages in it, by log_time; 0 if there are none
  std::uint64_t end_time = 0;
  std::uint64_t uncompressed_size = 0;
  std::uint32_t uncompressed_crc = 0; // 0: unknown
  std::string compression;
  std::uint64_t compressed_size = 0;
};

struct chunk_index {
  std::uint64_t start_time = 0;
  std::uint64_t end_time = 0;
  std::uint64_t offset = 0; // of the chunk's record in the file
  std::uint64_t length = 0; // of the whole record
  std::vector<std::pair<std::uint16_t, std::uint64_t>> message_index_offsets;
  std::uint64_t message_index_length = 0;
  std::string compression;
  std::uint64_t compressed_size = 0;
  std::uint64_t uncompressed_size = 0;
};

struct statistics {
  std::uint64_t message_count = 0;
  std::uint16_t schema_count = 0;
  std::uint32_t channel_count = 0;
  std::uint32_t attachment_count = 0;
  std::uint32_t metadata_count = 0;
  std::uint32_t chunk_count = 0;
  std::uint64_t start_time = 0;
  std::uint64_t end_time = 0;
  std::map<std::uint16_t, std::uint64_t> channel_message_counts;
};

struct metadata {
  std::string name;
  text_map values;
};

} // namespace mycelium::mcap
