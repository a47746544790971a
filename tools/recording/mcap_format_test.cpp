// The file as the format's page describes it, checked record by record and not through our own reader's eyes.
#include "tools/recording/samples.hpp"

#include <zlib.h>

namespace mycelium::mcap {
namespace {

using recording::testing::content_of;
using recording::testing::folder;
using recording::testing::record;
using recording::testing::small;

struct raw_record {
  std::uint8_t opcode;
  std::size_t offset; // of the opcode
  bytes content;
  std::size_t end() const { return offset + 9 + content.size(); }
};

std::uint64_t number(bytes from, std::size_t offset, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i)
    value |= std::uint64_t{from[offset + i]} << (8 * i);
  return value;
}

raw_record record_at(bytes file, std::size_t offset) {
  const auto length = number(file, offset + 1, 8);
  return {file[offset], offset, file.subspan(offset + 9, static_cast<std::size_t>(length))};
}

std::vector<raw_record> records_of(bytes file, std::size_t begin, std::size_t end) {
  std::vector<raw_record> all;
  while (begin < end) {
    all.push_back(record_at(file, begin));
    begin = all.back().end();
  }
  EXPECT_EQ(begin, end);
  return all;
}

std::uint32_t checksum(bytes content) {
  return static_cast<std::uint32_t>(::crc32_z(0, content.data(), content.size()));
}

class mcap_file : public ::testing::Test {
protected:
  void SetUp() override {
    std::vector<recording::testing::message> messages;
    for (std::uint64_t i = 1; i <= 20; ++i)
      messages.push_back(small(i % 3 == 0 ? 1002 : 1001, i));
    record(here_ / "a.mcap", messages, {.chunk_size = 400});
    file_ = content_of(here_ / "a.mcap");
    all_ = records_of(file_, 8, file_.size() - 8);
  }

  std::vector<raw_record> with(std::uint8_t opcode) const {
    std::vector<raw_record> found;
    std::ranges::copy_if(all_, std::back_inserter(found), [&](const raw_record& r) { return r.opcode == opcode; });
    return found;
  }

  folder here_;
  std::vector<std::uint8_t> file_;
  std::vector<raw_record> all_;
};

TEST_F(mcap_file, begins_and_ends_with_the_magic_bytes) {
  const std::array<std::uint8_t, 8> expected{0x89, 0x4d, 0x43, 0x41, 0x50, 0x30, 0x0d, 0x0a};
  EXPECT_TRUE(std::equal(expected.begin(), expected.end(), file_.begin()));
  EXPECT_TRUE(std::equal(expected.begin(), expected.end(), file_.end() - 8));
}

TEST_F(mcap_file, has_its_records_in_the_order_of_the_format) {
  std::string order;
  for (const auto& each : all_)
    if (order.empty() || order.back() != static_cast<char>('a' + each.opcode) || each.opcode == 6)
      order += static_cast<char>('a' + each.opcode);
  // Header; chunks, each with its indexes; data end; schemas, channels, chunk indexes, statistics; offsets; footer.
  std::string chunks;
  for (std::size_t i = 0; i < with(6).size(); ++i)
    chunks += "gh";
  EXPECT_GT(chunks.size(), 4U);
  EXPECT_EQ(order, "b" + chunks + "pdeiloc");
}

TEST_F(mcap_file, checksums_are_of_what_the_format_says) {
  for (const auto& chunk : with(6)) {
    const auto compression = number(chunk.content, 28, 4);
    ASSERT_EQ(compression, 0U);
    const auto size = number(chunk.content, 32, 8);
    const auto records = chunk.content.subspan(40);
    EXPECT_EQ(records.size(), size);
    EXPECT_EQ(number(chunk.content, 16, 8), size);
    EXPECT_EQ(number(chunk.content, 24, 4), checksum(records));
  }
  const auto data_end = with(15).front();
  EXPECT_EQ(number(data_end.content, 0, 4), checksum(bytes(file_).first(data_end.offset)));
  const auto footer = with(2).front();
  const auto summary = static_cast<std::size_t>(number(footer.content, 0, 8));
  EXPECT_EQ(summary, data_end.end());
  EXPECT_EQ(number(footer.content, 16, 4), checksum(bytes(file_).subspan(summary, footer.end() - 4 - summary)));
}

TEST_F(mcap_file, message_indexes_point_at_messages) {
  std::size_t indexed = 0, chunk_at = 0;
  for (const auto& each : all_) {
    if (each.opcode == 6)
      chunk_at = each.offset;
    if (each.opcode != 7)
      continue;
    const auto records = record_at(file_, chunk_at).content.subspan(40);
    const auto channel = number(each.content, 0, 2);
    ASSERT_EQ(number(each.content, 2, 4), each.content.size() - 6);
    for (std::size_t at = 6; at < each.content.size(); at += 16, ++indexed) {
      const auto found = record_at(records, static_cast<std::size_t>(number(each.content, at + 8, 8)));
      EXPECT_EQ(found.opcode, 5);
      EXPECT_EQ(number(found.content, 0, 2), channel);
      EXPECT_EQ(number(found.content, 6, 8), number(each.content, at, 8)); // log_time
    }
  }
  EXPECT_EQ(indexed, 20 + with(6).size()); // and one table of envelopes a chunk
}

TEST_F(mcap_file, chunk_indexes_point_at_chunks_and_their_message_indexes) {
  const auto chunks = with(6);
  const auto indexes = with(8);
  ASSERT_EQ(indexes.size(), chunks.size());
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    const auto index = read_chunk_index(indexes[i].content);
    ASSERT_TRUE(index);
    EXPECT_EQ(index->offset, chunks[i].offset);
    EXPECT_EQ(index->length, chunks[i].end() - chunks[i].offset);
    EXPECT_EQ(index->start_time, number(chunks[i].content, 0, 8));
    EXPECT_EQ(index->end_time, number(chunks[i].content, 8, 8));
    std::uint64_t length = 0;
    for (const auto& [channel, offset] : index->message_index_offsets) {
      const auto found = record_at(file_, static_cast<std::size_t>(offset));
      EXPECT_EQ(found.opcode, 7);
      EXPECT_EQ(number(found.content, 0, 2), channel);
      EXPECT_EQ(offset, chunks[i].end() + length);
      length += found.end() - found.offset;
    }
    EXPECT_EQ(index->message_index_length, length);
  }
}

