#include "tools/recording/message_cursor.hpp"

namespace mycelium::mcap {

message_cursor::message_cursor(const reader& from_file, std::uint64_t from, std::uint64_t to)
    : reader_(&from_file), from_(from), to_(to), known_(from_file.contents().declared),
      next_record_(from_file.data_begin()) {}

result<std::optional<message>> message_cursor::next() {
  for (;;) {
    while (!rest_.empty()) {
      record_reader in(rest_);
      const auto what = static_cast<opcode>(in.number<std::uint8_t>());
      const auto content = in.take(in.number<std::uint64_t>());
      if (!in.good()) {
        rest_ = {};
        return bad_record("a record is longer than its chunk");
      }
      rest_ = rest_.last(in.left());
      auto found = take(what, content);
      if (!found || *found)
        return found;
    }
    const auto loaded = load();
    if (!loaded)
      return loaded.error();
    if (!*loaded)
      return std::optional<message>{};
  }
}

failure message_cursor::bad_record(std::string_view what) const {
  return {status::invalid_payload, "byte " + std::to_string(block_place_) + ": " + std::string(what)};
}

result<void> message_cursor::declare(opcode what, bytes content) {
  // Chunks may repeat what is known; what is new is bounded, since it is kept.
  if (declared_bytes_ + content.size() > reader_->limits().definitions)
    return bad_record("there are more schemas and channels than allowed");
  if (what == opcode::schema) {
    auto record = read_schema(content);
    if (!record)
      return bad_record("a schema is damaged");
    if (record->id != 0 && known_.schemas.try_emplace(record->id, std::move(*record)).second)
      declared_bytes_ += content.size();
  } else {
    auto record = read_channel(content);
    if (!record)
      return bad_record("a channel is damaged");
    if (known_.channels.try_emplace(record->id, std::move(*record)).second)
      declared_bytes_ += content.size();
  }
  return {};
}

result<std::optional<message>> message_cursor::take(opcode what, bytes content) {
  if (what == opcode::schema || what == opcode::channel) {
    if (auto declared = declare(what, content); !declared)
      return declared.error();
  } else if (what == opcode::message) {
    const auto record = read_message(content);
    if (!record)
      return bad_record("a message is damaged");
    if (!known_.channels.contains(record->channel_id))
      return bad_record("a message is on channel " + std::to_string(record->channel_id) + ", which is not declared");
    return record;
  }
  return std::optional<message>{};
}

result<bool> message_cursor::load() {
  const auto& chunks = reader_->contents().chunks;
  if (!chunks.empty()) {
    while (next_chunk_ < chunks.size()) {
      const auto& entry = chunks[next_chunk_++];
      if (entry.end_time < from_ || entry.start_time > to_)
        continue;
      const auto place = reader_->record_at(entry.offset, reader_->data_end());
      if (!place)
        return place.error();
      block_place_ = entry.offset;
      if (place->what != opcode::chunk || place->length + record_header_size != entry.length)
        return bad_record("here should be a chunk");
      return load_chunk(*place);
    }
    return false;
  }
  while (next_record_ < reader_->data_end()) {
    block_place_ = next_record_;
    const auto place = reader_->record_at(next_record_, reader_->data_end());
    if (!place) {
      next_record_ = reader_->data_end();
      return place.error();
    }
    next_record_ = place->end();
    if (place->what == opcode::data_end)
      break;
    if (place->what == opcode::chunk) {
      const auto beginning = reader_->beginning_of(*place);
      if (!beginning)
        return beginning.error();
      // What a skipped chunk declares is needed nevertheless, unless a summary has told it.
      const bool told = reader_->contents().has_summary;
      if (told && (beginning->header.end_time < from_ || beginning->header.start_time > to_))
        continue;
      return load_chunk(*place);
    }
    if (place->what == opcode::schema || place->what == opcode::channel || place->what == opcode::message) {
      auto record = reader_->content_of({place->what, block_place_, place->end() - block_place_});
      if (!record)
        return record.error();
      records_ = std::move(*record);
      rest_ = records_;
      ++block_;
      return true;
    }
  }
  next_record_ = reader_->data_end();
  return false;
}

result<bool> message_cursor::load_chunk(const reader::record_place& place) {
  auto records = reader_->records_of(place);
  if (!records)
    return records.error();
  records_ = std::move(*records);
  rest_ = records_;
  ++block_;
  ++chunks_read_;
  return true;
}

} // namespace mycelium::mcap
