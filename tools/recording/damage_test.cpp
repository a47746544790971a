// Files that were cut, changed or made by an enemy.
#include "tools/recording/recovery.hpp"
#include "tools/recording/samples.hpp"

#include <lz4frame.h>
#include <zstd.h>

namespace mycelium::mcap {
namespace {

using recording::recording_reader;
using recording::testing::content_of;
using recording::testing::everything;
using recording::testing::folder;
using recording::testing::message;
using recording::testing::payload;
using recording::testing::read_all;
using recording::testing::record;
using recording::testing::same;
using recording::testing::small;
using recording::testing::write_file;

std::vector<message> few_messages() {
  std::vector<message> messages;
  for (std::uint64_t i = 1; i <= 9; ++i)
    messages.push_back(small(i % 2 == 0 ? 60000 : 60001, i));
  messages[4].envelope.correlation_id = 77;
  return messages;
}

// Nine messages in chunks of about three.
payload small_file() {
  const folder here;
  record(here / "a.mcap", few_messages(), {.chunk_size = 150});
  return content_of(here / "a.mcap");
}

// The bytes have to outlive what is opened.
result<recording_reader> open(const payload& file, const read_limits& limits = {}) {
  return recording_reader::open(view_bytes(file, "the file"), limits);
}
result<recording_reader> open(payload&&, const read_limits& = {}) = delete;

// How many of the messages a file begins with; fails the test if it has anything else.
std::size_t expect_beginning(const everything& read, const std::vector<message>& messages) {
  EXPECT_LE(read.messages.size(), messages.size());
  for (std::size_t i = 0; i < std::min(read.messages.size(), messages.size()); ++i)
    EXPECT_TRUE(same(messages[i].with_payload(), read.messages[i].with_payload()));
  return read.messages.size();
}

TEST(damage, a_file_cut_at_any_byte_has_every_whole_chunk_before_the_cut) {
  const auto whole = small_file();
  const auto messages = few_messages();
  const auto opened = open(whole);
  ASSERT_TRUE(opened);
  const auto& chunks = opened->contents().chunks;
  ASSERT_GE(chunks.size(), 3U);
  const auto count_of = [&](std::size_t chunk) { // messages until the end of this chunk
    std::size_t count = 0;
    for (const auto& each : messages)
      count += each.envelope.log_time <= chunks[chunk].end_time ? 1 : 0;
    return count;
  };
  std::size_t header_end = 0;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const payload cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    auto read = open(cut);
    if (!read) {
      EXPECT_EQ(read.error().code, status::invalid_argument);
      ASSERT_EQ(header_end, 0U) << "opened at " << header_end << ", not at " << size;
      continue;
    }
    if (header_end == 0)
      header_end = size;
    std::size_t expected = 0;
    for (std::size_t i = 0; i < chunks.size(); ++i)
      if (chunks[i].offset + chunks[i].length <= size)
        expected = count_of(i);
    EXPECT_FALSE(read->contents().ended) << size;
    EXPECT_LE(read->contents().readable, size);
    const auto all = read_all(*read);
    EXPECT_TRUE(all.damage.empty()) << size << ": " << all.damage.front();
    EXPECT_EQ(expect_beginning(all, messages), expected) << size;
  }
  EXPECT_LE(header_end, 60U);
}

// One bit of each byte, all eight in turn: no message may come out changed or out of place, and what lacks is told.
TEST(damage, a_changed_byte_never_changes_a_message) {
  const auto whole = small_file();
  const auto messages = few_messages();
  std::size_t told = 0;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    auto changed = whole;
    changed[at] = static_cast<std::uint8_t>(changed[at] ^ (1U << (at % 8)));
    auto opened = open(changed);
    if (!opened) {
      ++told;
      continue;
    }
    const auto all = read_all(*opened);
    std::size_t next = 0;
    for (const auto& each : all.messages) {
      while (next < messages.size() && !same(messages[next].with_payload(), each.with_payload()))
        ++next;
      ASSERT_LT(next, messages.size()) << "byte " << at << " made a message";
      ++next;
    }
    const bool incomplete = all.messages.size() < messages.size();
    const bool complains = !all.damage.empty() || !opened->contents().ended;
    EXPECT_TRUE(!incomplete || complains) << "byte " << at << " took a message away silently";
    told += complains ? 1 : 0;
  }
  EXPECT_GT(told, whole.size() / 2);
}

