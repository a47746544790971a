// What only the inside can do to a session under oversight: kill its actor.
#include "actors/oversight/overseer.hpp"
#include "actors/runtime/lane_actor.hpp"

#include <algorithm>
#include <caf/actor_cast.hpp>
#include <caf/send.hpp>
#include <condition_variable>
#include <gtest/gtest.h>
#include <mutex>
#include <string>
#include <vector>

using namespace mycelium;
using namespace mycelium::oversight;
using namespace mycelium::runtime;

namespace {

constexpr std::int64_t patience_ns = 20'000'000'000;

// Reads what is published of some types.
class listener {
public:
  listener(bus& on, std::vector<std::uint16_t> types) {
    for (const auto type_id : types) {
      subscription_options options;
      options.type_id = type_id;
      options.on_payload = [](std::uint16_t type, const std::uint8_t* data, std::size_t size, void* self) {
        auto& me = *static_cast<listener*>(self);
        std::lock_guard lock(me.mutex_);
        me.seen_.push_back({type, {data, data + size}});
        me.changed_.notify_all();
      };
      options.user_data = this;
      EXPECT_TRUE(on.subscribe(std::move(options)));
    }
  }
  struct heard {
    std::uint16_t type_id;
    std::vector<std::uint8_t> payload;
  };
  // The first of that type.
  std::vector<std::uint8_t> wait_for(std::uint16_t type_id) {
    std::unique_lock lock(mutex_);
    std::vector<std::uint8_t> found;
    changed_.wait_for(lock, std::chrono::seconds(20), [&] {
      for (const auto& each : seen_)
        if (each.type_id == type_id)
          found = each.payload;
      return !found.empty();
    });
    return found;
  }
  std::size_t count(std::uint16_t type_id) {
    std::lock_guard lock(mutex_);
    return std::size_t(std::ranges::count(seen_, type_id, &heard::type_id));
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<heard> seen_;
};

class killed_session : public ::testing::TestWithParam<bool> {};

// GetParam(): it waits for a score from the bus when its actor dies.
TEST_P(killed_session, fails_closed) {
  runtime_options how;
  how.threads = 2;
  auto started = bus::start(std::move(how));
  ASSERT_TRUE(started) << started.error().text;
  auto& b = **started;
  listener heard(b, {schema::inference_token::type_id, schema::inference_cancel::type_id,
                     schema::oversight_verdict::type_id, schema::oversight_score_request::type_id});
  overseer_settings settings;
  settings.name = "guard";
  settings.config.deadline_ms = 20'000;
  if (!GetParam())
    settings.score = [](const score_question&, score_answer& answer) {
      answer.scored = true;
      answer.score = 0.9;
    };
  const auto id = overseer::create(b, std::move(settings));
  ASSERT_TRUE(id) << id.error().text;
  const auto by = overseer::find(b, *id);
  ASSERT_NE(by, nullptr);
  const auto to = by->attach(7);
  ASSERT_TRUE(to);

  schema::message_writer writer;
  const auto say = [&](std::uint32_t index) {
    read_guard guard;
    const outgoing what{.type_id = 101, .to = destination::subscription, .destination_key = *to};
    EXPECT_EQ(b.publish(guard, what, writer.write(schema::inference_token{.session_id = 7, .index = index})),
              status::success);
  };
  say(0);
  ASSERT_FALSE(heard.wait_for(GetParam() ? schema::oversight_score_request::type_id : 101).empty());
  b.for_each_lane([&](lane& l) {
    if (l.id() == *to)
      caf::anon_send_exit(caf::actor_cast<caf::strong_actor_ptr>(static_cast<caf::abstract_actor*>(l.actor())),
                          caf::exit_reason::kill);
  });
  ASSERT_TRUE(b.wait_for_restarts(1, deadline::in(patience_ns)));

  // Nothing more has to come: the new actor's first turn says so.
  const auto cancelled = heard.wait_for(schema::inference_cancel::type_id);
  schema::inference_cancel cancel;
  ASSERT_TRUE(schema::read(cancelled, cancel));
  EXPECT_EQ(cancel.session_id, 7u);
  EXPECT_EQ(cancel.reason, schema::end_reason::halted);
  for (std::uint32_t index = 1; index < 10; ++index)
    say(index);
  ASSERT_TRUE(b.flush(deadline::in(patience_ns)));
  EXPECT_EQ(heard.count(schema::inference_token::type_id), GetParam() ? 0u : 1u);
  EXPECT_EQ(by->stats().sum.tokens, 10u);
  EXPECT_TRUE(b.close(deadline::in(patience_ns)));
}

INSTANTIATE_TEST_SUITE_P(oversight, killed_session, ::testing::Bool(),
                         [](const auto& i) { return i.param ? "that_waits_for_a_score" : "between_two_tokens"; });

TEST(running_text, keeps_its_end_in_whole_code_points) {
  running_text text(4);
  for (const auto* more : {"ab", "c\xc3\xa9", "d\xe2\x82\xac", "x"}) // e with an accent, a euro sign
    text.append(more);
  EXPECT_EQ(text.view(), "\xe2\x82\xacx");
  text.append("y");
  EXPECT_EQ(text.view(), "xy");
  running_text none(0);
  none.append("a");
  EXPECT_EQ(none.view(), "");
}

} // namespace
