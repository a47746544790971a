#include "tools/recording/mcap_reader.hpp"

#include "tools/recording/compression.hpp"
#include "tools/recording/output_file.hpp"

namespace mycelium::mcap {
namespace {

failure damaged(std::uint64_t offset, std::string_view what) {
  return {status::invalid_payload, "byte " + std::to_string(offset) + ": " + std::string(what)};
}

// Headers of records that nobody needs more of than this are not read in full.
constexpr std::uint64_t header_limit = 1U << 20U;

} // namespace

result<reader> reader::open(std::shared_ptr<const byte_source> source, const read_limits& limits) {
  reader opened(std::move(source), limits);
  if (auto begun = opened.read_beginning(); !begun)
    return begun.error();
  if (auto ended = opened.read_end()) {
    opened.contents_.ended = opened.contents_.has_summary = true;
    opened.contents_.readable = opened.contents_.size;
  } else {
    opened.contents_.why_not_ended = ended.error().text;
    opened.contents_.declared = {};
    opened.contents_.chunks.clear();
    opened.contents_.statistics.reset();
    opened.contents_.notes.clear();
    opened.walk();
  }
  return opened;
}

result<reader::record_place> reader::record_at(std::uint64_t offset, std::uint64_t limit) const {
  if (offset > limit || limit - offset < record_header_size)
    return damaged(offset, "the file is cut in the header of a record");
  std::array<std::uint8_t, record_header_size> raw;
  if (auto read = source_->read(offset, raw); !read)
    return read.error();
  record_reader in(raw);
  record_place place{static_cast<opcode>(in.number<std::uint8_t>()), offset + record_header_size, 0};
  place.length = in.number<std::uint64_t>();
  if (place.length > limit - place.content)
    return damaged(offset, "a record of " + std::to_string(place.length) + " bytes has only " +
                               std::to_string(limit - place.content) + " left");
  return place;
}

result<std::vector<std::uint8_t>> reader::content_of(const record_place& place) const {
  std::vector<std::uint8_t> content(static_cast<std::size_t>(place.length));
  if (auto read = source_->read(place.content, content); !read)
    return read.error();
  return content;
}

result<void> reader::read_beginning() {
  contents_.size = source_->size();
  std::array<std::uint8_t, magic.size()> first{};
  const auto none = [&](std::string_view why) {
    return failure{status::invalid_argument, source_->name() + " is no MCAP recording: " + std::string(why)};
  };
  if (contents_.size < first.size())
    return none("it has only " + std::to_string(contents_.size) + " bytes");
  if (auto read = source_->read(0, first); !read)
    return read;
  if (first != magic)
    return none(std::equal(first.begin(), first.begin() + 5, magic.begin()) ? "its version is not known"
                                                                            : "it does not begin like one");
  const auto place = record_at(first.size(), contents_.size);
  if (!place)
    return none("its header is cut: " + place.error().text);
  if (place->what != opcode::header || place->length > header_limit)
    return none("there is no header");
  const auto content = content_of(*place);
  if (!content)
    return content.error();
  auto about = read_header(*content);
  if (!about)
    return none("its header is damaged");
  contents_.header = std::move(*about);
  data_begin_ = data_end_ = contents_.readable = place->end();
  return {};
}

result<void> reader::read_end() {
  constexpr std::uint64_t tail = footer_size + magic.size();
  if (contents_.size < data_begin_ + tail)
    return damaged(contents_.size, "there is no end");
  const auto footer_at = contents_.size - tail;
  std::array<std::uint8_t, tail> raw{};
  if (auto read = source_->read(footer_at, raw); !read)
    return read;
  record_reader in(raw);
  const auto what = static_cast<opcode>(in.number<std::uint8_t>());
  const auto length = in.number<std::uint64_t>();
  if (!std::equal(magic.begin(), magic.end(), raw.end() - magic.size()) || what != opcode::footer ||
      length != footer_size - record_header_size)
    return damaged(contents_.size, "there is no end: the recording was not closed, or is still going on");
  const auto end = read_footer(bytes(raw).subspan(record_header_size));
  ends_without_summary_ = end->summary_start == 0;
  if (ends_without_summary_)
    return damaged(footer_at, "the file ends without a summary");
  if (end->summary_start < data_begin_ || end->summary_start > footer_at)
    return damaged(footer_at, "the summary is said to be outside of the file");
  if (footer_at - end->summary_start > limits_.summary)
    return damaged(footer_at, "the summary is larger than allowed");
  std::vector<std::uint8_t> summary(static_cast<std::size_t>(footer_at - end->summary_start));
  if (auto read = source_->read(end->summary_start, summary); !read)
    return read;
  if (end->summary_crc != 0 &&
      crc32(bytes(raw).first(footer_size - sizeof end->summary_crc), crc32(summary)) != end->summary_crc)
    return damaged(end->summary_start, "the checksum of the summary is wrong");
  return read_summary(summary, end->summary_start);
}

result<void> reader::read_summary(bytes summary, std::uint64_t end_of_data) {
  record_reader in(summary);
  std::vector<std::uint64_t> note_offsets;
  while (in.left() > 0) {
    const auto at = end_of_data + (summary.size() - in.left());
    const auto what = static_cast<opcode>(in.number<std::uint8_t>());
    const auto content = in.take(in.number<std::uint64_t>());
    bool good = in.good();
    if (!good)
      return damaged(at, "a record of the summary is longer than the summary");
    if (what == opcode::schema) {
      auto record = read_schema(content);
      if ((good = record.has_value()))
        contents_.declared.schemas.insert_or_assign(record->id, std::move(*record));
    } else if (what == opcode::channel) {
      auto record = read_channel(content);
      if ((good = record.has_value()))
        contents_.declared.channels.insert_or_assign(record->id, std::move(*record));
    } else if (what == opcode::chunk_index) {
      auto record = read_chunk_index(content);
      good = record && record->offset >= data_begin_ && record->offset < end_of_data &&
             record->length >= record_header_size && record->length <= end_of_data - record->offset;
      if (good)
        contents_.chunks.push_back(std::move(*record));
    } else if (what == opcode::statistics) {
      contents_.statistics = read_statistics(content);
      good = contents_.statistics.has_value();
    } else if (what == opcode::metadata_index) {
      record_reader index(content);
      note_offsets.push_back(index.number<std::uint64_t>());
      good = index.good();
    }
    if (!good)
      return damaged(at, "a record of the summary is damaged");
  }
  std::ranges::sort(contents_.chunks, {}, &chunk_index::offset);
  data_end_ = end_of_data;
  return read_notes(note_offsets, end_of_data);
}

result<void> reader::read_notes(const std::vector<std::uint64_t>& offsets, std::uint64_t end_of_data) {
  for (const auto offset : offsets) {
    const auto place = record_at(offset, end_of_data);
    if (!place)
      return place.error();
    if (place->what != opcode::metadata || place->length > header_limit)
      return damaged(offset, "here should be metadata");
    const auto content = content_of(*place);
    if (!content)
      return content.error();
    auto note = read_metadata(*content);
    if (!note)
      return damaged(offset, "metadata is damaged");
    contents_.notes.push_back(std::move(*note));
  }
  return {};
}

// Finds the last whole record of the data section.
void reader::walk() {
  data_end_ = data_begin_;
  while (data_end_ < contents_.size) {
    const auto place = record_at(data_end_, contents_.size);
    if (!place) {
      contents_.why_not_ended = place.error().text;
      break;
    }
    const auto what = static_cast<std::uint8_t>(place->what);
    if (what == 0 || place->what == opcode::header || place->what == opcode::footer) {
      contents_.why_not_ended = damaged(data_end_, "here should be a record of data").text;
      break;
    }
    if (place->what == opcode::data_end) {
      // Nothing but a footer behind it: the writer had no room for a summary.
      if (place->end() + footer_size + magic.size() == contents_.size && ends_without_summary_) {
        contents_.ended = true;
        contents_.why_not_ended.clear();
        contents_.readable = contents_.size;
        return;
      }
      break;
    }
    if (place->what == opcode::metadata && place->length <= header_limit)
      if (const auto content = content_of(*place))
        if (auto note = read_metadata(*content))
          contents_.notes.push_back(std::move(*note));
    data_end_ = place->end();
  }
  contents_.readable = data_end_;
}

result<chunk_beginning> reader::beginning_of(const record_place& chunk) const {
  const auto size = std::min<std::uint64_t>(chunk.length, chunk_header_limit);
  const auto raw = content_of({chunk.what, chunk.content, size});
  if (!raw)
    return raw.error();
  auto beginning = read_chunk_header(*raw);
  if (!beginning || beginning->header.compressed_size != chunk.length - beginning->size)
    return damaged(chunk.content, "the header of a chunk is damaged");
  return std::move(*beginning);
}

result<std::vector<std::uint8_t>> reader::records_of(const record_place& chunk) const {
  const auto beginning = beginning_of(chunk);
  if (!beginning)
    return beginning.error();
  const auto& head = beginning->header;
  const auto method = compression_named(head.compression);
  if (!method)
    return failure{status::unsupported, damaged(chunk.content, "a chunk is compressed with '" + head.compression +
                                                                   "', which is not known; lz4 and zstd are")
                                            .text};
  auto records = content_of({chunk.what, chunk.content + beginning->size, head.compressed_size});
  if (!records)
    return records.error();
  if (*method != compression::none) {
    if (head.uncompressed_size > limits_.decompressed)
      return damaged(chunk.content, "a compressed chunk of " + std::to_string(head.uncompressed_size) +
                                        " bytes is larger than allowed");
    auto raw = decompress(*method, *records, static_cast<std::size_t>(head.uncompressed_size));
    if (!raw)
      return damaged(chunk.content, raw.error().text);
    records = std::move(raw);
  } else if (head.uncompressed_size != head.compressed_size) {
    return damaged(chunk.content, "the header of a chunk is damaged");
  }
  if (head.uncompressed_crc != 0 && crc32(*records) != head.uncompressed_crc)
    return damaged(chunk.content, "the checksum of a chunk is wrong");
  return records;
}

} // namespace mycelium::mcap