TEST_F(mcap_file, summary_offsets_cover_the_summary) {
  auto at = static_cast<std::size_t>(number(with(2).front().content, 0, 8));
  for (const auto& each : with(14)) {
    const auto start = static_cast<std::size_t>(number(each.content, 1, 8));
    const auto length = static_cast<std::size_t>(number(each.content, 9, 8));
    EXPECT_EQ(start, at);
    for (const auto& in_group : records_of(file_, start, start + length))
      EXPECT_EQ(in_group.opcode, each.content[0]);
    at = start + length;
  }
  EXPECT_EQ(at, number(with(2).front().content, 8, 8));
}

TEST_F(mcap_file, statistics_count_what_is_there) {
  const auto told = read_statistics(with(11).front().content);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->message_count, 20 + with(6).size());
  EXPECT_EQ(told->chunk_count, with(6).size());
  EXPECT_EQ(told->schema_count, 3U);
  EXPECT_EQ(told->channel_count, 3U);
  EXPECT_EQ(told->start_time, 1'000'000'000U);
  EXPECT_EQ(told->end_time, 20'000'000'000U);
  EXPECT_EQ(told->channel_message_counts,
            (std::map<std::uint16_t, std::uint64_t>{{1, with(6).size()}, {2, 14}, {3, 6}}));
}

TEST(mcap_writer, without_memory_for_an_index_the_file_is_read_all_the_same) {
  const folder here;
  std::vector<recording::testing::message> messages;
  for (std::uint64_t i = 1; i <= 50; ++i)
    messages.push_back(small(1001, i));
  record(here / "a.mcap", messages, {.chunk_size = 1, .file = {.index_limit = 1000}});
  auto opened = recording::recording_reader::open(here / "a.mcap");
  ASSERT_TRUE(opened);
  EXPECT_TRUE(opened->contents().ended);
  EXPECT_TRUE(opened->contents().chunks.empty());
  EXPECT_EQ(recording::testing::read_all(*opened).messages.size(), 50U);
  opened->rewind(30'000'000'000, 31'000'000'000); // its chunks are found without an index, and the others not read
  ASSERT_TRUE(opened->next() && opened->next());
  const auto end = opened->next();
  ASSERT_TRUE(end);
  EXPECT_FALSE(*end);
  EXPECT_EQ(opened->chunks_read(), 2U);
}

} // namespace
} // namespace mycelium::mcap