TEST(damage, a_changed_chunk_is_found_by_its_checksum_and_the_others_are_read) {
  auto file = small_file();
  const auto opened = open(file);
  ASSERT_TRUE(opened);
  const auto second = opened->contents().chunks.at(1);
  file[second.offset + second.length - 1] ^= 0x40; // the last byte of its last payload
  auto damaged = open(file);
  ASSERT_TRUE(damaged);
  const auto all = read_all(*damaged);
  ASSERT_EQ(all.damage.size(), 1U);
  EXPECT_NE(all.damage.front().find("checksum of a chunk"), std::string::npos) << all.damage.front();
  const auto lost = static_cast<std::size_t>(std::ranges::count_if(few_messages(), [&](const message& each) {
    return each.envelope.log_time >= second.start_time && each.envelope.log_time <= second.end_time;
  }));
  EXPECT_GT(lost, 0U);
  EXPECT_EQ(all.messages.size(), few_messages().size() - lost);
}

TEST(damage, a_recovered_recording_has_what_could_be_read_and_an_end) {
  const folder here;
  const auto messages = recording::testing::every_golden_message();
  {
    auto writer = recording::testing::new_writer(here / "a.mcap", {.chunk_size = 3000});
    for (const auto& each : messages)
      ASSERT_TRUE(writer.add(each.with_payload()));
    ASSERT_TRUE(writer.flush());
  }
  std::vector<channel> channels; // of the whole file
  const auto source = open_file(here / "a.mcap");
  ASSERT_TRUE(source);
  const auto original_file = reader::open(*source);
  ASSERT_TRUE(original_file);
  message_cursor cursor(*original_file);
  for (auto found = cursor.next(); found && *found; found = cursor.next()) {
  }
  for (const auto& [id, channel] : cursor.known().channels)
    channels.push_back(channel);
  auto file = content_of(here / "a.mcap");
  file[file.size() / 2] ^= 1;
  write_file(here / "a.mcap", file);
  auto damaged = recording_reader::open(here / "a.mcap");
  ASSERT_TRUE(damaged);
  const auto readable = read_all(*damaged);
  ASSERT_GE(readable.damage.size(), 1U); // more where the changed chunk declares what later ones use
  ASSERT_LT(readable.messages.size(), messages.size());
  auto writer = recording::recording_writer::create(here / "b.mcap", {});
  ASSERT_TRUE(writer);
  const auto totals = recording::recover(*damaged, *writer);
  ASSERT_TRUE(totals);
  EXPECT_EQ(totals->messages, readable.messages.size());
  EXPECT_EQ(totals->damaged, readable.damage.size());
  auto recovered = recording_reader::open(here / "b.mcap");
  ASSERT_TRUE(recovered);
  EXPECT_TRUE(recovered->contents().ended);
  const auto all = read_all(*recovered);
  EXPECT_TRUE(all.damage.empty());
  ASSERT_EQ(all.messages.size(), readable.messages.size());
  for (std::size_t i = 0; i < all.messages.size(); ++i)
    EXPECT_TRUE(same(readable.messages[i].with_payload(), all.messages[i].with_payload()));
  // The same types with the same schemas under the same topics.
  for (const auto& [id, channel] : recovered->contents().declared.channels) {
    if (channel.topic == recording::envelope_topic)
      continue;
    const auto original = std::ranges::find(channels, channel.topic, &channel::topic);
    ASSERT_NE(original, channels.end()) << channel.topic;
    EXPECT_EQ(channel.metadata, original->metadata);
    EXPECT_NE(channel.schema_id, 0);
  }
  EXPECT_GT(recovered->contents().declared.channels.size(), 5U);
}

TEST(damage, a_changed_summary_is_found_and_the_data_read_without_it) {
  auto file = small_file();
  const auto opened = open(file);
  ASSERT_TRUE(opened);
  file[file.size() - footer_size - magic.size() - 5] ^= 1; // in the last summary offset
  auto damaged = open(file);
  ASSERT_TRUE(damaged);
  EXPECT_FALSE(damaged->contents().ended);
  EXPECT_EQ(expect_beginning(read_all(*damaged), few_messages()), few_messages().size());
}

// A file with one chunk of these records.
payload file_with_chunk(const std::string& compression, bytes records, std::uint64_t uncompressed_size,
                        std::uint32_t crc = 0) {
  record_writer out;
  out.put(bytes(magic));
  write(out, header{.profile = "", .library = "test"});
  write(out, chunk_header{.start_time = 0,
                          .end_time = 0,
                          .uncompressed_size = uncompressed_size,
                          .uncompressed_crc = crc,
                          .compression = compression,
                          .compressed_size = records.size()});
  out.put(records);
  const auto content = out.content();
  return {content.begin(), content.end()};
}

