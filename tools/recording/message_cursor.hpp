// The messages of an MCAP file, in file order.
#pragma once

#include "tools/recording/mcap_reader.hpp"

namespace mycelium::mcap {

class message_cursor {
public:
  // Chunks without a log_time in [from, to] are skipped without being read; other messages are not filtered. The reader
  // has to outlive the cursor.
  explicit message_cursor(const reader& from_file, std::uint64_t from = 0, std::uint64_t to = UINT64_MAX);

  // The next message, whose data is valid until the next call; nullopt at the end. On a failure (a damaged chunk or
  // record) what is damaged is left out, and the next call goes on after it.
  result<std::optional<message>> next();

  // What was declared so far, or in the summary.
  const definitions& known() const noexcept { return known_; }
  std::uint64_t chunks_read() const noexcept { return chunks_read_; }
  // Grows with each chunk: messages with the same number come from the same one.
  std::uint64_t block() const noexcept { return block_; }

private:
  result<bool> load(); // false at the end
  result<bool> load_chunk(const reader::record_place& place);
  result<std::optional<message>> take(opcode what, bytes content);
  result<void> declare(opcode what, bytes content);
  failure bad_record(std::string_view what) const;

  const reader* reader_;
  std::uint64_t from_;
  std::uint64_t to_;
  definitions known_;
  std::size_t next_chunk_ = 0;    // with an index
  std::uint64_t next_record_ = 0; // without one
  std::vector<std::uint8_t> records_;
  bytes rest_; // of records_
  std::uint64_t block_ = 0;
  std::uint64_t block_place_ = 0; // offset of the chunk in the file
  std::uint64_t chunks_read_ = 0;
  std::uint64_t declared_bytes_ = 0;
};

} // namespace mycelium::mcap
