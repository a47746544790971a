#include "actors/runtime/bus.hpp"
#include "actors/runtime/lane.hpp"
#include "actors/runtime/short_queue.hpp"

#include <gtest/gtest.h>
#include <latch>
#include <string>
#include <thread>

using namespace mycelium;
using namespace mycelium::runtime;

namespace {

constexpr std::uint16_t type = 7;
constexpr std::int64_t patience = 20'000'000'000;

// A subscription that keeps short, whose first callback does not return until it is let go.
class stuck {
public:
  explicit stuck(std::int64_t block_timeout_ns, policy when_full = policy::block) {
    runtime_options how;
    how.threads = 2;
    bus_ = std::move(*bus::start(std::move(how)));
    subscription_options options;
    options.type_id = type;
    options.keeps_short = true;
    options.when_full = when_full;
    options.block_timeout_ns = block_timeout_ns;
    options.user_data = this;
    options.on_payload = [](std::uint16_t, const std::uint8_t*, std::size_t, void* user_data) {
      auto* self = static_cast<stuck*>(user_data);
      self->has_begun_.count_down();
      self->may_go_on_.wait();
    };
    lane_ = bus_->find_lane(*bus_->subscribe(std::move(options)));
    EXPECT_EQ(publish(), status::success);
    has_begun_.wait();
  }
  ~stuck() {
    let_go();
    EXPECT_TRUE(bus_->close(deadline::in(patience)));
  }

  status publish(std::size_t size = 8) {
    const std::string text(size, 'x');
    read_guard guard;
    return bus_->publish(guard, outgoing{.type_id = type}, {reinterpret_cast<const std::uint8_t*>(text.data()), size});
  }
  std::size_t publish_until_refused() {
    std::size_t count = 0;
    while (publish() == status::success)
      ++count;
    return count;
  }
  void let_go() {
    if (!is_free_)
      may_go_on_.count_down();
    is_free_ = true;
  }
  runtime::lane& lane() { return *lane_; }
  runtime::bus& bus() { return *bus_; }

private:
  std::unique_ptr<runtime::bus> bus_;
  counted_ptr<runtime::lane> lane_;
  std::latch has_begun_{1};
  std::latch may_go_on_{1};
  bool is_free_ = false;
};

} // namespace

TEST(short_queue, is_bounded_by_a_count_and_by_bytes_and_lets_a_few_wait_however_long) {
  EXPECT_EQ(short_queue::most(0), 512u);
  EXPECT_EQ(short_queue::most(1024), 512u);
  EXPECT_EQ(short_queue::most(64 << 10), 16u);
  EXPECT_EQ(short_queue::most(100 << 20), 4u);
  for (const std::size_t size : {0, 64, 1024, 64 << 10, 100 << 20}) {
    EXPECT_FALSE(short_queue::is_over(short_queue::most(size) - 1, size));
    EXPECT_TRUE(short_queue::is_over(short_queue::most(size), size));
  }
  EXPECT_TRUE(short_queue::is_fast(256, short_queue::patience_ns, 64));
  EXPECT_FALSE(short_queue::is_fast(255, short_queue::patience_ns, 64));
  EXPECT_FALSE(short_queue::is_fast(0, 1, 64));
}

TEST(short_queue, has_enough_long_before_the_mailbox_is_full) {
  stuck s(patience);
  for (std::size_t i = 0; i < short_queue::most(8); ++i) {
    EXPECT_FALSE(s.lane().has_enough(8));
    EXPECT_EQ(s.publish(), status::success);
  }
  EXPECT_TRUE(s.lane().has_enough(8));
}

TEST(short_queue, of_long_messages_has_enough_sooner) {
  stuck s(patience);
  constexpr std::size_t size = 128 << 10;
  for (std::size_t i = 0; i < short_queue::most(size); ++i)
    EXPECT_EQ(s.publish(size), status::success);
  EXPECT_TRUE(s.lane().has_enough(size));
  EXPECT_FALSE(s.lane().has_enough(8));
}

TEST(short_queue, gives_a_consumer_that_stands_still_the_whole_mailbox) {
  stuck s(20 * short_queue::patience_ns);
  EXPECT_EQ(s.publish_until_refused(), s.lane().options().capacity);
  EXPECT_FALSE(s.lane().has_enough(8));
}

TEST(short_queue, gives_publishers_without_patience_the_whole_mailbox) {
  stuck s(1);
  EXPECT_EQ(s.publish_until_refused(), s.lane().options().capacity);
}

TEST(short_queue, gives_publishers_that_must_not_wait_the_whole_mailbox) {
  stuck s(patience);
  subscription_options options;
  options.type_id = type + 1;
  options.user_data = &s;
  options.on_payload = [](std::uint16_t, const std::uint8_t*, std::size_t, void* user_data) { // on a worker
    EXPECT_EQ(static_cast<stuck*>(user_data)->publish(), status::success);
  };
  ASSERT_TRUE(s.bus().subscribe(std::move(options)));
  const std::uint8_t byte = 1;
  for (std::size_t i = 0; i < s.lane().options().capacity; ++i) {
    read_guard guard;
    ASSERT_EQ(s.bus().publish(guard, outgoing{.type_id = type + 1}, {&byte, 1}), status::success);
  }
  while (s.lane().stats().waiting < s.lane().options().capacity)
    std::this_thread::yield();
}

TEST(short_queue, is_not_kept_by_a_policy_that_drops) {
  stuck s(patience, policy::fail);
  EXPECT_EQ(s.publish_until_refused(), s.lane().options().capacity);
}

TEST(short_queue, loses_nothing_of_publishers_that_wait) {
  stuck s(patience);
  constexpr std::uint64_t each = 20'000;
  std::vector<std::jthread> publishers;
  for (int i = 0; i < 3; ++i)
    publishers.emplace_back([&] {
      for (std::uint64_t n = 0; n < each; ++n)
        ASSERT_EQ(s.publish(), status::success);
    });
  while (s.lane().awaited().is_empty())
    std::this_thread::yield();
  s.let_go();
  publishers.clear();
  while (s.lane().stats().delivered < 1 + 3 * each)
    std::this_thread::yield();
  EXPECT_TRUE(s.lane().awaited().is_empty());
}
