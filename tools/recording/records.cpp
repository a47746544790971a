#include "tools/recording/records.hpp"

namespace mycelium::mcap {
namespace {

// The value if all of it was there.
template <class T>
std::optional<T> checked(const record_reader& in, T&& value) {
  if (!in.good())
    return std::nullopt;
  return std::forward<T>(value);
}

} // namespace

void write(record_writer& out, const header& record) {
  const auto place = out.open_record(opcode::header);
  out.put_text(record.profile);
  out.put_text(record.library);
  out.close_record(place);
}

void write(record_writer& out, const footer& record) {
  const auto place = out.open_record(opcode::footer);
  out.put(record.summary_start);
  out.put(record.summary_offset_start);
  out.put(record.summary_crc);
  out.close_record(place);
}

void write(record_writer& out, const schema& record) {
  const auto place = out.open_record(opcode::schema);
  out.put(record.id);
  out.put_text(record.name);
  out.put_text(record.encoding);
  out.put(static_cast<std::uint32_t>(record.data.size()));
  out.put(bytes(record.data));
  out.close_record(place);
}

void write(record_writer& out, const channel& record) {
  const auto place = out.open_record(opcode::channel);
  out.put(record.id);
  out.put(record.schema_id);
  out.put_text(record.topic);
  out.put_text(record.message_encoding);
  out.put_map(record.metadata);
  out.close_record(place);
}

void write(record_writer& out, const message& record) {
  const auto place = out.open_record(opcode::message);
  out.put(record.channel_id);
  out.put(record.sequence);
  out.put(record.log_time);
  out.put(record.publish_time);
  out.put(record.data);
  out.close_record(place);
}

void write(record_writer& out, const chunk_header& record) {
  out.put(static_cast<std::uint8_t>(opcode::chunk));
  out.put(std::uint64_t{8 + 8 + 8 + 4 + 4 + 8} + record.compression.size() + record.compressed_size);
  out.put(record.start_time);
  out.put(record.end_time);
  out.put(record.uncompressed_size);
  out.put(record.uncompressed_crc);
  out.put_text(record.compression);
  out.put(record.compressed_size);
}

void write(record_writer& out, const chunk_index& record) {
  const auto place = out.open_record(opcode::chunk_index);
  out.put(record.start_time);
  out.put(record.end_time);
  out.put(record.offset);
  out.put(record.length);
  const auto offsets = out.open<std::uint32_t>();
  for (const auto& [channel_id, offset] : record.message_index_offsets) {
    out.put(channel_id);
    out.put(offset);
  }
  out.close<std::uint32_t>(offsets);
  out.put(record.message_index_length);
  out.put_text(record.compression);
  out.put(record.compressed_size);
  out.put(record.uncompressed_size);
  out.close_record(place);
}

void write(record_writer& out, const statistics& record) {
  const auto place = out.open_record(opcode::statistics);
  out.put(record.message_count);
  out.put(record.schema_count);
  out.put(record.channel_count);
  out.put(record.attachment_count);
  out.put(record.metadata_count);
  out.put(record.chunk_count);
  out.put(record.start_time);
  out.put(record.end_time);
  const auto counts = out.open<std::uint32_t>();
  for (const auto& [channel_id, count] : record.channel_message_counts) {
    out.put(channel_id);
    out.put(count);
  }
  out.close<std::uint32_t>(counts);
  out.close_record(place);
}

void write(record_writer& out, const metadata& record) {
  const auto place = out.open_record(opcode::metadata);
  out.put_text(record.name);
  out.put_map(record.values);
  out.close_record(place);
}

std::optional<header> read_header(bytes content) {
  record_reader in(content);
  header record;
  record.profile = in.text();
  record.library = in.text();
  return checked(in, std::move(record));
}

std::optional<footer> read_footer(bytes content) {
  record_reader in(content);
  footer record;
  record.summary_start = in.number<std::uint64_t>();
  record.summary_offset_start = in.number<std::uint64_t>();
  record.summary_crc = in.number<std::uint32_t>();
  return checked(in, std::move(record));
}

std::optional<schema> read_schema(bytes content) {
  record_reader in(content);
  schema record;
  record.id = in.number<std::uint16_t>();
  record.name = in.text();
  record.encoding = in.text();
  const auto data = in.sized();
  record.data.assign(data.begin(), data.end());
  return checked(in, std::move(record));
}

std::optional<channel> read_channel(bytes content) {
  record_reader in(content);
  channel record;
  record.id = in.number<std::uint16_t>();
  record.schema_id = in.number<std::uint16_t>();
  record.topic = in.text();
  record.message_encoding = in.text();
  record.metadata = in.map();
  return checked(in, std::move(record));
}

std::optional<message> read_message(bytes content) {
  record_reader in(content);
  message record;
  record.channel_id = in.number<std::uint16_t>();
  record.sequence = in.number<std::uint32_t>();
  record.log_time = in.number<std::uint64_t>();
  record.publish_time = in.number<std::uint64_t>();
  record.data = in.take(in.left());
  return checked(in, std::move(record));
}

std::optional<chunk_beginning> read_chunk_header(bytes content) {
  record_reader in(content);
  chunk_beginning beginning;
  auto& record = beginning.header;
  record.start_time = in.number<std::uint64_t>();
  record.end_time = in.number<std::uint64_t>();
  record.uncompressed_size = in.number<std::uint64_t>();
  record.uncompressed_crc = in.number<std::uint32_t>();
  record.compression = in.text();
  record.compressed_size = in.number<std::uint64_t>();
  beginning.size = content.size() - in.left();
  return checked(in, std::move(beginning));
}

std::optional<chunk_index> read_chunk_index(bytes content) {
  record_reader in(content);
  chunk_index record;
  record.start_time = in.number<std::uint64_t>();
  record.end_time = in.number<std::uint64_t>();
  record.offset = in.number<std::uint64_t>();
  record.length = in.number<std::uint64_t>();
  record_reader offsets(in.sized());
  while (offsets.left() > 0 && offsets.good()) {
    const auto channel_id = offsets.number<std::uint16_t>();
    record.message_index_offsets.emplace_back(channel_id, offsets.number<std::uint64_t>());
  }
  record.message_index_length = in.number<std::uint64_t>();
  record.compression = in.text();
  record.compressed_size = in.number<std::uint64_t>();
  record.uncompressed_size = in.number<std::uint64_t>();
  if (!offsets.good())
    return std::nullopt;
  return checked(in, std::move(record));
}

std::optional<statistics> read_statistics(bytes content) {
  record_reader in(content);
  statistics record;
  record.message_count = in.number<std::uint64_t>();
  record.schema_count = in.number<std::uint16_t>();
  record.channel_count = in.number<std::uint32_t>();
  record.attachment_count = in.number<std::uint32_t>();
  record.metadata_count = in.number<std::uint32_t>();
  record.chunk_count = in.number<std::uint32_t>();
  record.start_time = in.number<std::uint64_t>();
  record.end_time = in.number<std::uint64_t>();
  record_reader counts(in.sized());
  while (counts.left() > 0 && counts.good()) {
    const auto channel_id = counts.number<std::uint16_t>();
    record.channel_message_counts[channel_id] = counts.number<std::uint64_t>();
  }
  if (!counts.good())
    return std::nullopt;
  return checked(in, std::move(record));
}

std::optional<metadata> read_metadata(bytes content) {
  record_reader in(content);
  metadata record;
  record.name = in.text();
  record.values = in.map();
  return checked(in, std::move(record));
}

} // namespace mycelium::mcap