// What the only chunk of a file is complained of for.
std::string complaint(const payload& file, const read_limits& limits = {}) {
  auto opened = open(file, limits);
  if (!opened)
    return opened.error().text;
  const auto all = read_all(*opened);
  return all.damage.size() == 1 ? all.damage.front() : std::to_string(all.damage.size()) + " complaints";
}

TEST(damage, an_unknown_compression_is_named) {
  const payload records(10);
  EXPECT_NE(complaint(file_with_chunk("brotli", records, 10)).find("'brotli', which is not known"), std::string::npos);
}

TEST(damage, a_decompression_bomb_takes_no_more_memory_than_allowed) {
  const payload zeros(50'000'000);
  payload bomb(ZSTD_compressBound(zeros.size()));
  bomb.resize(ZSTD_compress(bomb.data(), bomb.size(), zeros.data(), zeros.size(), 1));
  ASSERT_LT(bomb.size(), 10'000U);
  const read_limits limits{.decompressed = 1'000'000};
  // An honest size is refused, a lie is found where the size is used up.
  EXPECT_NE(complaint(file_with_chunk("zstd", bomb, zeros.size()), limits).find("larger than allowed"),
            std::string::npos);
  EXPECT_NE(complaint(file_with_chunk("zstd", bomb, 1000), limits).find("cannot be decompressed"), std::string::npos);
  EXPECT_NE(complaint(file_with_chunk("zstd", bomb, UINT64_MAX)).find("larger than allowed"), std::string::npos);

  payload lz4_bomb(LZ4F_compressFrameBound(zeros.size(), nullptr));
  lz4_bomb.resize(LZ4F_compressFrame(lz4_bomb.data(), lz4_bomb.size(), zeros.data(), zeros.size(), nullptr));
  EXPECT_NE(complaint(file_with_chunk("lz4", lz4_bomb, 1000), limits).find("longer than its header"),
            std::string::npos);
  EXPECT_NE(complaint(file_with_chunk("lz4", lz4_bomb, zeros.size()), limits).find("larger than allowed"),
            std::string::npos);
}

TEST(damage, compressed_bytes_that_end_early_are_told) {
  const payload text(1000, 'x');
  for (const auto method : {compression::lz4, compression::zstd}) {
    auto packed = compress(method, text);
    ASSERT_TRUE(packed);
    const std::string name(name_of(method));
    EXPECT_NE(complaint(file_with_chunk(name, *packed, 1001)).find("shorter than its header"), std::string::npos);
    packed->resize(packed->size() - 3);
    EXPECT_NE(complaint(file_with_chunk(name, *packed, 1000)).find("cannot be decompressed"), std::string::npos);
  }
}

TEST(damage, lengths_that_lie_take_no_memory) {
  record_writer out;
  out.put(bytes(magic));
  write(out, header{});
  out.put(static_cast<std::uint8_t>(opcode::chunk));
  out.put(std::uint64_t{1} << 60U);
  const payload file(out.content().begin(), out.content().end());
  auto opened = open(file);
  ASSERT_TRUE(opened);
  EXPECT_NE(opened->contents().why_not_ended.find("has only 0 left"), std::string::npos);
  EXPECT_TRUE(read_all(*opened).messages.empty());
}

TEST(damage, schemas_without_end_are_refused) {
  record_writer records;
  for (std::uint16_t id = 1; id <= 100; ++id)
    write(records, schema{.id = id, .name = "s", .encoding = "flatbuffer", .data = payload(1000)});
  const auto file = file_with_chunk("", records.content(), records.size());
  auto opened = open(file, {.definitions = 50'000});
  ASSERT_TRUE(opened);
  EXPECT_GT(read_all(*opened).damage.size(), 40U);
}

TEST(damage, what_is_no_recording_is_said_not_to_be_one) {
  EXPECT_NE(complaint({}).find("it has only 0 bytes"), std::string::npos);
  EXPECT_NE(complaint(payload(100, 'x')).find("does not begin like one"), std::string::npos);
  auto newer = small_file();
  newer[5] = '1';
  EXPECT_NE(complaint(newer).find("version is not known"), std::string::npos);
}

} // namespace
} // namespace mycelium::mcap
