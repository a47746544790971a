// From a bus into a recording, and from there onto another one.
#include "tools/recording/listener.hpp"
#include "tools/recording/recorder.hpp"

#include <atomic>
#include <thread>

namespace mycelium::recording {
namespace {

using namespace testing;

std::int32_t publish(MyceliumRuntime* bus, std::uint16_t type_id, std::string_view text) {
  const auto content = to_payload(text);
  return mycelium_publish(bus, type_id, content.data(), content.size());
}

result<recorder> start(MyceliumRuntime* bus, const std::string& path, const record_options& options = {},
                       std::size_t chunk_size = 4000) {
  auto writer = recording_writer::create(path, {.chunk_size = chunk_size});
  if (!writer)
    return writer.error();
  return recorder::start(bus, std::move(*writer), golden_catalogue(), options);
}

// Publishes every golden message with its envelope, from a thread (a publisher) of its own.
void publish_golden(MyceliumRuntime* bus, const std::vector<message>& messages) {
  std::thread([&] {
    for (const auto& each : messages) {
      const auto& e = each.envelope;
      MyceliumEnvelope envelope{};
      envelope.struct_size = sizeof envelope;
      envelope.type_id = e.type_id;
      envelope.priority = e.priority;
      envelope.has_trace = 1;
      envelope.trace_flags = e.trace_flags;
      envelope.destination = e.destination;
      envelope.destination_key = e.destination_key;
      envelope.correlation_id = e.correlation_id;
      std::ranges::copy(e.trace_id, envelope.trace_id);
      std::ranges::copy(e.span_id, envelope.span_id);
      EXPECT_EQ(mycelium_publish_envelope(bus, &envelope, each.content.data(), each.content.size()), MYCELIUM_SUCCESS)
          << mycelium_last_error();
    }
  }).join();
}

// As the publisher attached it; what the runtime sets is compared apart.
void expect_attached(const message& published, const message& got) {
  auto expected = published.with_payload();
  expected.sequence = got.envelope.sequence;
  expected.publisher_id = got.envelope.publisher_id;
  expected.timestamp_ns = got.envelope.timestamp_ns;
  expected.log_time = got.envelope.log_time;
  expected.is_request = got.envelope.is_request;
  EXPECT_TRUE(same(expected, got.with_payload()));
}

TEST(bus, every_type_and_every_field_of_the_envelope_go_through_a_recording) {
  const folder here;
  const auto messages = every_golden_message();
  {
    const auto bus = new_bus();
    auto recording = start(bus.get(), here / "a.mcap");
    ASSERT_TRUE(recording) << recording.error().text;
    publish_golden(bus.get(), messages);
    ASSERT_TRUE(recording->finish("test"));
    EXPECT_EQ(recording->totals().messages, messages.size());
    EXPECT_EQ(recording->totals().dropped, 0U);
  }
  const auto recorded = read_all(here / "a.mcap");
  ASSERT_EQ(recorded.messages.size(), messages.size());
  for (std::size_t i = 0; i < messages.size(); ++i) {
    expect_attached(messages[i], recorded.messages[i]);
    EXPECT_EQ(recorded.messages[i].envelope.sequence, i + 1);
    EXPECT_EQ(recorded.messages[i].envelope.publisher_id, recorded.messages[0].envelope.publisher_id);
  }

  const auto bus = runtime_ptr(mycelium_runtime_create()); // does not know the golden types yet
  std::set<std::uint16_t> types;
  for (const auto& each : messages)
    types.insert(each.envelope.type_id);
  listener other(bus.get(), types);
  auto opened = recording_reader::open(here / "a.mcap");
  ASSERT_TRUE(opened);
  virtual_time pace;
  replay_totals totals;
  const auto done = replay(bus.get(), *opened, {}, pace, totals);
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_EQ(totals.published, messages.size());
  const auto again = other.all();
  ASSERT_EQ(again.size(), messages.size());
  for (std::size_t i = 0; i < messages.size(); ++i)
    expect_attached(messages[i], again[i]);
  std::array<std::uint8_t, 32> digest{}; // the recording taught it
  EXPECT_EQ(mycelium_type_digest(bus.get(), messages[0].envelope.type_id, digest.data()), MYCELIUM_SUCCESS);
}

TEST(recorder, keeps_the_order_of_each_publisher_across_types_while_it_writes) {
  const folder here;
  const auto bus = new_bus();
  auto recording = start(bus.get(), here / "a.mcap", {.types = {60000, 60001, 60002}, .capacity = 64}, 20'000);
  ASSERT_TRUE(recording) << recording.error().text;
  constexpr int each_publishes = 20'000;
  std::atomic<int> running = 3;
  std::vector<std::thread> publishers;
  for (int publisher = 0; publisher < 3; ++publisher)
    publishers.emplace_back([&] {
      for (int i = 0; i < each_publishes; ++i)
        EXPECT_EQ(publish(bus.get(), static_cast<std::uint16_t>(60000 + i % 3), "x"), MYCELIUM_SUCCESS);
      --running;
    });
  while (running > 0)
    ASSERT_TRUE(recording->write_ready());
  for (auto& each : publishers)
    each.join();
  ASSERT_TRUE(recording->finish("test"));
  std::map<std::uint64_t, std::uint64_t> last;
  const auto all = read_all(here / "a.mcap");
  EXPECT_EQ(all.messages.size(), 3U * each_publishes);
  for (const auto& each : all.messages)
    ASSERT_EQ(each.envelope.sequence, ++last[each.envelope.publisher_id]);
  EXPECT_EQ(last.size(), 3U);
}

// Of types whose rates differ: what was taken early has to wait for the others.
TEST(recorder, keeps_the_order_also_when_much_waits) {
  const folder here;
  const auto bus = new_bus();
  auto recording = start(bus.get(), here / "a.mcap", {.types = {60000, 60001, 60002}, .capacity = 1U << 16U}, 1 << 20);
  ASSERT_TRUE(recording) << recording.error().text;
  constexpr std::uint64_t count = 40'000;
  std::thread([&] {
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto type_id = static_cast<std::uint16_t>(i % 10 == 0 ? 60001 : i % 97 == 0 ? 60002 : 60000);
      EXPECT_EQ(publish(bus.get(), type_id, "x"), MYCELIUM_SUCCESS);
    }
  }).join();
  ASSERT_TRUE(recording->write_ready());
  ASSERT_TRUE(recording->finish("test"));
  const auto all = read_all(here / "a.mcap");
  ASSERT_EQ(all.messages.size(), count);
  for (std::uint64_t i = 0; i < count; ++i)
    ASSERT_EQ(all.messages[i].envelope.sequence, i + 1);
}

TEST(recorder, records_everything_also_when_it_may_hold_little) {
  const folder here;
  const auto bus = new_bus();
  auto recording =
      start(bus.get(), here / "a.mcap", {.types = {60000, 60001}, .capacity = 1U << 13U, .most_held = 300});
  ASSERT_TRUE(recording) << recording.error().text;
  const auto flood = [&] {
    for (int i = 0; i < 5000; ++i)
      EXPECT_EQ(publish(bus.get(), static_cast<std::uint16_t>(60000 + i % 2), "x"), MYCELIUM_SUCCESS);
  };
  flood();
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(recording->write_ready());
  flood();
  ASSERT_TRUE(recording->finish("test"));
  std::set<std::uint64_t> sequences;
  for (const auto& each : read_all(here / "a.mcap").messages)
    sequences.insert(each.envelope.sequence);
  EXPECT_EQ(sequences.size(), 10'000U);
}

TEST(recorder, finds_types_that_were_registered_after_its_start) {
  const folder here;
  const runtime_ptr bus(mycelium_runtime_create());
  auto recording = start(bus.get(), here / "a.mcap");
  ASSERT_TRUE(recording);
  const auto golden = every_golden_message().front();
  const auto bfbs = content_of(MYCELIUM_GOLDEN_BFBS);
  ASSERT_EQ(mycelium_register_schema(bus.get(), bfbs.data(), bfbs.size(), nullptr), MYCELIUM_SUCCESS);
  ASSERT_TRUE(recording->find_new_types());
  publish_golden(bus.get(), {golden});
  ASSERT_TRUE(recording->finish("test"));
  EXPECT_EQ(read_all(here / "a.mcap").messages.size(), 1U);
}

TEST(recorder, counts_what_found_no_room_and_says_so_in_the_file) {
  const folder here;
  const auto bus = new_bus();
  auto recording =
      start(bus.get(), here / "a.mcap", {.types = {60000}, .policy = MYCELIUM_POLICY_DROP_NEWEST, .capacity = 8});
  ASSERT_TRUE(recording);
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(publish(bus.get(), 60000, "x"), MYCELIUM_SUCCESS);
  ASSERT_TRUE(recording->finish("test"));
  EXPECT_EQ(recording->totals().messages, 8U);
  EXPECT_EQ(recording->totals().dropped, 12U);
  const auto opened = recording_reader::open(here / "a.mcap");
  ASSERT_TRUE(opened);
  ASSERT_EQ(opened->contents().notes.size(), 1U);
  EXPECT_EQ(opened->contents().notes[0].values, (mcap::text_map{{"dropped", "12"}, {"reason", "test"}}));
}

TEST(recorder, stops_at_the_count_that_was_asked_for) {
  const folder here;
  const auto bus = new_bus();
  auto recording = start(bus.get(), here / "a.mcap", {.types = {60000}, .most_messages = 5});
  ASSERT_TRUE(recording);
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(publish(bus.get(), 60000, "x"), MYCELIUM_SUCCESS);
  while (!recording->has_enough())
    ASSERT_TRUE(recording->write_ready());
  ASSERT_TRUE(recording->finish("test"));
  EXPECT_EQ(read_all(here / "a.mcap").messages.size(), 5U);
}

TEST(recorder, writes_a_chunk_that_is_old_enough_without_more_traffic) {
  const folder here;
  const auto bus = new_bus();
  auto recording = start(bus.get(), here / "a.mcap", {.types = {60000}, .chunk_age_ns = 1});
  ASSERT_TRUE(recording);
  EXPECT_EQ(recording->wait_ns(), -1); // nothing to do until something comes
  EXPECT_EQ(publish(bus.get(), 60000, "x"), MYCELIUM_SUCCESS);
  while (recording->totals().messages == 0)
    ASSERT_TRUE(recording->write_ready());
  EXPECT_EQ(read_all(here / "a.mcap").messages.size(), 1U); // though it is still open
  EXPECT_EQ(recording->wait_ns(), -1);
}

TEST(recorder, says_that_a_message_is_a_request) {
  const folder here;
  const auto bus = new_bus();
  auto recording = start(bus.get(), here / "a.mcap", {.types = {60000}});
  ASSERT_TRUE(recording);
  MyceliumRequestOptions options{};
  options.struct_size = sizeof options;
  options.on_reply = [](std::uint64_t, std::int32_t, const MyceliumMessage*, void*) {};
  std::uint64_t id = 0;
  const auto content = to_payload("?");
  ASSERT_EQ(mycelium_request_async(bus.get(), 60000, content.data(), content.size(), &options, &id), MYCELIUM_SUCCESS);
  EXPECT_EQ(publish(bus.get(), 60000, "x"), MYCELIUM_SUCCESS);
  ASSERT_TRUE(recording->finish("test"));
  const auto all = read_all(here / "a.mcap");
  ASSERT_EQ(all.messages.size(), 2U);
  EXPECT_TRUE(all.messages[0].envelope.is_request);
  EXPECT_FALSE(all.messages[1].envelope.is_request);
}

} // namespace
} // namespace mycelium::recording
