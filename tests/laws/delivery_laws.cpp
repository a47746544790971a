// What is published arrives, unchanged, aligned and copied at most once, in whatever way the subscriber wants it.
#include "gate.hpp"
#include "subscriber.hpp"

#include <algorithm>

namespace mycelium::laws {
namespace {

class delivery_law : public law_on_every_way {};
INSTANTIATE_TEST_SUITE_P(ways, delivery_law, testing::ValuesIn(every_way()), name_of_way);

bool aligned(const std::uint8_t* payload) { return reinterpret_cast<std::uintptr_t>(payload) % 16 == 0; }

TEST_P(delivery_law, a_native_publisher_reaches_a_native_subscriber) {
  subscriber sub{rt_, apples, kind()};
  ASSERT_TRUE(ok(publish(rt_, apples, "hello")));
  ASSERT_TRUE(sub.got().wait_for(1));
  const auto got = sub.got().records();
  EXPECT_EQ(got[0].type_id, apples);
  EXPECT_EQ(got[0].payload, "hello");
}

TEST_P(delivery_law, a_zero_length_payload_is_delivered) {
  subscriber sub{rt_, apples, kind()};
  ASSERT_TRUE(ok(mycelium_publish(rt_, apples, nullptr, 0)));
  const std::uint8_t unused = 7;
  ASSERT_TRUE(ok(mycelium_publish(rt_, apples, &unused, 0)));
  ASSERT_TRUE(sub.got().wait_for(2));
  for (const auto& one : sub.got().records()) {
    EXPECT_EQ(one.payload, "");
    EXPECT_NE(one.address, nullptr) << "a payload is NULL only for a NULL message";
    EXPECT_TRUE(aligned(one.address));
  }
}

TEST_P(delivery_law, every_payload_arrives_unchanged_and_16_byte_aligned) {
  subscriber sub{rt_, apples, kind()};
  std::vector<std::string> sent;
  for (std::size_t size : {1, 2, 15, 16, 17, 63, 64, 65, 1000, 4096, 65536, 1048577})
    for (std::size_t skew : {0, 1, 3}) { // publishers need not align
      std::string source(skew + size, '\0');
      for (std::size_t i = 0; i < source.size(); ++i)
        source[i] = static_cast<char>(i * 31 + size);
      const auto payload = std::string_view{source}.substr(skew);
      ASSERT_TRUE(ok(publish(rt_, apples, payload)));
      sent.emplace_back(payload);
    }
  ASSERT_TRUE(sub.got().wait_for(sent.size()));
  const auto got = sub.got().records();
  ASSERT_EQ(got.size(), sent.size());
  for (std::size_t i = 0; i < sent.size(); ++i) {
    EXPECT_TRUE(got[i].payload == sent[i]) << "payload of " << sent[i].size() << " bytes";
    EXPECT_TRUE(aligned(got[i].address)) << "payload of " << sent[i].size() << " bytes";
  }
}

TEST_P(delivery_law, a_subscriber_gets_only_its_type) {
  subscriber apples_only{rt_, apples, kind()};
  subscriber pears_only{rt_, pears, kind()};
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(ok(publish(rt_, apples, "apple")));
    ASSERT_TRUE(ok(publish(rt_, pears, "pear")));
  }
  ASSERT_TRUE(ok(mycelium_flush(rt_, patience_ns)));
  ASSERT_TRUE(apples_only.got().wait_for(10));
  ASSERT_TRUE(pears_only.got().wait_for(10));
  EXPECT_EQ(apples_only.got().payloads(), std::vector<std::string>(10, "apple"));
  EXPECT_EQ(pears_only.got().payloads(), std::vector<std::string>(10, "pear"));
}

TEST_P(delivery_law, a_retained_message_outlives_the_callback_and_the_runtime) {
  std::atomic<MyceliumMessage*> kept{nullptr};
  {
    subscriber sub{rt_, apples, kind(),
                   [&](const MyceliumMessage* message) { kept = mycelium_message_retain(message); }};
    std::string source = "kept for long";
    ASSERT_TRUE(ok(publish(rt_, apples, source)));
    source.assign(source.size(), '?'); // the publisher may reuse its buffer at once
    ASSERT_TRUE(ok(mycelium_flush(rt_, patience_ns)));
    ASSERT_TRUE(eventually([&] { return kept.load() != nullptr; }));
  }
  rt_.destroy();
  EXPECT_EQ(text_of(kept), "kept for long");
  EXPECT_EQ(mycelium_message_type_id(kept), apples);
  EXPECT_EQ(envelope_of(kept).type_id, apples);
  EXPECT_TRUE(aligned(mycelium_message_payload(kept, nullptr)));
  mycelium_message_release(kept);
}

TEST_P(delivery_law, a_message_may_be_retained_and_released_many_times) {
  std::vector<MyceliumMessage*> kept;
  {
    subscriber sub{rt_, apples, kind(), [&](const MyceliumMessage* message) {
                     kept.push_back(mycelium_message_retain(message));
                     kept.push_back(mycelium_message_retain(kept.back()));
                     mycelium_message_release(mycelium_message_retain(message));
                   }};
    for (auto& text : numbers(1, 100))
      ASSERT_TRUE(ok(publish(rt_, apples, text)));
    ASSERT_TRUE(ok(mycelium_flush(rt_, patience_ns)));
  } // ended: nobody else writes to kept
  ASSERT_EQ(kept.size(), 200u);
  for (std::size_t i = 0; i < kept.size(); ++i) {
    EXPECT_EQ(text_of(kept[i]), std::to_string(i / 2 + 1));
    mycelium_message_release(kept[i]);
  }
}

TEST(delivery_laws, a_payload_is_copied_once_however_many_subscribers) {
  bus rt;
  subscriber first{rt, apples, delivery::message};
  subscriber second{rt, apples, delivery::dedicated};
  subscriber third{rt, apples, delivery::batch};
  subscriber fourth{rt, apples, delivery::queue};
  subscriber fifth{rt, apples, delivery::payload};
  std::vector<MyceliumMessage*> pins; // keep every block alive, so that no address repeats
  {
    subscriber pinned{rt, apples, delivery::message,
                      [&](const MyceliumMessage* message) { pins.push_back(mycelium_message_retain(message)); }};
    const std::string source(1000, 'x');
    for (int i = 0; i < 20; ++i)
      ASSERT_TRUE(ok(publish(rt, apples, source)));
    ASSERT_TRUE(ok(mycelium_flush(rt, patience_ns)));
    for (auto* each : {&first, &second, &third, &fourth, &fifth})
      ASSERT_TRUE(each->got().wait_for(20));
    const auto got = first.got().records();
    for (std::size_t i = 0; i < got.size(); ++i) {
      EXPECT_NE(got[i].address, bytes_of(source).data());
      EXPECT_EQ(mycelium_message_payload(pins[i], nullptr), got[i].address) << "retain copied";
      for (auto* other : {&second, &third, &fourth, &fifth})
        EXPECT_EQ(other->got().records()[i].address, got[i].address);
    }
  }
  for (auto* each : pins)
    mycelium_message_release(each);
}

TEST(delivery_laws, no_subscriber_is_no_error) {
  bus rt;
  EXPECT_TRUE(ok(publish(rt, apples, "to nobody")));
  const auto stats = stats_of(rt);
  EXPECT_EQ(stats.published, 1u);
  EXPECT_EQ(stats.offered, 0u);
}

TEST(delivery_laws, a_publish_that_fails_says_so_at_once_and_reaches_nobody) {
  auto config = new_config();
  config.max_payload = 64;
  bus rt{config};
  subscriber sub{rt, apples};
  const std::string fits(64, 'a');
  const std::string too_long(65, 'b');
  EXPECT_TRUE(gives(MYCELIUM_ERROR_TOO_LARGE, publish(rt, apples, too_long)));
  EXPECT_TRUE(gives(MYCELIUM_ERROR_INVALID_ARGUMENT, publish(rt, 0, "no type")));
  EXPECT_TRUE(gives(MYCELIUM_ERROR_NULL, mycelium_publish(rt, apples, nullptr, 5)));
  EXPECT_TRUE(ok(publish(rt, apples, fits)));
  EXPECT_TRUE(ok(mycelium_flush(rt, patience_ns)));
  EXPECT_EQ(sub.got().payloads(), std::vector{fits});
  const auto stats = stats_of(rt);
  EXPECT_EQ(stats.published, 1u);
  EXPECT_EQ(stats.published_bytes, 64u);
  EXPECT_EQ(stats.refused, 3u);
}

TEST(delivery_laws, the_plain_subscribe_delivers_and_its_id_ends_it) {
  bus rt;
  struct seen {
    collector got;
    static void take(std::uint16_t type_id, const std::uint8_t* payload, std::size_t len, void* self) {
      static_cast<seen*>(self)->got.add(record{type_id, 0, 0, text_of(payload, len), payload});
    }
  } mine;
  std::uint64_t id = 0;
  ASSERT_TRUE(ok(mycelium_subscribe(rt, apples, seen::take, &mine, &id)));
  EXPECT_NE(id, 0u);
  ASSERT_TRUE(ok(publish(rt, apples, "seen")));
  ASSERT_TRUE(mine.got.wait_for(1));
  ASSERT_TRUE(ok(mycelium_unsubscribe(rt, id)));
  ASSERT_TRUE(ok(publish(rt, apples, "not seen")));
  rt.destroy();
  EXPECT_EQ(mine.got.payloads(), std::vector<std::string>{"seen"});
}

TEST(delivery_laws, a_subscription_without_an_id_lasts_as_long_as_the_runtime) {
  bus rt;
  static tally calls; // outlives the runtime whatever fails
  const auto before = calls.count();
  ASSERT_TRUE(ok(mycelium_subscribe(
      rt, apples, [](std::uint16_t, const std::uint8_t*, std::size_t, void*) { calls.add(); }, nullptr, nullptr)));
  ASSERT_TRUE(ok(publish(rt, apples, "one")));
  rt.destroy();
  EXPECT_EQ(calls.count(), before + 1);
}

TEST(delivery_laws, the_current_message_is_known_only_in_a_payload_callback) {
  bus rt;
  EXPECT_EQ(mycelium_message_current(), nullptr);
  std::atomic<bool> right{false};
  subscriber sub{rt, apples, delivery::payload, [&](const MyceliumMessage* message) {
                   right = message == mycelium_message_current() && text_of(message) == "now";
                 }};
  ASSERT_TRUE(ok(publish(rt, apples, "now")));
  ASSERT_TRUE(ok(mycelium_flush(rt, patience_ns)));
  EXPECT_TRUE(right);
  EXPECT_EQ(mycelium_message_current(), nullptr);
}

TEST(delivery_laws, an_inline_callback_nests_and_each_level_sees_its_own_message) {
  bus rt;
  collector order;
  subscriber inner{rt, pears, delivery::inlined, [&](const MyceliumMessage* message) { order.add(message); }};
  subscriber outer{rt, apples, delivery::inlined, [&](const MyceliumMessage* message) {
                     EXPECT_TRUE(ok(publish(rt, pears, "inner of " + text_of(message))));
                     order.add(message); // still the outer one
                   }};
  ASSERT_TRUE(ok(publish(rt, apples, "outer")));
  ASSERT_TRUE(ok(mycelium_flush(rt, patience_ns)));
  auto texts = order.payloads();
  std::sort(texts.begin(), texts.end());
  EXPECT_EQ(texts, (std::vector<std::string>{"inner of outer", "outer"}));
}

TEST(delivery_laws, an_idle_inline_subscription_runs_in_the_publishing_thread) {
  bus rt;
  std::atomic<std::thread::id> ran_on;
  subscriber sub{rt, apples, delivery::inlined, [&](const MyceliumMessage*) { ran_on = std::this_thread::get_id(); }};
  EXPECT_TRUE(eventually([&] { // it may still be getting ready, or settling after the last one
    EXPECT_TRUE(ok(publish(rt, apples, "here")));
    return ran_on.load() == std::this_thread::get_id();
  }));
}

} // namespace
} // namespace mycelium::laws
