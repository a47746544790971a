// Each record of MCAP to bytes and from bytes. Writing appends a whole record, with its opcode and length; reading
// takes the content only and ignores what a later version may have added at its end.
#pragma once

#include "schema/status.hpp"
#include "tools/recording/record_bytes.hpp"

#include <optional>

namespace mycelium::mcap {

void write(record_writer& out, const header& record);
void write(record_writer& out, const footer& record);
void write(record_writer& out, const schema& record);
void write(record_writer& out, const channel& record);
void write(record_writer& out, const message& record);
void write(record_writer& out, const chunk_index& record);
void write(record_writer& out, const statistics& record);
void write(record_writer& out, const metadata& record);

// Everything of a chunk's record but the records in it, which have to follow.
void write(record_writer& out, const chunk_header& record);

// nullopt if bytes are missing.
std::optional<header> read_header(bytes content);
std::optional<footer> read_footer(bytes content);
std::optional<schema> read_schema(bytes content);
std::optional<channel> read_channel(bytes content);
std::optional<message> read_message(bytes content); // data points into content
std::optional<chunk_index> read_chunk_index(bytes content);
std::optional<statistics> read_statistics(bytes content);
std::optional<metadata> read_metadata(bytes content);

// The records of a chunk begin `size` bytes after the beginning of its content.
struct chunk_beginning {
  chunk_header header;
  std::size_t size = 0;
};
// nullopt if more than `content` is needed, too.
std::optional<chunk_beginning> read_chunk_header(bytes content);
// The most bytes that read_chunk_header needs for a compression whose name is not absurdly long.
inline constexpr std::size_t chunk_header_limit = 40 + 64;

} // namespace mycelium::mcap
