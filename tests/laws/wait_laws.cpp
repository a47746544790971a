// Waiting for the bus itself: flush until all that was accepted is delivered or dropped, wait_for_subscribers until
// somebody listens.
#include "gate.hpp"
#include "subscriber.hpp"

#include <barrier>

namespace mycelium::laws {
namespace {

class flush_law : public law_on_every_way {};
INSTANTIATE_TEST_SUITE_P(ways, flush_law, testing::ValuesIn(every_callback_way()), name_of_way);

TEST_P(flush_law, what_was_accepted_is_delivered_when_flush_returns) {
  subscriber first{rt_, apples, kind()};
  subscriber second{rt_, apples, kind()};
  std::size_t sent = 0;
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 50; ++i, ++sent)
      ASSERT_TRUE(ok(publish(rt_, apples, "x")));
    ASSERT_TRUE(ok(mycelium_flush(rt_, patience_ns)));
    EXPECT_EQ(first.got().size(), sent);
    EXPECT_EQ(second.got().size(), sent);
    const auto stats = stats_of(rt_);
    EXPECT_EQ(stats.waiting, 0u);
    EXPECT_EQ(stats.delivered, 2 * sent);
  }
}

TEST_P(flush_law, flush_returns_while_others_go_on_publishing) {
  std::atomic<int> mine{0};
  auto options = new_options(); // not a subscriber, which would record all of theirs
  options.user_data = &mine;
  options.flags = kind() == delivery::dedicated ? MYCELIUM_SUBSCRIBE_DEDICATED
                  : kind() == delivery::inlined ? MYCELIUM_SUBSCRIBE_INLINE
                                                : 0;
  options.on_message = [](const MyceliumMessage* message, void* count) {
    if (text_of(message) == "mine")
      static_cast<std::atomic<int>*>(count)->fetch_add(1);
  };
  std::uint64_t id = 0;
  ASSERT_TRUE(ok(mycelium_subscribe_with_options(rt_, apples, &options, &id)));
  std::atomic<bool> stop{false};
  std::thread publisher{[&] {
    while (!stop)
      publish(rt_, apples, "theirs");
  }};
  for (int round = 0; round < 20; ++round) {
    EXPECT_TRUE(ok(publish(rt_, apples, "mine")));
    EXPECT_TRUE(ok(mycelium_flush(rt_, patience_ns)));
    EXPECT_EQ(mine, round + 1);
  }
  stop = true;
  publisher.join();
  EXPECT_TRUE(ok(mycelium_unsubscribe(rt_, id)));
}

TEST(flush_laws, a_flush_with_nothing_to_wait_for_returns_at_once) {
  bus rt;
  EXPECT_TRUE(ok(mycelium_flush(rt, 0)));
  subscriber sub{rt, apples};
  EXPECT_TRUE(ok(mycelium_flush(rt, patience_ns)));
  EXPECT_TRUE(ok(publish(rt, pears, "to nobody")));
  EXPECT_TRUE(ok(mycelium_flush(rt, patience_ns)));
}

TEST(flush_laws, a_flush_that_times_out_names_the_slowest) {
  bus rt;
  gate stop;
  opens_at_end release{stop};
  subscriber quick{rt, apples, delivery::message, {}, [](auto& options) { options.name = "the-quick-one"; }};
  subscriber slow{rt, apples, delivery::dedicated, [&](const MyceliumMessage*) { stop.pass(); },
                  [](auto& options) { options.name = "the-slow-one"; }};
  ASSERT_TRUE(ok(publish(rt, apples, "x")));
  ASSERT_TRUE(stop.wait_for_arrivals());
  ASSERT_TRUE(quick.got().wait_for(1));
  EXPECT_TRUE(gives(MYCELIUM_ERROR_TIMEOUT, mycelium_flush(rt, 1'000'000)));
  EXPECT_NE(std::string{mycelium_last_error()}.find("the-slow-one"), std::string::npos) << mycelium_last_error();
  stop.open();
  EXPECT_TRUE(ok(mycelium_flush(rt, patience_ns)));
}

