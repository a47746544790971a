// Kept messages: the last n, oldest first, then what is published, without a gap or a duplicate in between.
#include "gate.hpp"
#include "subscriber.hpp"

namespace mycelium::laws {
namespace {

class history_law : public law_on_every_way {
protected:
  static subscriber::tweak last(std::uint32_t history) {
    return [history](MyceliumSubscribeOptions& options) { options.history = history; };
  }
};
INSTANTIATE_TEST_SUITE_P(ways, history_law, testing::ValuesIn(every_way()), name_of_way);

TEST_P(history_law, the_last_messages_come_first_and_oldest_first) {
  ASSERT_TRUE(ok(mycelium_keep_history(rt_, apples, 5)));
  for (auto& text : numbers(1, 20))
    ASSERT_TRUE(ok(publish(rt_, apples, text)));
  subscriber all{rt_, apples, kind(), {}, last(100)};
  subscriber some{rt_, apples, kind(), {}, last(3)};
  subscriber none{rt_, apples, kind()};
  ASSERT_TRUE(ok(publish(rt_, apples, "21")));
  ASSERT_TRUE(ok(mycelium_flush(rt_, patience_ns)));
  ASSERT_TRUE(all.got().wait_for(6));
  ASSERT_TRUE(some.got().wait_for(4));
  ASSERT_TRUE(none.got().wait_for(1));
  EXPECT_EQ(all.got().payloads(), numbers(16, 21));
  EXPECT_EQ(some.got().payloads(), numbers(18, 21));
  EXPECT_EQ(none.got().payloads(), numbers(21, 21));
  EXPECT_TRUE(in_order(all.got().records())) << "their envelopes are those of the publish";
}

TEST_P(history_law, no_gap_and_no_duplicate_while_a_publisher_is_publishing) {
  ASSERT_TRUE(ok(mycelium_keep_history(rt_, apples, 64)));
  std::atomic<bool> stop{false};
  tally published;
  std::thread publisher{[&] {
    for (int i = 1; !stop; ++i) {
      EXPECT_TRUE(ok(publish(rt_, apples, std::to_string(i))));
      published.add();
    }
  }};
  EXPECT_TRUE(published.wait_for(64));
  for (int round = 0; round < 20; ++round) {
    subscriber sub{rt_, apples, kind(), {}, last(64)};
    EXPECT_TRUE(sub.got().wait_for(200));
    EXPECT_TRUE(ok(mycelium_unsubscribe(rt_, sub.id())));
    const auto got = sub.got().payloads();
    for (std::size_t i = 1; i < got.size(); ++i)
      if (std::stoi(got[i]) != std::stoi(got[i - 1]) + 1) {
        ADD_FAILURE() << got[i] << " after " << got[i - 1] << " at position " << i;
        break;
      }
  }
  stop = true;
  publisher.join();
}

TEST(history_laws, only_what_is_for_all_is_kept) {
  bus rt;
  ASSERT_TRUE(ok(mycelium_keep_history(rt, apples, 8)));
  subscriber early{rt, apples};
  auto to_early = new_envelope(apples);
  to_early.destination = MYCELIUM_TO_SUBSCRIPTION;
  to_early.destination_key = early.id();
  ASSERT_TRUE(ok(publish(rt, apples, "for all")));
  ASSERT_TRUE(ok(mycelium_publish_envelope(rt, &to_early, bytes_of("x").data(), 1)));
  MyceliumMessage* reply = nullptr;
  EXPECT_TRUE(gives(MYCELIUM_ERROR_NO_REPLY, mycelium_request(rt, apples, nullptr, 0, patience_ns, &reply)))
      << "its servers let it go: no history holds it";
  subscriber late{rt, apples, delivery::message, {}, [](auto& options) { options.history = 8; }};
  ASSERT_TRUE(ok(mycelium_flush(rt, patience_ns)));
  EXPECT_EQ(early.got().size(), 3u);
  EXPECT_EQ(late.got().payloads(), std::vector<std::string>{"for all"});
}

TEST(history_laws, depth_zero_forgets) {
  bus rt;
  ASSERT_TRUE(ok(mycelium_keep_history(rt, apples, 5)));
  ASSERT_TRUE(ok(publish(rt, apples, "1")));
  ASSERT_TRUE(ok(mycelium_keep_history(rt, apples, 0)));
  ASSERT_TRUE(ok(publish(rt, apples, "2")));
  subscriber sub{rt, apples, delivery::message, {}, [](auto& options) { options.history = 10; }};
  ASSERT_TRUE(ok(publish(rt, apples, "3")));
  ASSERT_TRUE(ok(mycelium_flush(rt, patience_ns)));
  EXPECT_EQ(sub.got().payloads(), numbers(3, 3));
}

TEST(history_laws, a_smaller_depth_keeps_the_newest) {
  bus rt;
  ASSERT_TRUE(ok(mycelium_keep_history(rt, apples, 8)));
  for (auto& text : numbers(1, 8))
    ASSERT_TRUE(ok(publish(rt, apples, text)));
  ASSERT_TRUE(ok(mycelium_keep_history(rt, apples, 2)));
  subscriber sub{rt, apples, delivery::message, {}, [](auto& options) { options.history = 10; }};
  ASSERT_TRUE(ok(mycelium_flush(rt, patience_ns)));
  EXPECT_EQ(sub.got().payloads(), numbers(7, 8));
}

TEST(history_laws, forgetting_and_keeping_again_loses_and_repeats_nothing) {
  bus rt;
  ASSERT_TRUE(ok(mycelium_keep_history(rt, apples, 4)));
  for (auto& text : numbers(1, 100))
    ASSERT_TRUE(ok(publish(rt, apples, text)));
  subscriber sub{rt, apples, delivery::message, {}, [](auto& options) { options.history = 4; }};
  ASSERT_TRUE(ok(mycelium_keep_history(rt, apples, 0)));
  ASSERT_TRUE(ok(mycelium_keep_history(rt, apples, 4)));
  for (auto& text : numbers(101, 200))
    ASSERT_TRUE(ok(publish(rt, apples, text)));
  ASSERT_TRUE(sub.got().wait_for(104));
  ASSERT_TRUE(ok(mycelium_flush(rt, patience_ns)));
  EXPECT_EQ(sub.got().payloads(), numbers(97, 200));
  EXPECT_TRUE(adds_up(stats_of(rt, sub.id())));
}

TEST(history_laws, history_is_kept_for_each_type_apart) {
  bus rt;
  ASSERT_TRUE(ok(mycelium_keep_history(rt, apples, 5)));
  ASSERT_TRUE(ok(publish(rt, apples, "apple")));
  ASSERT_TRUE(ok(publish(rt, pears, "pear")));
  subscriber pear{rt, pears, delivery::message, {}, [](auto& options) { options.history = 5; }};
  subscriber apple{rt, apples, delivery::message, {}, [](auto& options) { options.history = 5; }};
  ASSERT_TRUE(ok(mycelium_flush(rt, patience_ns)));
  EXPECT_EQ(apple.got().payloads(), std::vector<std::string>{"apple"});
  EXPECT_EQ(pear.got().size(), 0u);
}

TEST(history_laws, what_is_kept_counts_as_offered_and_delivered) {
  bus rt;
  ASSERT_TRUE(ok(mycelium_keep_history(rt, apples, 5)));
  for (auto& text : numbers(1, 5))
    ASSERT_TRUE(ok(publish(rt, apples, text)));
  subscriber sub{rt, apples, delivery::message, {}, [](auto& options) { options.history = 5; }};
  ASSERT_TRUE(ok(mycelium_flush(rt, patience_ns)));
  const auto stats = stats_of(rt, sub.id());
  EXPECT_EQ(stats.delivered, 5u);
  EXPECT_TRUE(adds_up(stats));
  EXPECT_TRUE(adds_up(stats_of(rt)));
}

} // namespace
} // namespace mycelium::laws
