// What travels beside the payload: who published it, when, in which order, for whom, and whatever the publisher
// attached.
#include "subscriber.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace mycelium::laws {
namespace {

// Keeps the envelope of everything that arrives.
class envelopes {
public:
  subscriber::hook hook() {
    return [this](const MyceliumMessage* message) {
      std::lock_guard lock{mutex_};
      all_.push_back(envelope_of(message));
    };
  }
  std::vector<MyceliumEnvelope> all() const {
    std::lock_guard lock{mutex_};
    return all_;
  }

private:
  mutable std::mutex mutex_;
  std::vector<MyceliumEnvelope> all_;
};

std::int64_t wall_clock_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

class envelope_law : public law_on_every_way {};
INSTANTIATE_TEST_SUITE_P(ways, envelope_law, testing::ValuesIn(every_way()), name_of_way);

TEST_P(envelope_law, the_sequence_of_a_publisher_counts_from_one_and_refusals_leave_no_gap) {
  subscriber sub{rt_, apples, kind()};
  std::thread{[&] { // a new thread is a new publisher
    for (int i = 0; i < 5; ++i) {
      EXPECT_TRUE(ok(publish(rt_, apples, "x")));
      EXPECT_TRUE(gives(MYCELIUM_ERROR_NULL, mycelium_publish(rt_, apples, nullptr, 1)));
    }
  }}
      .join();
  ASSERT_TRUE(sub.got().wait_for(5));
  std::vector<std::uint64_t> sequences;
  for (auto& one : sub.got().records())
    sequences.push_back(one.sequence);
  EXPECT_EQ(sequences, (std::vector<std::uint64_t>{1, 2, 3, 4, 5}));
}

TEST_P(envelope_law, each_thread_is_a_publisher_of_its_own) {
  subscriber sub{rt_, apples, kind()};
  constexpr std::size_t threads = 4;
  for (std::size_t t = 0; t < threads; ++t) // one after the other: an id is not used again either
    std::thread{[&] {
      for (int i = 0; i < 3; ++i)
        EXPECT_TRUE(ok(publish(rt_, apples, "x")));
    }}.join();
  ASSERT_TRUE(sub.got().wait_for(3 * threads));
  std::set<std::uint64_t> publishers;
  for (auto& one : sub.got().records())
    publishers.insert(one.publisher);
  EXPECT_EQ(publishers.size(), threads);
  EXPECT_FALSE(publishers.contains(0));
  EXPECT_TRUE(in_order(sub.got().records()));
}

TEST_P(envelope_law, the_timestamp_lies_within_the_call) {
  envelopes seen;
  subscriber sub{rt_, apples, kind(), seen.hook()};
  const auto before = wall_clock_ns();
  ASSERT_TRUE(ok(publish(rt_, apples, "now")));
  const auto after = wall_clock_ns();
  ASSERT_TRUE(eventually([&] { return seen.all().size() == 1; }));
  // A fast clock may be a calibrated counter: it may lag the wall clock, but not by a millisecond.
  EXPECT_GE(seen.all()[0].timestamp_ns, before - 1'000'000);
  EXPECT_LE(seen.all()[0].timestamp_ns, after + 1'000'000);
}

TEST_P(envelope_law, what_the_publisher_attaches_is_carried) {
  envelopes seen;
  subscriber sub{rt_, apples, kind(), seen.hook()};
  auto sent = new_envelope(apples);
  sent.priority = 200;
  sent.correlation_id = 0x1234'5678'9abc'def0;
  sent.has_trace = 1;
  for (std::size_t i = 0; i < 16; ++i)
    sent.trace_id[i] = static_cast<std::uint8_t>(i + 1);
  for (std::size_t i = 0; i < 8; ++i)
    sent.span_id[i] = static_cast<std::uint8_t>(i + 101);
  sent.trace_flags = 1;
  sent.sequence = 999; // these three are the runtime's to set
  sent.publisher_id = 999;
  sent.timestamp_ns = 999;
  ASSERT_TRUE(ok(mycelium_publish_envelope(rt_, &sent, bytes_of("traced").data(), 6)));
  ASSERT_TRUE(ok(publish(rt_, apples, "plain")));
  ASSERT_TRUE(eventually([&] { return seen.all().size() == 2; }));
  const auto got = seen.all()[0];
  EXPECT_EQ(got.struct_size, sizeof got);
  EXPECT_EQ(got.type_id, apples);
  EXPECT_EQ(got.priority, 200);
  EXPECT_EQ(got.correlation_id, sent.correlation_id);
  EXPECT_EQ(got.has_trace, 1);
  EXPECT_TRUE(std::ranges::equal(got.trace_id, sent.trace_id));
  EXPECT_TRUE(std::ranges::equal(got.span_id, sent.span_id));
  EXPECT_EQ(got.trace_flags, 1);
  EXPECT_NE(got.timestamp_ns, 999);
  EXPECT_NE(got.publisher_id, 999u);
  const auto plain = seen.all()[1];
  EXPECT_EQ(plain.has_trace, 0);
  EXPECT_TRUE(std::ranges::all_of(plain.trace_id, [](auto byte) { return byte == 0; }));
  EXPECT_EQ(plain.correlation_id, 0u);
  EXPECT_EQ(plain.priority, 0);
  EXPECT_EQ(plain.destination, MYCELIUM_TO_ALL);
  EXPECT_EQ(plain.publisher_id, got.publisher_id);
  EXPECT_EQ(plain.sequence, got.sequence + 1);
  EXPECT_EQ(sub.got().payloads(), (std::vector<std::string>{"traced", "plain"}));
}

TEST(envelope_laws, priority_does_not_break_fifo) {
  bus rt;
  subscriber sub{rt, apples};
  for (int i = 1; i <= 100; ++i) {
    auto envelope = new_envelope(apples);
    envelope.priority = static_cast<std::uint8_t>(i % 7 * 30);
    const auto text = std::to_string(i);
    ASSERT_TRUE(ok(mycelium_publish_envelope(rt, &envelope, bytes_of(text).data(), text.size())));
  }
  ASSERT_TRUE(sub.got().wait_for(100));
  EXPECT_EQ(sub.got().payloads(), numbers(1, 100));
}

TEST_P(envelope_law, a_message_for_one_subscription_reaches_only_that_one) {
  subscriber first{rt_, apples, kind()};
  subscriber second{rt_, apples, kind()};
  subscriber elsewhere{rt_, pears, kind()};
  auto envelope = new_envelope(apples);
  envelope.destination = MYCELIUM_TO_SUBSCRIPTION;
  for (auto key : {second.id(), elsewhere.id(), second.id() + 1000}) { // the last two are no subscription of this type
    envelope.destination_key = key;
    EXPECT_TRUE(ok(mycelium_publish_envelope(rt_, &envelope, bytes_of("yours").data(), 5)));
  }
  ASSERT_TRUE(ok(publish(rt_, apples, "everybody's")));
  ASSERT_TRUE(second.got().wait_for(2));
  ASSERT_TRUE(first.got().wait_for(1));
  ASSERT_TRUE(ok(mycelium_flush(rt_, patience_ns)));
  EXPECT_EQ(first.got().payloads(), std::vector<std::string>{"everybody's"});
  EXPECT_EQ(second.got().payloads(), (std::vector<std::string>{"yours", "everybody's"}));
  EXPECT_EQ(elsewhere.got().size(), 0u);
}

TEST_P(envelope_law, a_key_always_reaches_the_same_one_of_a_set_of_subscriptions) {
  constexpr std::size_t members = 4;
  constexpr std::uint64_t keys = 64;
  std::vector<std::unique_ptr<subscriber>> set;
  for (std::size_t i = 0; i < members; ++i)
    set.push_back(std::make_unique<subscriber>(rt_, apples, kind()));
  for (int round = 0; round < 3; ++round)
    for (std::uint64_t key = 0; key < keys; ++key) {
      auto envelope = new_envelope(apples);
      envelope.destination = MYCELIUM_TO_KEY;
      envelope.destination_key = key;
      const auto text = std::to_string(key);
      ASSERT_TRUE(ok(mycelium_publish_envelope(rt_, &envelope, bytes_of(text).data(), text.size())));
    }
  ASSERT_TRUE(ok(mycelium_flush(rt_, patience_ns)));
  ASSERT_TRUE(eventually([&] {
    std::size_t total = 0;
    for (auto& each : set)
      total += each->got().size();
    return total == 3 * keys;
  })) << "each message reaches exactly one";
  for (auto& each : set) {
    std::map<std::string, int> times;
    for (auto& text : each->got().payloads())
      ++times[text];
    EXPECT_GE(times.size(), 2u) << "64 keys over 4 members, and one got next to nothing";
    for (auto& [key, count] : times)
      EXPECT_EQ(count, 3) << "key " << key << " went to several";
  }
}

TEST(envelope_laws, when_a_member_leaves_only_its_keys_move) {
  bus rt;
  constexpr std::uint64_t keys = 64;
  const auto send_all = [&] {
    for (std::uint64_t key = 0; key < keys; ++key) {
      auto envelope = new_envelope(apples);
      envelope.destination = MYCELIUM_TO_KEY;
      envelope.destination_key = key;
      const auto text = std::to_string(key);
      EXPECT_TRUE(ok(mycelium_publish_envelope(rt, &envelope, bytes_of(text).data(), text.size())));
    }
    EXPECT_TRUE(ok(mycelium_flush(rt, patience_ns)));
  };
  subscriber first{rt, apples};
  subscriber second{rt, apples};
  auto third = std::make_unique<subscriber>(rt, apples);
  send_all();
  const auto first_before = first.got().payloads();
  const auto second_before = second.got().payloads();
  third.reset();
  send_all();
  const auto stayed = [](const std::vector<std::string>& before, const std::vector<std::string>& both) {
    const std::vector<std::string> after{both.begin() + static_cast<std::ptrdiff_t>(before.size()), both.end()};
    return std::ranges::includes(std::set<std::string>{after.begin(), after.end()},
                                 std::set<std::string>{before.begin(), before.end()});
  };
  EXPECT_TRUE(stayed(first_before, first.got().payloads()));
  EXPECT_TRUE(stayed(second_before, second.got().payloads()));
  EXPECT_EQ(first.got().size() + second.got().size(), first_before.size() + second_before.size() + keys);
}

TEST(envelope_laws, a_smaller_envelope_of_an_older_program_is_filled_as_far_as_it_goes) {
  bus rt;
  std::atomic<bool> checked{false};
  subscriber sub{rt, apples, delivery::message, [&](const MyceliumMessage* message) {
                   MyceliumEnvelope out;
                   std::fill_n(reinterpret_cast<unsigned char*>(&out), sizeof out, static_cast<unsigned char>(0xee));
                   out.struct_size = offsetof(MyceliumEnvelope, trace_id);
                   EXPECT_TRUE(ok(mycelium_message_envelope(message, &out)));
                   EXPECT_EQ(out.type_id, apples);
                   EXPECT_EQ(out.trace_id[0], 0xee) << "written past struct_size";
                   EXPECT_EQ(out.trace_flags, 0xee) << "written past struct_size";
                   checked = true;
                 }};
  ASSERT_TRUE(ok(publish(rt, apples, "x")));
  ASSERT_TRUE(ok(mycelium_flush(rt, patience_ns)));
  EXPECT_TRUE(checked);
}

} // namespace
} // namespace mycelium::laws
