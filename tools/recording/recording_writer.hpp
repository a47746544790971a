// Writes a recording of messages: MCAP with the profile "mycelium", whose conventions docs/recording.md tells.
#pragma once

#include "tools/recording/entry.hpp"
#include "tools/recording/envelopes.hpp"
#include "tools/recording/mcap_writer.hpp"
#include "tools/recording/type_catalogue.hpp"

#include <set>

namespace mycelium::recording {

inline constexpr std::string_view profile = "mycelium";
inline constexpr std::string_view flatbuffer_encoding = "flatbuffer";
inline constexpr std::string_view opaque_encoding = "application/octet-stream";

struct recording_options {
  std::size_t chunk_size = std::size_t{1} << 20U; // a chunk is written when its messages have this many bytes
  mcap::writer_options file{};
};

class recording_writer {
public:
  static result<recording_writer> create(const std::string& path, const recording_options& options);

  // How messages of a type are described, before the first of them. What is not described is recorded as opaque bytes.
  void describe(const described_type& type);
  // Adds a message. Its log_time is raised if it is not above that of the message before. May write a chunk; after a
  // failure only finish may be called.
  result<void> add(entry message);
  // Writes what was added and is not in the file yet.
  result<void> flush();
  bool has_unwritten() const noexcept { return chunk_.messages() > 0; }
  void note(mcap::metadata record) { file_.add(std::move(record)); }
  // Writes the rest and the end. After a failed add or flush it ends the file before what could not be written.
  result<void> finish();

  std::uint64_t messages() const noexcept { return messages_; } // in the file
  std::uint64_t types() const noexcept { return channels_.size(); }
  std::uint64_t size() const noexcept { return file_.size(); }
  const std::string& path() const noexcept { return file_.path(); }

private:
  recording_writer(mcap::writer file, std::size_t chunk_size) : file_(std::move(file)), chunk_size_(chunk_size) {}
  std::uint16_t channel_of(std::uint16_t type_id);
  std::uint16_t add_schema(const std::string& name, const std::vector<std::uint8_t>& bfbs);
  std::string topic_of(const mcap::channel& channel);
  void lead_with_envelopes();

  mcap::writer file_;
  std::size_t chunk_size_;
  mcap::chunk_builder chunk_;
  envelope_table envelopes_;
  std::map<std::uint16_t, described_type> described_;
  std::map<std::uint16_t, std::uint16_t> channels_; // by type_id
  std::set<std::string> topics_;
  std::uint16_t last_channel_ = 0; // also the number of the envelopes' channel, which is 1
  std::uint16_t last_schema_ = 0;
  std::uint64_t last_time_ = 0;
  std::uint64_t messages_ = 0;
};

} // namespace mycelium::recording
