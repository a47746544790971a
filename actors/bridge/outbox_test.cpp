#include "actors/bridge/outbox.hpp"

#include "actors/bridge/test_node.hpp"

namespace mycelium::bridge {
namespace {

// Takes what it is given, and acknowledges nothing.
class mute : public outbox::carrier {
public:
  std::size_t append(const message&, std::uint64_t, outbox::turn, bool, byte_buffer& out) override {
    out.push_back(0);
    return 1;
  }
  bool gives_receipts() const override { return false; }
  void carry(byte_buffer& frames) override { frames.clear(); }
  bool has_room() const override { return true; }
  void carried() override {}
};

class outboxes : public testing::Test {
protected:
  static settings small(runtime::policy when_full) {
    settings how;
    how.capacity = 16;
    how.when_full = when_full;
    how.block_timeout_ns = patience;
    return how;
  }
  void publish(int count) {
    for (int i = 0; i < count; ++i)
      (void)here_.publish("text");
  }

  node here_{"here"};
};

TEST_F(outboxes, later_drops_do_not_count_for_what_was_offered_before) {
  const auto how = small(runtime::policy::drop_newest);
  outbox waiting(here_.bus(), 1, "there", how);
  ASSERT_TRUE(waiting.open());
  waiting.want({type});
  publish(10);
  auto so_far = waiting.offered_by_now();
  publish(100);
  EXPECT_GT(waiting.stats().dropped, 10u);
  EXPECT_FALSE(waiting.has_sent(so_far));
  EXPECT_FALSE(waiting.is_dealt_with(so_far));

  waiting.begin(std::make_shared<mute>(), 1000, std::nullopt);
  while (!waiting.has_sent(so_far))
    std::this_thread::yield();
  EXPECT_GE(waiting.stats().sent, 10u);
  EXPECT_FALSE(waiting.is_dealt_with(so_far));
  waiting.acknowledge(9);
  EXPECT_FALSE(waiting.is_dealt_with(so_far));
  waiting.acknowledge(waiting.stats().sent);
  EXPECT_TRUE(waiting.is_dealt_with(so_far));
}

TEST_F(outboxes, what_is_taken_over_goes_first_and_does_not_count_either) {
  const auto how = small(runtime::policy::block);
  outbox waiting(here_.bus(), 1, "there", how);
  ASSERT_TRUE(waiting.open());
  waiting.want({type});
  waiting.hold();
  publish(3);
  auto so_far = waiting.offered_by_now();
  waiting.begin(std::make_shared<mute>(), 4, std::nullopt);
  EXPECT_FALSE(waiting.has_sent(so_far)); // it is held
  auto left = outbox::messages();
  for (int i = 0; i < 5; ++i)
    left.emplace_back(message::make(type, 0, false));
  waiting.take_over(std::move(left)); // four of these five fill the window
  EXPECT_FALSE(waiting.has_sent(so_far));
  waiting.acknowledge(4);
  while (!waiting.has_sent(so_far))
    std::this_thread::yield();
  EXPECT_EQ(waiting.stats().sent, 8u);
}

} // namespace
} // namespace mycelium::bridge
