// Writes an MCAP file: a header, chunks with their message indexes, metadata, and at the end the summary. What has been
// written is readable at any time, also without an end.
#pragma once

#include "tools/recording/chunk_builder.hpp"
#include "tools/recording/compression.hpp"
#include "tools/recording/output_file.hpp"

namespace mycelium::mcap {

struct writer_options {
  mcap::compression compression = mcap::compression::none;
  bool overwrite = false;
  bool sync = false; // each chunk to the disk
  // Bytes of memory for the index of chunks; beyond that the file ends without one, and readers go through all of it.
  std::size_t index_limit = std::size_t{64} << 20U;
};

class writer {
public:
  static result<writer> create(const std::string& path, const header& about, const writer_options& options);

  // For the summary. What chunks contain has to be declared here, too.
  void declare(const schema& record) { schemas_.push_back(record); }
  void declare(const channel& record) { channels_.push_back(record); }

  // Writes a chunk and its indexes; nothing if it is empty. After a failure the file is as it was before.
  result<void> write(const chunk_builder& chunk);
  // To be written by finish, after the chunks.
  void add(metadata record) { metadata_.push_back(std::move(record)); }
  // Writes the end, syncs and closes. May be called after a failed write: then the file ends before that, as long as
  // there is room for its end. No other call may follow.
  result<void> finish();

  const std::string& path() const noexcept { return file_.path(); }
  std::uint64_t size() const noexcept { return file_.size(); }
  const mcap::statistics& statistics() const noexcept { return statistics_; }

private:
  writer(output_file file, const writer_options& options) : file_(std::move(file)), options_(options) {}
  void write_message_indexes(const chunk_builder& chunk, std::uint64_t at, chunk_index& entry);
  void remember(const chunk_builder& chunk, const chunk_index& entry);
  void write_summary(record_writer& out, std::uint64_t base, const record_writer& metadata_indexes);

  output_file file_;
  writer_options options_;
  std::vector<schema> schemas_;
  std::vector<channel> channels_;
  std::vector<metadata> metadata_;
  record_writer chunk_indexes_; // as they will stand in the summary
  bool index_dropped_ = false;
  mcap::statistics statistics_;
  record_writer beginning_; // of the chunk being written
  record_writer message_indexes_;
};

} // namespace mycelium::mcap
