#include "tools/recording/mcap_writer.hpp"

#include "tools/recording/records.hpp"

namespace mycelium::mcap {
namespace {

// One compressed block should not need more memory to read than this; larger chunks (of one huge message) stay as they
// are.
constexpr std::size_t most_to_compress = std::size_t{128} << 20U;

} // namespace

result<writer> writer::create(const std::string& path, const header& about, const writer_options& options) {
  auto file = output_file::create(path, options.overwrite);
  if (!file)
    return file.error();
  record_writer beginning;
  beginning.put(bytes(magic));
  mcap::write(beginning, about);
  const piece_part whole[] = {{beginning.content()}};
  if (auto written = file->append(whole); !written)
    return written.error();
  return writer(std::move(*file), options);
}

result<void> writer::write(const chunk_builder& chunk) {
  if (chunk.empty())
    return {};
  const auto front_crc = crc32(chunk.front());
  const auto crc = crc32(chunk.body(), front_crc);

  std::optional<std::vector<std::uint8_t>> packed;
  if (options_.compression != compression::none && chunk.size() <= most_to_compress) {
    std::vector<std::uint8_t> records(chunk.front().begin(), chunk.front().end());
    records.insert(records.end(), chunk.body().begin(), chunk.body().end());
    packed = compress(options_.compression, records);
  }
  chunk_header head{.start_time = chunk.start_time(),
                    .end_time = chunk.end_time(),
                    .uncompressed_size = chunk.size(),
                    .uncompressed_crc = crc,
                    .compression = std::string(packed ? name_of(options_.compression) : ""),
                    .compressed_size = packed ? packed->size() : chunk.size()};
  beginning_.clear();
  mcap::write(beginning_, head);

  chunk_index entry{.start_time = head.start_time,
                    .end_time = head.end_time,
                    .offset = file_.size(),
                    .length = beginning_.size() + head.compressed_size,
                    .message_index_offsets = {},
                    .message_index_length = 0,
                    .compression = head.compression,
                    .compressed_size = head.compressed_size,
                    .uncompressed_size = head.uncompressed_size};
  write_message_indexes(chunk, entry.offset + entry.length, entry);

  std::vector<piece_part> parts{{beginning_.content()}};
  if (packed) {
    parts.push_back({*packed});
  } else {
    parts.push_back({chunk.front()});
    parts.push_back({chunk.body()});
  }
  parts.push_back({message_indexes_.content()});
  if (auto written = file_.append(parts); !written)
    return written;
  remember(chunk, entry);
  return options_.sync ? file_.sync() : result<void>{};
}

void writer::write_message_indexes(const chunk_builder& chunk, std::uint64_t at, chunk_index& entry) {
  message_indexes_.clear();
  chunk.for_each_channel([&](std::uint16_t channel_id, const std::vector<chunk_builder::place>& places) {
    entry.message_index_offsets.emplace_back(channel_id, at + message_indexes_.size());
    const auto record = message_indexes_.open_record(opcode::message_index);
    message_indexes_.put(channel_id);
    const auto array = message_indexes_.open<std::uint32_t>();
    for (const auto& [log_time, offset] : places) {
      message_indexes_.put(log_time);
      message_indexes_.put(offset);
    }
    message_indexes_.close<std::uint32_t>(array);
    message_indexes_.close_record(record);
  });
  entry.message_index_length = message_indexes_.size();
}

void writer::remember(const chunk_builder& chunk, const chunk_index& entry) {
  chunk.for_each_channel([&](std::uint16_t channel_id, const std::vector<chunk_builder::place>& places) {
    statistics_.channel_message_counts[channel_id] += places.size();
  });
  if (chunk.messages() > 0) {
    const bool first = statistics_.message_count == 0;
    statistics_.start_time = first ? entry.start_time : std::min(statistics_.start_time, entry.start_time);
    statistics_.end_time = std::max(statistics_.end_time, entry.end_time);
  }
  statistics_.message_count += chunk.messages();
  ++statistics_.chunk_count;
  if (!index_dropped_)
    mcap::write(chunk_indexes_, entry);
  if (chunk_indexes_.size() > options_.index_limit) {
    index_dropped_ = true;
    chunk_indexes_ = {};
  }
}

void writer::write_summary(record_writer& out, std::uint64_t base, const record_writer& metadata_indexes) {
  const auto summary = out.size();
  record_writer offsets;
  const auto group = [&](opcode what, auto write_all) {
    const auto begin = out.size();
    write_all();
    if (out.size() == begin)
      return;
    const auto place = offsets.open_record(opcode::summary_offset);
    offsets.put(static_cast<std::uint8_t>(what));
    offsets.put(base + begin);
    offsets.put(std::uint64_t{out.size() - begin});
    offsets.close_record(place);
  };
  group(opcode::schema, [&] {
    for (const auto& each : schemas_)
      mcap::write(out, each);
  });
  group(opcode::channel, [&] {
    for (const auto& each : channels_)
      mcap::write(out, each);
  });
  group(opcode::chunk_index, [&] { out.put(chunk_indexes_.content()); });
  group(opcode::metadata_index, [&] { out.put(metadata_indexes.content()); });
  group(opcode::statistics, [&] { mcap::write(out, statistics_); });

  footer end{.summary_start = base + summary, .summary_offset_start = base + out.size(), .summary_crc = 0};
  out.put(offsets.content());
  const auto place = out.size();
  mcap::write(out, end);
  // The checksum is over the summary and the footer up to the checksum itself, which comes last.
  end.summary_crc = crc32(out.content().subspan(summary, out.size() - summary - sizeof end.summary_crc));
  out.truncate(place);
  mcap::write(out, end);
}

result<void> writer::finish() {
  record_writer out, metadata_indexes;
  for (const auto& each : metadata_) {
    const auto begin = out.size();
    mcap::write(out, each);
    const auto place = metadata_indexes.open_record(opcode::metadata_index);
    metadata_indexes.put(file_.size() + begin);
    metadata_indexes.put(std::uint64_t{out.size() - begin});
    metadata_indexes.put_text(each.name);
    metadata_indexes.close_record(place);
  }
  statistics_.schema_count = static_cast<std::uint16_t>(schemas_.size());
  statistics_.channel_count = static_cast<std::uint32_t>(channels_.size());
  statistics_.metadata_count = static_cast<std::uint32_t>(metadata_.size());

  const auto data_crc = crc32(out.content(), file_.crc());
  const auto place = out.open_record(opcode::data_end);
  out.put(data_crc);
  out.close_record(place);
  const auto data_end = out.size();
  write_summary(out, file_.size(), metadata_indexes);
  out.put(bytes(magic));

  const piece_part whole[] = {{out.content()}};
  auto written = file_.append(whole);
  if (!written) { // the summary, which only repeats, may be what does not fit; the failure is told all the same
    out.truncate(data_end);
    mcap::write(out, footer{.summary_start = 0, .summary_offset_start = 0, .summary_crc = 0});
    out.put(bytes(magic));
    const piece_part least[] = {{out.content()}};
    static_cast<void>(file_.append(least));
  }
  auto closed = file_.close();
  return written ? closed : written;
}

} // namespace mycelium::mcap
