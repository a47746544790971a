// What goes into a recording comes out of it.
#include "tools/recording/description.hpp"
#include "tools/recording/samples.hpp"

namespace mycelium::recording {
namespace {

using namespace testing;

recording_options with(mcap::compression method, std::size_t chunk_size) {
  recording_options options;
  options.chunk_size = chunk_size;
  options.file.compression = method;
  return options;
}

void expect_same(const std::vector<message>& expected, const everything& actual) {
  EXPECT_EQ(actual.damage, std::vector<std::string>{});
  ASSERT_EQ(actual.messages.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_TRUE(same(expected[i].with_payload(), actual.messages[i].with_payload())) << "message " << i;
}

class every_compression : public ::testing::TestWithParam<mcap::compression> {};
INSTANTIATE_TEST_SUITE_P(of, every_compression,
                         ::testing::Values(mcap::compression::none, mcap::compression::lz4, mcap::compression::zstd),
                         [](const auto& tested) {
                           const auto name = mcap::name_of(tested.param);
                           return std::string(name.empty() ? "none" : name);
                         });

TEST_P(every_compression, every_type_comes_back_with_every_field_of_its_envelope) {
  const folder here;
  const auto messages = every_golden_message();
  ASSERT_GT(messages.size(), 30U);
  for (const std::size_t chunk_size : {1U, 5000U, 1U << 20U}) {
    record(here / "a.mcap", messages, [&] {
      auto options = with(GetParam(), chunk_size);
      options.file.overwrite = true;
      return options;
    }());
    expect_same(messages, read_all(here / "a.mcap"));
  }
}

TEST_P(every_compression, a_file_without_its_end_has_all_the_same) {
  const folder here;
  const auto messages = every_golden_message();
  {
    auto writer = new_writer(here / "a.mcap", with(GetParam(), 3000));
    for (const auto& each : messages)
      ASSERT_TRUE(writer.add(each.with_payload()));
    ASSERT_TRUE(writer.flush());
    // No finish: as if the process had died.
  }
  auto opened = recording_reader::open(here / "a.mcap");
  ASSERT_TRUE(opened);
  EXPECT_FALSE(opened->contents().ended);
  EXPECT_NE(opened->contents().why_not_ended, "");
  EXPECT_EQ(opened->contents().readable, opened->contents().size);
  expect_same(messages, read_all(*opened));
}

TEST(recording, an_empty_one_is_a_recording) {
  const folder here;
  record(here / "a.mcap", {});
  auto opened = recording_reader::open(here / "a.mcap");
  ASSERT_TRUE(opened);
  EXPECT_TRUE(opened->contents().ended);
  EXPECT_EQ(opened->contents().header.profile, "mycelium");
  EXPECT_TRUE(read_all(*opened).messages.empty());
}

TEST(recording, an_empty_payload_comes_back_empty) {
  const folder here;
  auto empty = small(1001, 1);
  empty.content.clear();
  record(here / "a.mcap", {empty});
  expect_same({empty}, read_all(here / "a.mcap"));
}

TEST(recording, log_times_strictly_increase_whatever_the_clock_does) {
  const folder here;
  std::vector<message> messages;
  for (const std::uint64_t time : {100U, 100U, 50U, 101U, 200U})
    messages.push_back(small(1001, time));
  record(here / "a.mcap", messages);
  const auto read = read_all(here / "a.mcap");
  std::vector<std::uint64_t> times;
  for (const auto& each : read.messages)
    times.push_back(each.envelope.log_time);
  EXPECT_EQ(times, (std::vector<std::uint64_t>{100'000'000'000, 100'000'000'001, 100'000'000'002, 101'000'000'000,
                                               200'000'000'000}));
  EXPECT_EQ(read.without_envelope, 0U);
}

TEST(recording, a_range_of_time_reads_the_chunks_that_it_needs) {
  const folder here;
  std::vector<message> messages;
  for (std::uint64_t i = 1; i <= 100; ++i)
    messages.push_back(small(1001, i));
  record(here / "a.mcap", messages, with(mcap::compression::none, 1)); // a chunk each
  auto opened = recording_reader::open(here / "a.mcap");
  ASSERT_TRUE(opened);
  opened->rewind(40'000'000'000, 42'000'000'000);
  for (std::uint64_t i = 40; i <= 42; ++i) {
    const auto found = opened->next();
    ASSERT_TRUE(found && *found);
    EXPECT_TRUE(same(messages[i - 1].with_payload(), (*found)->content));
  }
  const auto end = opened->next();
  ASSERT_TRUE(end);
  EXPECT_FALSE(*end);
  EXPECT_EQ(opened->chunks_read(), 3U);
}

TEST(recording, schemas_in_it_are_those_of_its_types) {
  const folder here;
  const auto messages = every_golden_message();
  record(here / "a.mcap", messages);
  auto opened = recording_reader::open(here / "a.mcap");
  ASSERT_TRUE(opened);
  for (;;) {
    const auto found = opened->next();
    ASSERT_TRUE(found);
    if (!*found)
      break;
    const auto& channel = *(*found)->channel;
    const auto set = schema::schema_set::load(opened->schema_of(channel));
    ASSERT_TRUE(set);
    const auto* type = (*set)->find(channel.type_id);
    ASSERT_NE(type, nullptr);
    EXPECT_EQ(type->name, channel.name);
    EXPECT_EQ(type->type_digest, channel.digest);
    EXPECT_TRUE((*set)->verify(channel.type_id, (*found)->content.payload, schema::verify_level::full));
    EXPECT_EQ(channel.topic, type->topic + "/" + type->name.substr(type->name.rfind('.') + 1));
  }
}

TEST(recording, a_type_without_a_schema_is_opaque_bytes) {
  const folder here;
  record(here / "a.mcap", {small(60000, 1)});
  auto opened = recording_reader::open(here / "a.mcap");
  ASSERT_TRUE(opened);
  const auto found = opened->next();
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->channel->topic, "type/60000");
  EXPECT_TRUE(opened->schema_of(*(*found)->channel).empty());
  EXPECT_EQ(opened->contents().declared.channels.at(2).message_encoding, "application/octet-stream");
}

TEST(recording, two_types_with_one_short_name_have_two_topics) {
  const folder here;
  auto writer = new_writer(here / "a.mcap");
  writer.describe({{50001, "left.Apple", "fruit", {}}, nullptr});
  writer.describe({{50002, "right.Apple", "fruit", {}}, nullptr});
  ASSERT_TRUE(writer.add(small(50001, 1).with_payload()));
  ASSERT_TRUE(writer.add(small(50002, 2).with_payload()));
  ASSERT_TRUE(writer.finish());
  auto opened = recording_reader::open(here / "a.mcap");
  ASSERT_TRUE(opened);
  const auto& channels = opened->contents().declared.channels;
  EXPECT_EQ(channels.at(2).topic, "fruit/Apple");
  EXPECT_EQ(channels.at(3).topic, "right.Apple");
}

// What `mcap compress` and the like do: the same records in other chunks.
TEST(recording, a_copy_with_other_chunks_keeps_its_envelopes) {
  const folder here;
  const auto messages = every_golden_message();
  record(here / "a.mcap", messages, with(mcap::compression::none, 4000));
  const auto source = mcap::open_file(here / "a.mcap");
  ASSERT_TRUE(source);
  const auto original = mcap::reader::open(*source);
  ASSERT_TRUE(original);
  ASSERT_GT(original->contents().chunks.size(), 4U);
  for (const std::size_t most : {1U, 7U, 1000U}) {
    auto copy = mcap::writer::create(here / "b.mcap", original->contents().header, {.overwrite = true});
    ASSERT_TRUE(copy);
    mcap::chunk_builder chunk;
    for (const auto& [id, schema] : original->contents().declared.schemas) {
      chunk.add(schema);
      copy->declare(schema);
    }
    for (const auto& [id, channel] : original->contents().declared.channels) {
      chunk.add(channel);
      copy->declare(channel);
    }
    mcap::message_cursor cursor(*original);
    for (auto found = cursor.next(); found && *found; found = cursor.next()) {
      chunk.add(**found);
      if (chunk.messages() == most) {
        ASSERT_TRUE(copy->write(chunk));
        chunk.clear();
      }
    }
    ASSERT_TRUE(copy->write(chunk));
    ASSERT_TRUE(copy->finish());
    expect_same(messages, read_all(here / "b.mcap"));
  }
}

TEST(description, tells_what_is_missing_in_the_sequence_of_each_publisher) {
  const folder here;
  std::vector<message> messages;
  std::uint64_t time = 0;
  const auto add = [&](std::uint64_t publisher, std::uint64_t sequence) {
    auto each = small(1001, ++time);
    each.envelope.publisher_id = publisher;
    each.envelope.sequence = sequence;
    messages.push_back(each);
  };
  for (const std::uint64_t sequence : {5U, 6U, 9U, 10U, 20U}) // 7, 8 and 11 to 19 are missing
    add(1, sequence);
  for (const std::uint64_t sequence : {1U, 2U, 4U, 3U}) // nothing is
    add(2, sequence);
  record(here / "a.mcap", messages);
  auto opened = recording_reader::open(here / "a.mcap");
  ASSERT_TRUE(opened);
  const auto all = describe(*opened);
  ASSERT_EQ(all.publishers.size(), 2U);
  const auto& first = all.publishers[0];
  EXPECT_EQ((std::array{first.messages, first.first_sequence, first.last_sequence, first.gaps, first.missing,
                        first.out_of_order}),
            (std::array<std::uint64_t, 6>{5, 5, 20, 2, 11, 0}));
  const auto& second = all.publishers[1];
  EXPECT_EQ((std::array{second.messages, second.first_sequence, second.last_sequence, second.gaps, second.missing,
                        second.out_of_order}),
            (std::array<std::uint64_t, 6>{4, 1, 4, 1, 0, 1}));
  EXPECT_EQ(all.messages, 9U);
  EXPECT_EQ(all.first_time, 1'000'000'000U);
  EXPECT_EQ(all.last_time, 9'000'000'000U);
  EXPECT_FALSE(all.miscounted);
}

} // namespace
} // namespace mycelium::recording
