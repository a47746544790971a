// One subscription: FIFO per publisher under every policy, and never two callbacks at once.
#include "gate.hpp"
#include "subscriber.hpp"

namespace mycelium::laws {
namespace {

// Publishes 1 .. count on each of several threads that start together; returns when all are done.
void publish_from_many(MyceliumRuntime* rt, std::uint16_t type_id, int publishers, int count) {
  gate start;
  std::vector<std::thread> threads;
  for (int p = 0; p < publishers; ++p)
    threads.emplace_back([&, p] {
      start.pass();
      for (int i = 1; i <= count; ++i)
        publish(rt, type_id, std::to_string(p) + ":" + std::to_string(i));
    });
  start.open();
  for (auto& thread : threads)
    thread.join();
}

class order_law : public law_on_every_way {};
INSTANTIATE_TEST_SUITE_P(ways, order_law, testing::ValuesIn(every_way()), name_of_way);

TEST_P(order_law, one_publisher_is_fifo) {
  subscriber sub{rt_, apples, kind(), {}, [](auto& options) { options.capacity = 64; }};
  const auto sent = numbers(1, 5000);
  for (const auto& text : sent)
    ASSERT_TRUE(ok(publish(rt_, apples, text)));
  ASSERT_TRUE(sub.got().wait_for(sent.size()));
  EXPECT_EQ(sub.got().payloads(), sent);
}

TEST_P(order_law, several_publishers_are_each_fifo_and_nothing_is_lost) {
  subscriber sub{rt_, apples, kind(), {}, [](auto& options) { options.capacity = 16; }};
  publish_from_many(rt_, apples, 4, 1000);
  ASSERT_TRUE(sub.got().wait_for(4000));
  EXPECT_TRUE(in_order(sub.got().records()));
  EXPECT_EQ(sub.got().size(), 4000u);
}

TEST_P(order_law, never_two_callbacks_at_once) {
  std::atomic<int> inside{0};
  std::atomic<bool> twice{false};
  subscriber sub{rt_, apples, kind(), [&](const MyceliumMessage*) {
                   if (inside.fetch_add(1) != 0)
                     twice = true;
                   std::this_thread::yield(); // an invitation to break the law
                   inside.fetch_sub(1);
                 }};
  publish_from_many(rt_, apples, 4, 500);
  ASSERT_TRUE(sub.got().wait_for(2000));
  EXPECT_FALSE(twice);
  EXPECT_FALSE(sub.overlapped());
}

TEST_P(order_law, fifo_holds_when_a_callback_publishes_to_its_own_subscription) {
  subscriber sub{rt_, apples, kind(),
                 [&](const MyceliumMessage* message) {
                   const int n = std::stoi(text_of(message));
                   if (n < 200) {
                     EXPECT_TRUE(ok(publish(rt_, apples, std::to_string(n + 1))));
                   }
                 },
                 [](auto& options) { options.capacity = 8; }};
  ASSERT_TRUE(ok(publish(rt_, apples, "1")));
  ASSERT_TRUE(sub.got().wait_for(200));
  EXPECT_EQ(sub.got().payloads(), numbers(1, 200));
  EXPECT_FALSE(sub.overlapped());
}

struct lossy {
  const char* name;
  int policy;
  delivery kind;
};

std::string name_of_lossy(const testing::TestParamInfo<lossy>& info) { return info.param.name; }

class policy_order_law : public testing::TestWithParam<lossy> {};
INSTANTIATE_TEST_SUITE_P(policies, policy_order_law,
                         testing::Values(lossy{"block_pooled", MYCELIUM_POLICY_BLOCK, delivery::message},
                                         lossy{"drop_oldest_pooled", MYCELIUM_POLICY_DROP_OLDEST, delivery::message},
                                         lossy{"drop_newest_pooled", MYCELIUM_POLICY_DROP_NEWEST, delivery::message},
                                         lossy{"fail_pooled", MYCELIUM_POLICY_FAIL, delivery::message},
                                         lossy{"drop_oldest_batch", MYCELIUM_POLICY_DROP_OLDEST, delivery::batch},
                                         lossy{"drop_oldest_dedicated", MYCELIUM_POLICY_DROP_OLDEST,
                                               delivery::dedicated},
                                         lossy{"drop_oldest_inline", MYCELIUM_POLICY_DROP_OLDEST, delivery::inlined},
                                         lossy{"drop_oldest_queue", MYCELIUM_POLICY_DROP_OLDEST, delivery::queue},
                                         lossy{"drop_newest_queue", MYCELIUM_POLICY_DROP_NEWEST, delivery::queue}),
                         name_of_lossy);

TEST_P(policy_order_law, what_arrives_of_each_publisher_is_in_order_and_all_is_accounted_for) {
  bus rt;
  const auto param = GetParam();
  subscriber sub{rt, apples, param.kind, {}, [&](auto& options) {
                   options.policy = param.policy;
                   options.capacity = 4;
                 }};
  publish_from_many(rt, apples, 4, 2000);
  ASSERT_TRUE(ok(mycelium_flush(rt, patience_ns)));
  const auto stats = stats_of(rt, sub.id());
  EXPECT_EQ(stats.offered, 8000u);
  EXPECT_EQ(stats.waiting, 0u);
  EXPECT_TRUE(adds_up(stats));
  ASSERT_TRUE(sub.got().wait_for(stats.delivered));
  EXPECT_TRUE(in_order(sub.got().records(), param.policy == MYCELIUM_POLICY_BLOCK ? gaps::none : gaps::allowed));
  EXPECT_EQ(sub.got().size(), stats.delivered);
}

TEST(order_laws, what_an_inline_callback_publishes_comes_after_what_it_was_called_for) {
  bus rt;
  std::atomic<bool> nest{false};
  const auto publish_once = [&](const MyceliumMessage*) {
    if (nest.exchange(false)) {
      EXPECT_TRUE(ok(publish(rt, apples, "inner")));
    }
  };
  subscriber first{rt, apples, delivery::inlined, publish_once};
  subscriber second{rt, apples, delivery::inlined, publish_once};
  subscriber pooled{rt, apples, delivery::message};
  for (int i = 0; i < 500; ++i) {
    nest = true;
    ASSERT_TRUE(ok(publish(rt, apples, "outer")));
    ASSERT_TRUE(ok(mycelium_flush(rt, patience_ns)));
  }
  for (auto* each : {&first, &second, &pooled}) {
    EXPECT_EQ(each->got().size(), 1000u);
    EXPECT_TRUE(in_order(each->got().records(), gaps::allowed)); // a worker may have published an inner one
  }
}

TEST(order_laws, what_an_inline_callback_publishes_does_not_overtake_at_a_full_mailbox) {
  bus rt;
  std::uint64_t queue = 0;
  ASSERT_TRUE(ok(mycelium_queue_open(rt, &queue)));
  collector taken;
  std::mutex one_at_a_time; // so that what is recorded is in the order in which it was taken
  const auto take_all = [&] {
    std::lock_guard lock{one_at_a_time};
    MyceliumDelivery out[8];
    std::size_t count = 0;
    mycelium_queue_receive(rt, queue, out, 8, 0, &count);
    for (const auto& each : std::span{out}.first(count)) {
      taken.add(each.message);
      mycelium_message_release(each.message);
    }
  };
  std::atomic<bool> nest{false};
  subscriber inlined{rt, apples, delivery::inlined, [&](const MyceliumMessage*) {
                       if (!nest.exchange(false))
                         return;
                       take_all(); // makes room, and takes it at once if it may
                       publish(rt, apples, "inner");
                       take_all();
                     }};
  auto options = new_options();
  options.queue_id = queue;
  options.capacity = 2;
  options.policy = MYCELIUM_POLICY_BLOCK;
  std::uint64_t id = 0;
  ASSERT_TRUE(ok(mycelium_subscribe_with_options(rt, apples, &options, &id)));
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(ok(publish(rt, apples, "1")));
    ASSERT_TRUE(ok(publish(rt, apples, "2")));
    nest = true;
    ASSERT_TRUE(ok(publish(rt, apples, "outer"))); // finds the mailbox full
    std::thread{[&] { // who receives must not wait for itself, so it is not the one who publishes
      EXPECT_TRUE(eventually([&] {
        take_all();
        return !nest && stats_of(rt, inlined.id()).waiting == 0 && stats_of(rt, id).waiting == 0;
      }));
    }}
        .join();
  }
  EXPECT_TRUE(in_order(taken.records(), gaps::allowed));
  ASSERT_TRUE(ok(mycelium_queue_close(rt, queue)));
}

TEST(order_laws, one_publisher_is_fifo_across_the_types_of_a_queue) {
  bus rt;
  std::uint64_t queue = 0;
  ASSERT_TRUE(ok(mycelium_queue_open(rt, &queue)));
  for (auto type : {apples, pears}) {
    auto options = new_options();
    options.queue_id = queue;
    ASSERT_TRUE(ok(mycelium_subscribe_with_options(rt, type, &options, nullptr)));
  }
  for (int i = 1; i <= 100; ++i)
    ASSERT_TRUE(ok(publish(rt, i % 2 == 0 ? apples : pears, std::to_string(i))));
  std::map<std::uint16_t, std::vector<record>> by_type; // FIFO is promised for a subscription, not between two
  for (int taken = 0; taken < 100;) {
    MyceliumDelivery out[8];
    std::size_t count = 0;
    ASSERT_TRUE(ok(mycelium_queue_receive(rt, queue, out, 8, patience_ns, &count)));
    for (const auto& one : std::span{out}.first(count)) {
      const auto envelope = envelope_of(one.message);
      by_type[envelope.type_id].push_back({envelope.type_id, envelope.publisher_id, envelope.sequence, {}, nullptr});
      mycelium_message_release(one.message);
    }
    taken += static_cast<int>(count);
  }
  EXPECT_TRUE(in_order(by_type[apples], gaps::allowed));
  EXPECT_TRUE(in_order(by_type[pears], gaps::allowed));
  EXPECT_EQ(by_type[apples].size(), 50u);
  EXPECT_EQ(by_type[pears].size(), 50u);
}

} // namespace
} // namespace mycelium::laws