TEST(flush_laws, a_message_in_a_queue_is_delivered_when_it_is_taken) {
  bus rt;
  std::uint64_t queue = 0;
  ASSERT_TRUE(ok(mycelium_queue_open(rt, &queue)));
  auto options = new_options();
  options.queue_id = queue;
  ASSERT_TRUE(ok(mycelium_subscribe_with_options(rt, apples, &options, nullptr)));
  ASSERT_TRUE(ok(publish(rt, apples, "x")));
  EXPECT_TRUE(gives(MYCELIUM_ERROR_TIMEOUT, mycelium_flush(rt, 1'000'000)));
  MyceliumDelivery one{};
  std::size_t count = 0;
  ASSERT_TRUE(ok(mycelium_queue_receive(rt, queue, &one, 1, patience_ns, &count)));
  EXPECT_TRUE(ok(mycelium_flush(rt, patience_ns)));
  mycelium_message_release(one.message);
}

TEST(flush_laws, an_ending_subscription_does_not_hold_up_a_flush) {
  bus rt;
  gate stop;
  opens_at_end release{stop};
  auto slow =
      std::make_unique<subscriber>(rt, apples, delivery::dedicated, [&](const MyceliumMessage*) { stop.pass(); });
  for (int i = 0; i < 10; ++i)
    ASSERT_TRUE(ok(publish(rt, apples, "x")));
  ASSERT_TRUE(stop.wait_for_arrivals());
  std::barrier both{2};
  std::thread flusher{[&] {
    both.arrive_and_wait();
    EXPECT_TRUE(ok(mycelium_flush(rt, patience_ns))); // what waits is dropped: that ends the wait too
  }};
  both.arrive_and_wait();
  std::thread opener{[&] { stop.open(); }};
  slow.reset();
  flusher.join();
  opener.join();
}

TEST(wait_laws, wait_for_subscribers_counts_those_that_exist) {
  bus rt;
  EXPECT_TRUE(ok(mycelium_wait_for_subscribers(rt, apples, 0, 0)));
  EXPECT_TRUE(gives(MYCELIUM_ERROR_TIMEOUT, mycelium_wait_for_subscribers(rt, apples, 1, 0)));
  EXPECT_TRUE(gives(MYCELIUM_ERROR_TIMEOUT, mycelium_wait_for_subscribers(rt, apples, 1, 1'000'000)));
  subscriber pear{rt, pears};
  EXPECT_TRUE(gives(MYCELIUM_ERROR_TIMEOUT, mycelium_wait_for_subscribers(rt, apples, 1, 0)));
  subscriber one{rt, apples};
  EXPECT_TRUE(ok(mycelium_wait_for_subscribers(rt, apples, 1, 0)));
  EXPECT_TRUE(gives(MYCELIUM_ERROR_TIMEOUT, mycelium_wait_for_subscribers(rt, apples, 2, 0)));
  {
    subscriber two{rt, apples, delivery::queue};
    EXPECT_TRUE(ok(mycelium_wait_for_subscribers(rt, apples, 2, 0)));
  }
  EXPECT_TRUE(gives(MYCELIUM_ERROR_TIMEOUT, mycelium_wait_for_subscribers(rt, apples, 2, 0))) << "one has left";
}

TEST(wait_laws, wait_for_subscribers_wakes_up_for_each_that_comes) {
  for (std::uint32_t threads : {1u, 2u}) {
    bus rt{threads};
    std::thread waiter{[&] { EXPECT_TRUE(ok(mycelium_wait_for_subscribers(rt, apples, 3, MYCELIUM_FOREVER))); }};
    subscriber one{rt, apples};
    subscriber two{rt, apples, delivery::dedicated};
    subscriber three{rt, apples, delivery::queue};
    waiter.join();
  }
}

TEST(wait_laws, a_message_published_after_the_wait_is_delivered) {
  bus rt;
  collector got;
  std::thread publisher{[&] {
    EXPECT_TRUE(ok(mycelium_wait_for_subscribers(rt, apples, 1, MYCELIUM_FOREVER)));
    EXPECT_TRUE(ok(publish(rt, apples, "nobody missed me")));
  }};
  subscriber sub{rt, apples};
  publisher.join();
  ASSERT_TRUE(sub.got().wait_for(1));
}

TEST(wait_laws, a_waiter_is_woken_by_close) {
  bus rt;
  std::barrier both{2};
  std::thread waiter{[&] {
    both.arrive_and_wait();
    EXPECT_TRUE(gives(MYCELIUM_ERROR_CLOSED, mycelium_wait_for_subscribers(rt, apples, 1, MYCELIUM_FOREVER)));
  }};
  both.arrive_and_wait();
  EXPECT_TRUE(ok(mycelium_runtime_close(rt, patience_ns)));
  waiter.join();
}

} // namespace
} // namespace mycelium::laws
