// Publishing: values, bytes, headers, batches, loans.
#include "waiting.hpp"

#include <algorithm>

namespace mycelium::cpp_tests {
namespace {

TEST(publish, a_value_arrives_as_it_was_sent) {
  const auto bus = new_runtime();
  collected<TextMessage> got;
  const auto hearing = bus.subscribe<TextMessage>([&](const TextMessage& each) { got.add(each); }).value();
  const TextMessage sent{.sender = "me", .content = std::string(100'000, 'x'), .timestamp = 9};
  bus.publish(sent).value();
  EXPECT_EQ(got.wait_for(1), std::vector{sent});
}

TEST(publish, bytes_arrive_as_they_were_sent_also_none) {
  const auto bus = new_runtime();
  collected<std::string> got;
  const auto hearing = bus.subscribe(apples, [&](bytes each) { got.add(std::string(text_of(each))); }).value();
  bus.publish(apples, bytes_of("red")).value();
  bus.publish(apples, {}).value();
  EXPECT_EQ(got.wait_for(2), (std::vector<std::string>{"red", ""}));
}

TEST(publish, nobody_subscribed_is_no_error) { EXPECT_TRUE(new_runtime().publish(TextMessage{.content = "alone"})); }

TEST(publish, headers_travel_in_the_envelope) {
  const auto bus = new_runtime();
  collected<envelope> got;
  const auto hearing =
      bus.subscribe<TextMessage>([&](const message<TextMessage>& each) { got.add(each.envelope()); }).value();
  headers with{.priority = 7, .correlation_id = 99, .trace = {.flags = 1}};
  with.trace.trace_id[3] = 5;
  with.trace.span_id[7] = 6;
  const auto before = std::chrono::system_clock::now();
  bus.publish(TextMessage{}, with).value();
  bus.publish(TextMessage::type_id, TextMessage{}.encode(), with).value();
  bus.publish(TextMessage{}).value();
  const auto all = got.wait_for(3);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].given, with);
  EXPECT_EQ(all[1].given, with);
  EXPECT_EQ(all[2].given, headers{});
  EXPECT_TRUE(all[0].given.trace);
  EXPECT_FALSE(all[2].given.trace);
  EXPECT_EQ(all[0].type_id, TextMessage::type_id);
  EXPECT_EQ(all[1].sequence, all[0].sequence + 1);
  EXPECT_EQ(all[1].publisher_id, all[0].publisher_id);
  EXPECT_GE(all[0].timestamp, before - 1s);
  EXPECT_LE(all[0].timestamp, std::chrono::system_clock::now() + 1s);
}

TEST(publish, a_destination_reaches_one_subscription) {
  const auto bus = new_runtime();
  collected<int> got;
  const auto first = bus.subscribe(apples, [&](bytes) { got.add(1); }).value();
  const auto second = bus.subscribe(apples, [&](bytes) { got.add(2); }).value();
  bus.publish(apples, {}, {.to = destination::subscription, .destination_key = second.id()}).value();
  bus.flush(patience).value();
  EXPECT_EQ(got.wait_for(1), std::vector{2});
}

// As generated code does it.
struct incomplete {
  static constexpr std::uint16_t type_id = apples;
  std::vector<std::uint8_t> encode() const { throw std::logic_error("the overload below is the one that is used"); }
  bytes encode(std::string&) const { throw std::invalid_argument("name is required; set it before you encode"); }
  static std::optional<incomplete> decode(bytes) { return std::nullopt; }
};

TEST(publish, a_value_without_a_required_field_is_an_error) {
  const auto refused = new_runtime().publish(incomplete{});
  EXPECT_EQ(refused.code(), status::invalid_argument);
  EXPECT_EQ(refused.error().text, "name is required; set it before you encode");
}

// A message type needs no generated code.
struct by_hand {
  static constexpr std::uint16_t type_id = 20009;
  std::string text;
  std::string encode() const = delete;
};
struct plain {
  static constexpr std::uint16_t type_id = 20010;
  std::uint8_t value = 0;
  std::vector<std::uint8_t> encode() const { return {value}; }
  static std::optional<plain> decode(bytes payload) {
    return payload.size() == 1 ? std::optional(plain{payload[0]}) : std::nullopt;
  }
};
static_assert(message_type<plain> && message_type<TextMessage> && !message_type<by_hand> && !message_type<int>);

TEST(publish, a_message_type_may_be_written_by_hand) {
  const auto bus = new_runtime();
  collected<int> got;
  const auto hearing = bus.subscribe<plain>([&](plain each) { got.add(each.value); }).value();
  bus.publish(plain{42}).value();
  bus.publish(plain::type_id, bytes_of("two")).value(); // no plain: an error of the callback
  bus.flush(patience).value();
  EXPECT_EQ(got.wait_for(1), std::vector{42});
  EXPECT_EQ(hearing.stats()->callback_errors, 1u);
}

TEST(publish, a_batch_arrives_in_order) {
  const auto bus = new_runtime();
  collected<int> got;
  const auto hearing = bus.subscribe<CounterUpdate>([&](const CounterUpdate& each) { got.add(each.value); }).value();
  std::vector<CounterUpdate> updates;
  for (int i = 0; i < 100; ++i)
    updates.push_back({.value = i});
  const auto done = bus.publish_batch(std::span<const CounterUpdate>(updates));
  EXPECT_TRUE(done);
  EXPECT_EQ(done.accepted, 100u);
  const auto all = got.wait_for(100);
  ASSERT_EQ(all.size(), 100u);
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(all[static_cast<std::size_t>(i)], i);
}

TEST(publish, a_batch_says_how_far_it_came) {
  const auto bus = new_runtime({.max_payload = 10});
  const payload payloads[] = {{apples, bytes_of("one")}, {apples, bytes_of("far too large")}, {apples, {}}};
  const auto done = bus.publish_batch(payloads);
  EXPECT_FALSE(done);
  EXPECT_EQ(done.accepted, 1u);
  EXPECT_EQ(done.outcome.code(), status::too_large);
}

TEST(publish, a_loan_is_published_from_where_it_was_written) {
  const auto bus = new_runtime();
  collected<std::pair<const std::uint8_t*, std::string>> got;
  const auto hearing = bus.subscribe(apples,
                                     [&](bytes each) {
                                       got.add({each.data(), std::string(text_of(each))});
                                     })
                           .value();
  auto lent = bus.borrow(64).value();
  EXPECT_EQ(lent.memory().size(), 64u);
  std::ranges::copy(bytes_of("in place"), lent.memory().begin());
  const auto* where = lent.memory().data();
  lent.publish(apples, 8).value();
  EXPECT_FALSE(lent);
  EXPECT_TRUE(lent.memory().empty());
  const auto all = got.wait_for(1);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].first, where);
  EXPECT_EQ(all[0].second, "in place");
}

