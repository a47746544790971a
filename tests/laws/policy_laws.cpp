// Every mailbox is bounded. When it is full the subscription's policy decides: block, drop the oldest, drop the newest,
// or fail; and whatever is not delivered is counted under its reason.
#include "gate.hpp"
#include "subscriber.hpp"

namespace mycelium::laws {
namespace {

// Laws of a mailbox that fills up behind a callback at the gate.
class policy_law : public testing::TestWithParam<way> {
protected:
  bus rt_{GetParam().threads};
  gate stop_;
  opens_at_end release_{stop_};
  delivery kind() const { return GetParam().kind; }

  static subscriber::tweak with(int policy, std::uint32_t capacity, std::int64_t block_timeout_ns = 0) {
    return [=](MyceliumSubscribeOptions& options) {
      options.policy = policy;
      options.capacity = capacity;
      options.block_timeout_ns = block_timeout_ns;
      options.batch_max = 1; // so that exactly one message stands at the gate
    };
  }
  subscriber::hook at_the_gate() {
    return [this](const MyceliumMessage*) { stop_.pass(); };
  }
  // Publishes 0, which then stands at the gate, so that what follows fills the mailbox.
  testing::AssertionResult plug() {
    if (auto sent = ok(publish(rt_, apples, "0")); !sent)
      return sent;
    return stop_.wait_for_arrivals() ? testing::AssertionSuccess() : testing::AssertionFailure() << "no callback";
  }
};
INSTANTIATE_TEST_SUITE_P(ways, policy_law, testing::ValuesIn(every_asynchronous_way()), name_of_way);

TEST_P(policy_law, fail_tells_the_publisher_and_keeps_what_it_had) {
  subscriber sub{rt_, apples, kind(), at_the_gate(), with(MYCELIUM_POLICY_FAIL, 8)};
  ASSERT_TRUE(plug());
  int accepted = 0;
  std::int32_t status = MYCELIUM_SUCCESS;
  while (accepted <= 8 && (status = publish(rt_, apples, std::to_string(accepted + 1))) == MYCELIUM_SUCCESS)
    ++accepted;
  EXPECT_TRUE(gives(MYCELIUM_ERROR_FULL, status));
  EXPECT_GE(accepted, 7) << "eight, or seven if the one at the gate still counts";
  EXPECT_LE(accepted, 8);
  EXPECT_TRUE(gives(MYCELIUM_ERROR_FULL, publish(rt_, apples, "refused too")));
  auto stats = stats_of(rt_, sub.id());
  EXPECT_TRUE(adds_up(stats)) << "also with a callback running";
  EXPECT_EQ(stats.capacity, 8u);
  EXPECT_EQ(stats.offered, static_cast<std::uint64_t>(accepted) + 3);
  EXPECT_EQ(stats.dropped[MYCELIUM_DROP_FULL], 2u);
  stop_.open();
  ASSERT_TRUE(ok(mycelium_flush(rt_, patience_ns)));
  EXPECT_EQ(sub.got().payloads(), numbers(0, accepted));
  EXPECT_TRUE(ok(publish(rt_, apples, "room again")));
  stats = stats_of(rt_, sub.id());
  EXPECT_EQ(stats.dropped[MYCELIUM_DROP_FULL], 2u);
  EXPECT_TRUE(adds_up(stats));
}

TEST_P(policy_law, drop_newest_keeps_the_first_and_publish_succeeds) {
  subscriber sub{rt_, apples, kind(), at_the_gate(), with(MYCELIUM_POLICY_DROP_NEWEST, 4)};
  ASSERT_TRUE(plug());
  for (int i = 1; i <= 20; ++i)
    ASSERT_TRUE(ok(publish(rt_, apples, std::to_string(i))));
  stop_.open();
  ASSERT_TRUE(ok(mycelium_flush(rt_, patience_ns)));
  const auto stats = stats_of(rt_, sub.id());
  EXPECT_EQ(stats.offered, 21u);
  EXPECT_GE(stats.delivered, 4u);
  EXPECT_LE(stats.delivered, 5u);
  EXPECT_EQ(stats.dropped[MYCELIUM_DROP_NEWEST], 21 - stats.delivered);
  EXPECT_TRUE(adds_up(stats));
  EXPECT_EQ(sub.got().payloads(), numbers(0, static_cast<int>(stats.delivered) - 1));
}

TEST_P(policy_law, drop_oldest_keeps_the_last_and_publish_succeeds) {
  subscriber sub{rt_, apples, kind(), at_the_gate(), with(MYCELIUM_POLICY_DROP_OLDEST, 4)};
  ASSERT_TRUE(plug());
  for (int i = 1; i <= 20; ++i)
    ASSERT_TRUE(ok(publish(rt_, apples, std::to_string(i))));
  stop_.open();
  ASSERT_TRUE(ok(mycelium_flush(rt_, patience_ns)));
  const auto stats = stats_of(rt_, sub.id());
  EXPECT_EQ(stats.offered, 21u);
  EXPECT_GE(stats.delivered, 4u);
  EXPECT_LE(stats.delivered, 5u);
  EXPECT_EQ(stats.dropped[MYCELIUM_DROP_OLDEST], 21 - stats.delivered);
  EXPECT_TRUE(adds_up(stats));
  auto expected = numbers(20 - static_cast<int>(stats.delivered) + 2, 20);
  expected.insert(expected.begin(), "0");
  EXPECT_EQ(sub.got().payloads(), expected) << "what stood at the gate, then the newest";
}

TEST_P(policy_law, with_capacity_two_the_latest_value_survives) {
  subscriber sub{rt_, apples, kind(), at_the_gate(), with(MYCELIUM_POLICY_DROP_OLDEST, 2)};
  ASSERT_TRUE(plug());
  for (int i = 1; i <= 1000; ++i)
    ASSERT_TRUE(ok(publish(rt_, apples, std::to_string(i))));
  stop_.open();
  ASSERT_TRUE(ok(mycelium_flush(rt_, patience_ns)));
  EXPECT_EQ(sub.got().payloads().back(), "1000");
  EXPECT_LE(sub.got().size(), 3u);
}

TEST_P(policy_law, block_gives_up_after_its_timeout) {
  constexpr std::int64_t timeout_ns = 5'000'000;
  subscriber sub{rt_, apples, kind(), at_the_gate(), with(MYCELIUM_POLICY_BLOCK, 2, timeout_ns)};
  subscriber other{rt_, apples, delivery::dedicated};
  ASSERT_TRUE(plug());
  std::uint64_t accepted = 1;
  std::int32_t status = MYCELIUM_SUCCESS;
  auto start = std::chrono::steady_clock::now();
  while ((status = publish(rt_, apples, "more")) == MYCELIUM_SUCCESS) {
    ++accepted;
    start = std::chrono::steady_clock::now();
  }
  EXPECT_TRUE(gives(MYCELIUM_ERROR_TIMEOUT, status));
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::nanoseconds{timeout_ns});
  EXPECT_GE(accepted, 2u);
  EXPECT_LE(accepted, 3u);
  auto stats = stats_of(rt_, sub.id());
  EXPECT_EQ(stats.dropped[MYCELIUM_DROP_TIMEOUT], 1u);
  EXPECT_EQ(stats.offered, accepted + 1);
  EXPECT_TRUE(adds_up(stats));
  EXPECT_TRUE(other.got().wait_for(accepted + 1)) << "the others got it";
  stop_.open();
  ASSERT_TRUE(ok(mycelium_flush(rt_, patience_ns)));
  EXPECT_EQ(sub.got().size(), accepted);
}

TEST_P(policy_law, block_waits_for_room_and_loses_nothing) {
  subscriber sub{rt_, apples, kind(), at_the_gate(), with(MYCELIUM_POLICY_BLOCK, 2, MYCELIUM_FOREVER)};
  ASSERT_TRUE(plug());
  std::thread opener{[&] {
    EXPECT_TRUE(eventually([&] { return stats_of(rt_, sub.id()).waiting >= 2; }));
    stop_.open();
  }};
  for (int i = 1; i <= 500; ++i)
    EXPECT_TRUE(ok(publish(rt_, apples, std::to_string(i))));
  opener.join();
  ASSERT_TRUE(ok(mycelium_flush(rt_, patience_ns)));
  EXPECT_EQ(sub.got().payloads(), numbers(0, 500));
  const auto stats = stats_of(rt_, sub.id());
  EXPECT_EQ(stats.delivered, 501u);
  EXPECT_TRUE(adds_up(stats));
}

TEST_P(policy_law, a_blocked_publisher_goes_on_when_the_subscription_ends) {
  subscriber sub{rt_, apples, kind(), {}, [](auto& options) {
                   options.policy = MYCELIUM_POLICY_BLOCK;
                   options.capacity = 2;
                   options.block_timeout_ns = MYCELIUM_FOREVER;
                 }};
  const unread full{rt_, apples, MYCELIUM_POLICY_BLOCK, 2};
  std::thread publisher{[&] {
    for (int i = 0; i < 10; ++i)
      publish(rt_, apples, "more");
  }};
  EXPECT_TRUE(eventually([&] { return stats_of(rt_, full.id()).waiting == 2; }));
  EXPECT_TRUE(ok(mycelium_unsubscribe(rt_, full.id())));
  publisher.join();
  ASSERT_TRUE(ok(mycelium_flush(rt_, patience_ns)));
  EXPECT_TRUE(sub.got().wait_for(10)) << "the one that is read gets all";
  EXPECT_TRUE(adds_up(stats_of(rt_)));
}

TEST_P(policy_law, the_runtime_sums_up_what_its_subscriptions_dropped) {
  {
    subscriber newest{rt_, apples, kind(), at_the_gate(), with(MYCELIUM_POLICY_DROP_NEWEST, 2)};
    ASSERT_TRUE(plug());
    for (int i = 0; i < 10; ++i)
      ASSERT_TRUE(ok(publish(rt_, apples, "x")));
    const auto one = stats_of(rt_, newest.id());
    const auto all = stats_of(rt_);
    EXPECT_EQ(all.offered, one.offered);
    EXPECT_EQ(all.dropped[MYCELIUM_DROP_NEWEST], one.dropped[MYCELIUM_DROP_NEWEST]);
    EXPECT_TRUE(adds_up(all));
    stop_.open();
    ASSERT_TRUE(ok(mycelium_flush(rt_, patience_ns)));
  }
  const auto after = stats_of(rt_);
  EXPECT_EQ(after.offered, 11u) << "also when the subscription has ended";
  EXPECT_GT(after.dropped[MYCELIUM_DROP_NEWEST], 0u);
  EXPECT_TRUE(adds_up(after));
}

// A callback that publishes into a full mailbox must not wait, unless it has a thread of its own: it would hold the
// thread that could make room.
class full_in_callback_law : public law_on_every_way {};
INSTANTIATE_TEST_SUITE_P(ways, full_in_callback_law,
                         testing::ValuesIn(ways_of({delivery::payload, delivery::message, delivery::batch,
                                                    delivery::inlined})),
                         name_of_way);

TEST(policy_laws, block_waits_in_a_dedicated_callback) {
  bus rt{1};
  std::atomic<int> accepted{0};
  std::atomic<bool> done{false};
  subscriber sub{rt, apples, delivery::dedicated, [&](const MyceliumMessage*) {
                   for (int i = 0; i < 5; ++i)
                     accepted += publish(rt, pears, "one more than fits") == MYCELIUM_SUCCESS;
                   done = true;
                 }};
  gate stop;
  opens_at_end release{stop};
  subscriber slow{rt, pears, delivery::payload, [&](const MyceliumMessage*) { stop.pass(); },
                  [](auto& options) {
                    options.capacity = 2;
                    options.policy = MYCELIUM_POLICY_BLOCK;
                    options.block_timeout_ns = MYCELIUM_FOREVER;
                  }};
  ASSERT_TRUE(ok(publish(rt, apples, "go")));
  ASSERT_TRUE(eventually([&] { return accepted == 3; })); // one at the gate, two in the mailbox
  EXPECT_FALSE(done);
  stop.open();
  EXPECT_TRUE(eventually([&] { return done.load(); }));
  EXPECT_EQ(accepted, 5);
  EXPECT_TRUE(slow.got().wait_for(5));
}

TEST_P(full_in_callback_law, block_gives_full_at_once) {
  std::atomic<int> accepted{0};
  std::atomic<bool> refused{false};
  subscriber sub{rt_, apples, kind(), [&](const MyceliumMessage*) {
                   for (int i = 0; i < 4; ++i)
                     accepted += publish(rt_, pears, "fits") == MYCELIUM_SUCCESS;
                   refused = gives(MYCELIUM_ERROR_FULL, publish(rt_, pears, "does not")) ? true : false;
                 }};
  const unread full{rt_, pears, [](auto& options) {
                      options.policy = MYCELIUM_POLICY_BLOCK;
                      options.block_timeout_ns = 100'000'000; // a callback that waits after all gets TIMEOUT
                      options.capacity = 4;
                    }};
  ASSERT_TRUE(ok(publish(rt_, apples, "go")));
  ASSERT_TRUE(eventually([&] { return sub.got().size() == 1 && stats_of(rt_, full.id()).offered == 5; }));
  EXPECT_TRUE(eventually([&] { return refused.load(); }));
  EXPECT_EQ(accepted, 4);
  EXPECT_EQ(stats_of(rt_, full.id()).dropped[MYCELIUM_DROP_FULL], 1u);
}

TEST_P(full_in_callback_law, block_to_itself_gives_full_at_once) {
  std::atomic<int> accepted{0};
  std::atomic<std::int32_t> last{MYCELIUM_SUCCESS};
  subscriber sub{rt_, apples, kind(),
                 [&](const MyceliumMessage* message) {
                   if (text_of(message) != "go")
                     return;
                   int sent = 0; // not more than could ever fit, should the law be broken
                   while (sent < 100 && (last = publish(rt_, apples, "again")) == MYCELIUM_SUCCESS)
                     ++sent;
                   accepted = sent;
                 },
                 [](auto& options) {
                   options.policy = MYCELIUM_POLICY_BLOCK;
                   options.block_timeout_ns = MYCELIUM_FOREVER;
                   options.capacity = 8;
                 }};
  ASSERT_TRUE(ok(publish(rt_, apples, "go")));
  ASSERT_TRUE(eventually([&] { return last != MYCELIUM_SUCCESS; }));
  EXPECT_EQ(last, MYCELIUM_ERROR_FULL);
  ASSERT_TRUE(ok(mycelium_flush(rt_, patience_ns)));
  EXPECT_GE(accepted, 7);
  EXPECT_LE(accepted, 8);
  EXPECT_EQ(sub.got().size(), 1u + static_cast<std::size_t>(accepted));
}

TEST(policy_laws, block_gives_full_at_once_to_who_empties_the_queue) {
  bus rt;
  const unread full{rt, pears, MYCELIUM_POLICY_BLOCK, 2};
  MyceliumDelivery none{};
  std::size_t count = 0;
  ASSERT_TRUE(gives(MYCELIUM_ERROR_TIMEOUT, mycelium_queue_receive(rt, full.queue_id(), &none, 1, 0, &count)));
  ASSERT_TRUE(ok(publish(rt, pears, "1")));
  ASSERT_TRUE(ok(publish(rt, pears, "2")));
  EXPECT_TRUE(gives(MYCELIUM_ERROR_FULL, publish(rt, pears, "3")));
  EXPECT_EQ(stats_of(rt, full.id()).dropped[MYCELIUM_DROP_FULL], 1u);
}

// An interrupt check for this thread, until the end of the scope.
class interrupted_after {
public:
  explicit interrupted_after(int calls) : left_(calls) {
    EXPECT_TRUE(ok(mycelium_thread_interrupt_check(
        [](void* self) { return --static_cast<interrupted_after*>(self)->left_ <= 0 ? 1 : 0; }, this)));
  }
  ~interrupted_after() { EXPECT_TRUE(ok(mycelium_thread_interrupt_check(nullptr, nullptr))); }
  interrupted_after(const interrupted_after&) = delete;
  interrupted_after& operator=(const interrupted_after&) = delete;

