// Reads a recording message by message. Reads other MCAP files, too: their messages have no type_id and no envelope.
#pragma once

#include "tools/recording/entry.hpp"
#include "tools/recording/envelopes.hpp"
#include "tools/recording/message_cursor.hpp"
#include "tools/recording/type_catalogue.hpp"

namespace mycelium::recording {

struct recorded_channel {
  std::uint16_t channel_id = 0;
  std::uint16_t type_id = 0; // 0: not recorded by us
  std::string topic;         // of the MCAP channel: "examples/TextMessage"
  std::string name;          // of the type; "" if it is not known
  std::string group;         // the topic of the type on the bus: "examples"
  std::optional<schema::digest> digest;
  std::uint16_t schema_id = 0;
  bool is_envelope = false;
};

struct recorded_message {
  entry content;
  const recorded_channel* channel = nullptr; // as long as the reader
  bool has_envelope = false;                 // else publisher_id is 0 and sequence has its lower 32 bits only
};

class recording_reader {
public:
  static result<recording_reader> open(const std::string& path, const mcap::read_limits& limits = {});
  static result<recording_reader> open(std::shared_ptr<const mcap::byte_source> source,
                                       const mcap::read_limits& limits = {});

  const mcap::file_contents& contents() const noexcept { return file_->contents(); }
  const std::string& name() const noexcept { return file_->source().name(); }

  // From the first message again, or from the first with log_time >= from; up to log_time <= to.
  void rewind(std::uint64_t from = 0, std::uint64_t to = UINT64_MAX);
  // The next message, valid until the next call; nullopt at the end. After a failure the next call goes on behind what
  // is damaged.
  result<std::optional<recorded_message>> next();

  // Since the last rewind.
  std::uint64_t chunks_read() const noexcept { return cursor_.chunks_read(); }
  std::uint64_t tables_read() const noexcept { return tables_read_; } // of envelopes

  // The binary schema of a channel; empty if there is none.
  mcap::bytes schema_of(const recorded_channel& channel) const;

private:
  explicit recording_reader(std::unique_ptr<mcap::reader> file);
  const recorded_channel& channel(std::uint16_t channel_id);

  std::unique_ptr<mcap::reader> file_; // where cursors find it
  mcap::message_cursor cursor_;
  envelope_lookup envelopes_;
  std::map<std::uint16_t, recorded_channel> channels_;
  std::uint64_t from_ = 0;
  std::uint64_t to_ = UINT64_MAX;
  std::uint64_t tables_read_ = 0;
};

} // namespace mycelium::recording