TEST(publish, a_loan_that_nobody_got_can_be_published_again) {
  const auto bus = new_runtime();
  auto lent = bus.borrow(16).value();
  EXPECT_EQ(lent.publish(apples, 17).code(), status::invalid_argument);
  EXPECT_EQ(lent.publish(0, 4).code(), status::invalid_argument);
  ASSERT_TRUE(lent);
  EXPECT_TRUE(lent.publish(apples, 4));
  EXPECT_EQ(lent.publish(apples, 4).code(), status::null) << "it is spent";
}

TEST(publish, a_loan_that_is_refused_after_the_end_is_freed) {
  auto bus = new_runtime();
  auto lent = bus.borrow(16).value();
  auto moved = std::move(lent);
  EXPECT_FALSE(lent);
  bus.close(patience).value();
  EXPECT_EQ(moved.publish(apples, 4).code(), status::closed);
  EXPECT_TRUE(moved); // freed by its destructor: a leak is seen under AddressSanitizer
  EXPECT_EQ(bus.borrow(16).code(), status::closed);
}

TEST(publish, an_inline_callback_may_publish_while_its_message_is_read) {
  const auto bus = new_runtime();
  const std::string text(200, 'a');
  collected<std::string> got;
  const auto answering = bus.subscribe<CounterUpdate>([&](const CounterUpdate&) { got.add("counted"); }).value();
  const auto hearing = bus.subscribe<TextMessage>(
                              [&](const message<TextMessage>& each) {
                                bus.publish(CounterUpdate{.value = 1}).value();
                                bus.publish(CounterUpdate{.value = 2}).value();
                                got.add(each.decode().value().content); // not overwritten by what was just encoded
                              },
                              {.on = placement::publisher_thread})
                           .value();
  bus.publish(TextMessage{.content = text}).value();
  const auto all = got.wait_for(3);
  EXPECT_EQ(std::ranges::count(all, text), 1);
  EXPECT_EQ(std::ranges::count(all, "counted"), 2);
}

} // namespace
} // namespace mycelium::cpp_tests