  int calls_left() const { return left_; }

private:
  int left_;
};

TEST(policy_laws, an_interrupt_check_ends_the_wait_for_room) {
  bus rt;
  const unread full{rt, apples, MYCELIUM_POLICY_BLOCK, 2};
  subscriber other{rt, apples};
  const interrupted_after check{2};
  ASSERT_TRUE(ok(publish(rt, apples, "1")));
  ASSERT_TRUE(ok(publish(rt, apples, "2")));
  EXPECT_EQ(check.calls_left(), 2) << "a publish that need not wait does not ask";
  EXPECT_TRUE(gives(MYCELIUM_ERROR_TIMEOUT, publish(rt, apples, "3")));
  EXPECT_EQ(check.calls_left(), 0);
  EXPECT_EQ(stats_of(rt, full.id()).dropped[MYCELIUM_DROP_TIMEOUT], 1u);
  EXPECT_TRUE(adds_up(stats_of(rt, full.id())));
  EXPECT_TRUE(other.got().wait_for(3)) << "the others got it";
}

TEST(policy_laws, an_interrupt_check_is_one_threads) {
  bus rt;
  const unread full{rt, apples, [](auto& options) {
                      options.policy = MYCELIUM_POLICY_BLOCK;
                      options.block_timeout_ns = 120'000'000; // time enough for two checks
                      options.capacity = 2;
                    }};
  const interrupted_after check{1};
  std::thread{[&] {
    for (int i = 0; i < 2; ++i)
      EXPECT_TRUE(ok(publish(rt, apples, "fits")));
    EXPECT_TRUE(gives(MYCELIUM_ERROR_TIMEOUT, publish(rt, apples, "does not")));
  }}.join();
  EXPECT_EQ(check.calls_left(), 1);
}

TEST(policy_laws, capacity_is_rounded_up_to_a_power_of_two) {
  bus rt;
  for (auto [asked, given] : {std::pair{2u, 2u}, {3u, 4u}, {5u, 8u}, {1000u, 1024u}, {4096u, 4096u}}) {
    subscriber sub{rt, apples, delivery::message, {}, [&](auto& options) { options.capacity = asked; }};
    EXPECT_EQ(stats_of(rt, sub.id()).capacity, given);
  }
}

} // namespace
} // namespace mycelium::laws
