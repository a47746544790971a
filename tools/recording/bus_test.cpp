// From one bus into a recording, and from there onto another one.
#include "tools/recording/recorder.hpp"
#include "tools/recording/replayer.hpp"
#include "tools/recording/samples.hpp"

#include <atomic>
#include <thread>

namespace mycelium::recording {
namespace {

using namespace testing;

constexpr std::int64_t patience_ns = 20'000'000'000;

struct runtime_deleter {
  void operator()(MyceliumRuntime* runtime) const noexcept { mycelium_runtime_destroy(runtime); }
};
using runtime_ptr = std::unique_ptr<MyceliumRuntime, runtime_deleter>;

runtime_ptr new_bus() {
  runtime_ptr bus(mycelium_runtime_create());
  const auto bfbs = content_of(MYCELIUM_GOLDEN_BFBS);
  EXPECT_EQ(mycelium_register_schema(bus.get(), bfbs.data(), bfbs.size(), nullptr), MYCELIUM_SUCCESS);
  return bus;
}

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

// A queue that is subscribed to types, read when everything has been published.
class listener {
public:
  listener(MyceliumRuntime* bus, const std::set<std::uint16_t>& types) : bus_(bus) {
    EXPECT_EQ(mycelium_queue_open(bus, &queue_), MYCELIUM_SUCCESS);
    for (const auto type_id : types) {
      MyceliumSubscribeOptions options;
      mycelium_subscribe_options_init(&options);
      options.queue_id = queue_;
      EXPECT_EQ(mycelium_subscribe_with_options(bus, type_id, &options, nullptr), MYCELIUM_SUCCESS);
    }
  }
  ~listener() { mycelium_queue_close(bus_, queue_); }
  listener(const listener&) = delete;
  listener& operator=(const listener&) = delete;

  // Everything so far, by sequence of the (only) publisher.
  std::vector<message> all() {
    std::vector<message> got;
    std::array<MyceliumDelivery, 64> deliveries;
    std::size_t count = 0;
    while (mycelium_queue_receive(bus_, queue_, deliveries.data(), deliveries.size(), 0, &count) == MYCELIUM_SUCCESS)
      for (std::size_t i = 0; i < count; ++i)
        take(deliveries[i].message, got);
    std::ranges::sort(got, {}, [](const message& each) { return each.envelope.sequence; });
    return got;
  }

private:
  static void take(MyceliumMessage* from, std::vector<message>& got) {
    MyceliumEnvelope read{};
    read.struct_size = sizeof read;
    mycelium_message_envelope(from, &read);
    message each;
    each.envelope.type_id = read.type_id;
    each.envelope.priority = read.priority;
    each.envelope.has_trace = read.has_trace != 0;
    each.envelope.trace_flags = read.trace_flags;
    each.envelope.destination = read.destination;
    each.envelope.destination_key = read.destination_key;
    each.envelope.correlation_id = read.correlation_id;
    each.envelope.sequence = read.sequence;
    each.envelope.publisher_id = read.publisher_id;
    each.envelope.timestamp_ns = read.timestamp_ns;
    std::ranges::copy(read.trace_id, each.envelope.trace_id.begin());
    std::ranges::copy(read.span_id, each.envelope.span_id.begin());
    std::size_t length = 0;
    const auto* content = mycelium_message_payload(from, &length);
    each.content.assign(content, content + length);
    got.push_back(std::move(each));
    mycelium_message_release(from);
  }

  MyceliumRuntime* bus_;
  std::uint64_t queue_ = 0;
};

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

class virtual_time final : public pacer {
public:
  std::int64_t now_ns() override { return now_; }
  bool wait_until(std::int64_t time_ns) override {
    due.push_back(time_ns);
    now_ = std::max(now_, time_ns);
    return !stopped();
  }
  bool stopped() override { return due.size() >= stop_after; }

  std::vector<std::int64_t> due;
  std::size_t stop_after = SIZE_MAX;

private:
  std::int64_t now_ = 5'000'000'000'000;
};

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
  ASSERT_TRUE(recording->write_ready());
  EXPECT_TRUE(recording->has_enough());
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
  while (recording->totals().messages == 0) // the clock has to pass the message's time
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

// Replays of messages 1 to 10, a second apart.
class replaying : public ::testing::Test {
protected:
  void SetUp() override {
    for (std::uint64_t i = 1; i <= 10; ++i)
      messages_.push_back(small(i % 2 == 0 ? 60000 : 60001, i));
    record(here_ / "a.mcap", messages_, {.chunk_size = 200});
    bus_ = new_bus();
    other_ = std::make_unique<listener>(bus_.get(), std::set<std::uint16_t>{60000, 60001});
  }
  void TearDown() override { other_.reset(); }

  // The payloads that arrived, in order.
  std::vector<std::string> play(const replay_options& options) {
    auto opened = recording_reader::open(here_ / "a.mcap");
    EXPECT_TRUE(opened);
    outcome_ = replay(bus_.get(), *opened, options, pace_, totals_);
    std::vector<std::string> got;
    for (const auto& each : other_->all())
      got.emplace_back(each.content.begin() + 8, each.content.end()); // behind "payload "
    return got;
  }

  // Seconds between messages.
  std::vector<double> gaps() const {
    std::vector<double> all;
    for (std::size_t i = 1; i < pace_.due.size(); ++i)
      all.push_back(static_cast<double>(pace_.due[i] - pace_.due[i - 1]) / 1e9);
    return all;
  }

