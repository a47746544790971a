// What only the inside can do to a subscription: kill its actor.
#include "actors/runtime/bus.hpp"
#include "actors/runtime/lane_actor.hpp"

#include <caf/actor_cast.hpp>
#include <caf/send.hpp>
#include <condition_variable>
#include <gtest/gtest.h>
#include <mutex>
#include <vector>

using namespace mycelium;
using namespace mycelium::runtime;

namespace {

class collector {
public:
  static void on_payload(std::uint16_t, const std::uint8_t* data, std::size_t, void* self) {
    auto& me = *static_cast<collector*>(self);
    std::lock_guard lock(me.mutex_);
    me.seen_.push_back(data[0]);
    me.changed_.notify_all();
  }
  std::vector<std::uint8_t> wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(20), [&] { return seen_.size() >= count; });
    return seen_;
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::uint8_t> seen_;
};

void publish(bus& to, std::uint8_t byte) {
  read_guard guard;
  ASSERT_EQ(to.publish(guard, outgoing{.type_id = 7}, message::bytes(&byte, 1)), status::success);
}

// Ends the subscription's actor as a fault would.
void kill_actor(bus& of) {
  of.for_each_lane([](lane& l) {
    const auto who = caf::actor_cast<caf::strong_actor_ptr>(static_cast<caf::abstract_actor*>(l.actor()));
    caf::anon_send_exit(who, caf::exit_reason::kill);
  });
}

} // namespace

class supervision : public ::testing::TestWithParam<bool> {};

TEST_P(supervision, a_subscription_whose_actor_died_goes_on_without_losing_a_message) {
  runtime_options how;
  how.threads = 2;
  auto started = bus::start(std::move(how));
  ASSERT_TRUE(started) << started.error().text;
  auto& b = **started;
  collector c;
  subscription_options options;
  options.type_id = 7;
  options.dedicated = GetParam();
  options.on_payload = collector::on_payload;
  options.user_data = &c;
  ASSERT_TRUE(b.subscribe(std::move(options)));

  std::vector<std::uint8_t> expected;
  for (std::uint8_t death = 0; death < 3; ++death) {
    for (std::uint8_t i = 0; i < 10; ++i) {
      publish(b, std::uint8_t(death * 10 + i));
      expected.push_back(std::uint8_t(death * 10 + i));
      if (i == 4)
        kill_actor(b);
    }
    ASSERT_EQ(c.wait_for(expected.size()), expected);
    ASSERT_TRUE(b.wait_for_restarts(death + 1u, deadline::in(20'000'000'000)));
  }
  EXPECT_EQ(b.stats().restarts, 3u);
  EXPECT_TRUE(b.close(deadline::in(20'000'000'000)));
}

INSTANTIATE_TEST_SUITE_P(of_each_kind, supervision, ::testing::Bool(),
                         [](const auto& i) { return i.param ? "dedicated" : "pooled"; });
