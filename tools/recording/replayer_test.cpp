// Replays in virtual time.
#include "tools/recording/listener.hpp"

namespace mycelium::recording {
namespace {

using namespace testing;

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
  const auto wanted = to_payload("payload 5");
  const auto at = std::search(file.begin(), file.end(), wanted.begin(), wanted.end());
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