  folder here_;
  std::vector<message> messages_;
  runtime_ptr bus_;
  std::unique_ptr<listener> other_;
  virtual_time pace_;
  replay_totals totals_;
  result<void> outcome_;
};

using texts = std::vector<std::string>;

TEST_F(replaying, keeps_order_and_pace) {
  EXPECT_EQ(play({}), (texts{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10"}));
  EXPECT_EQ(pace_.due.front(), 5'000'000'000'000); // at once
  EXPECT_EQ(gaps(), std::vector<double>(9, 1.0));
}

TEST_F(replaying, goes_as_many_times_faster_as_asked) {
  EXPECT_EQ(play({.speed = 4}).size(), 10U);
  EXPECT_EQ(gaps(), std::vector<double>(9, 0.25));
}

TEST_F(replaying, does_not_wait_when_it_is_to_be_fast) {
  EXPECT_EQ(play({.speed = 0}).size(), 10U);
  EXPECT_TRUE(pace_.due.empty());
}

TEST_F(replaying, takes_a_range_of_time_and_keeps_the_silence_before_its_first_message) {
  EXPECT_EQ(play({.from_ns = 2'500'000'000, .to_ns = 5'000'000'000}), (texts{"4", "5", "6"}));
  EXPECT_EQ(pace_.due.front(), 5'000'500'000'000);
}

TEST_F(replaying, takes_some_types_at_their_times) {
  EXPECT_EQ(play({.types = {60000}}), (texts{"2", "4", "6", "8", "10"}));
  EXPECT_EQ(pace_.due.front(), 5'001'000'000'000);
  EXPECT_EQ(gaps(), std::vector<double>(4, 2.0));
}

TEST_F(replaying, repeats_as_often_as_asked) {
  const auto got = play({.types = {60000}, .from_ns = 1'000'000'000, .to_ns = 3'000'000'000, .loops = 3});
  EXPECT_EQ(got, (texts{"2", "4", "2", "4", "2", "4"}));
  EXPECT_EQ(totals_.loops, 3U);
  EXPECT_EQ(gaps(), (std::vector<double>{2, 0, 2, 0, 2}));
}

TEST_F(replaying, an_endless_loop_over_nothing_ends) {
  EXPECT_TRUE(play({.types = {60009}, .loops = UINT64_MAX}).empty());
  EXPECT_TRUE(outcome_);
}

TEST_F(replaying, stops_when_told_to) {
  pace_.stop_after = 4;
  EXPECT_EQ(play({.loops = UINT64_MAX}).size(), 3U);
  EXPECT_TRUE(outcome_ && totals_.stopped);
}

TEST_F(replaying, stops_at_damage_unless_it_may_skip_it) {
  auto file = content_of(here_ / "a.mcap");
  const auto at = std::ranges::search(file, to_payload("payload 5")).begin();
  ASSERT_NE(at, file.end());
  *at ^= 1;
  write_file(here_ / "a.mcap", file);
  EXPECT_LT(play({}).size(), 5U);
  ASSERT_FALSE(outcome_);
  EXPECT_NE(outcome_.error().text.find("checksum"), std::string::npos);
  totals_ = {};
  const auto got = play({.skip_damaged = true});
  EXPECT_TRUE(outcome_);
  EXPECT_EQ(totals_.damaged, 1U);
  EXPECT_EQ(got.back(), "10");
  EXPECT_LT(got.size(), 10U);
}

TEST_F(replaying, a_type_with_another_schema_is_refused_unless_asked_for) {
  auto type = *golden_catalogue().find(1001);
  type.type.type_digest[0] ^= 1;
  auto writer = recording_writer::create(here_ / "b.mcap", {});
  ASSERT_TRUE(writer);
  writer->describe(type);
  ASSERT_TRUE(writer->add(small(1001, 1).with_payload()));
  ASSERT_TRUE(writer->finish());
  auto opened = recording_reader::open(here_ / "b.mcap");
  ASSERT_TRUE(opened);
  const auto refused = replay(bus_.get(), *opened, {}, pace_, totals_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, status::digest);
  EXPECT_NE(refused.error().text.find("mycelium.examples.TextMessage was recorded with another schema"),
            std::string::npos);
  EXPECT_EQ(totals_.published, 0U);
  EXPECT_TRUE(replay(bus_.get(), *opened, {.any_schema = true}, pace_, totals_));
  EXPECT_EQ(totals_.published, 1U);
}

TEST_F(replaying, what_a_subscriber_has_no_room_for_is_counted) {
  MyceliumSubscribeOptions options;
  mycelium_subscribe_options_init(&options);
  std::uint64_t queue = 0;
  ASSERT_EQ(mycelium_queue_open(bus_.get(), &queue), MYCELIUM_SUCCESS);
  options.queue_id = queue;
  options.policy = MYCELIUM_POLICY_FAIL;
  options.capacity = 4;
  ASSERT_EQ(mycelium_subscribe_with_options(bus_.get(), 60000, &options, nullptr), MYCELIUM_SUCCESS);
  EXPECT_EQ(play({}).size(), 10U); // the other one gets all
  EXPECT_TRUE(outcome_);
  EXPECT_EQ(totals_.not_delivered, 1U);
}

} // namespace
} // namespace mycelium::recording
