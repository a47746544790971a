// Reads MCAP files of any origin, also those without an end and hostile ones: everything is checked against the bounds
// of the file, and no more memory is taken than the file has bytes, but for compressed chunks, which have a limit.
#pragma once

#include "tools/recording/byte_source.hpp"
#include "tools/recording/records.hpp"

#include <functional>
#include <memory>

namespace mycelium::mcap {

struct read_limits {
  std::uint64_t decompressed = std::uint64_t{256} << 20U; // bytes of one compressed chunk
  std::uint64_t summary = std::uint64_t{256} << 20U;      // a larger one is not used
  std::uint64_t definitions = std::uint64_t{64} << 20U;   // bytes of schemas and channels that chunks declare
};

// Schemas and channels by id.
struct definitions {
  std::map<std::uint16_t, schema> schemas;
  std::map<std::uint16_t, channel> channels;
};

struct file_contents {
  mcap::header header;
  bool ended = false;         // the file has a footer, and its summary, if it has one, is whole
  bool has_summary = false;   // what it has is known without reading all of it
  std::string why_not_ended;  // else: what is wrong
  std::uint64_t size = 0;     // of the file
  std::uint64_t readable = 0; // bytes from its beginning that are whole records
  // From the summary; a file without one tells them as it is read.
  definitions declared;
  std::vector<chunk_index> chunks; // in file order
  std::optional<mcap::statistics> statistics;
  // Of the data section; metadata of an ended file, or found while its end was looked for.
  std::vector<metadata> notes;
};

class reader {
public:
  // invalid_argument if this is no MCAP file of a version that is known. A file that merely lacks its end is opened.
  static result<reader> open(std::shared_ptr<const byte_source> source, const read_limits& limits = {});

  const file_contents& contents() const noexcept { return contents_; }
  const byte_source& source() const noexcept { return *source_; }
  const read_limits& limits() const noexcept { return limits_; }
  std::uint64_t data_begin() const noexcept { return data_begin_; }
  std::uint64_t data_end() const noexcept { return data_end_; }

  struct record_place {
    opcode what{};
    std::uint64_t content = 0; // offset in the file
    std::uint64_t length = 0;
    std::uint64_t end() const noexcept { return content + length; }
  };
  // The record at `offset`; invalid_payload if it does not end before `limit`.
  result<record_place> record_at(std::uint64_t offset, std::uint64_t limit) const;
  result<std::vector<std::uint8_t>> content_of(const record_place& place) const;
  // The beginning of a chunk's record.
  result<chunk_beginning> beginning_of(const record_place& chunk) const;
  // The records of a chunk, decompressed and checked. invalid_payload, also if the checksum is wrong; unsupported for a
  // compression that is not known.
  result<std::vector<std::uint8_t>> records_of(const record_place& chunk) const;

private:
  reader(std::shared_ptr<const byte_source> source, const read_limits& limits)
      : source_(std::move(source)), limits_(limits) {}
  result<void> read_beginning();
  result<void> read_end();
  result<void> read_summary(bytes summary, std::uint64_t end_of_data);
  result<void> read_notes(const std::vector<std::uint64_t>& offsets, std::uint64_t end_of_data);
  void walk();

  std::shared_ptr<const byte_source> source_;
  read_limits limits_;
  file_contents contents_;
  std::uint64_t data_begin_ = 0;
  bool ends_without_summary_ = false;
  std::uint64_t data_end_ = 0;
};

} // namespace mycelium::mcap
