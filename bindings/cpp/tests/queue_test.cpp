// Receiving on a thread of one's own: queues and streams.
#include "waiting.hpp"

#include <poll.h>
#include <thread>

namespace mycelium::cpp_tests {
namespace {

bool readable(int fd, int timeout_ms) {
  pollfd one{.fd = fd, .events = POLLIN, .revents = 0};
  return poll(&one, 1, timeout_ms) == 1 && (one.revents & POLLIN) != 0;
}

TEST(queue, gathers_subscriptions_and_requests) {
  const auto bus = new_runtime();
  const auto serving = bus.serve<WordCountRequest>([](const WordCountRequest& request) {
                            return WordCountReply{.bytes = request.text.size()};
                          })
                           .value();
  auto box = bus.open_queue().value();
  EXPECT_NE(box.id(), 0u);
  auto texts = box.subscribe<TextMessage>().value();
  const auto updates = box.subscribe<CounterUpdate>().value();
  const auto request = box.request(WordCountRequest{.text = "four"}, patience).value();
  bus.publish(TextMessage{.content = "hello"}).value();
  bus.publish(CounterUpdate{.value = 7}).value();
  int seen = 0;
  while (seen < 3) {
    const auto deliveries = box.receive(patience).value();
    for (const auto& each : deliveries) {
      ++seen;
      EXPECT_EQ(each.outcome, status::success);
      if (each.kind == delivery_kind::reply) {
        EXPECT_EQ(each.id, request);
        EXPECT_EQ(each.message->as<WordCountReply>().value().bytes, 4u);
      } else if (each.id == texts.id()) {
        EXPECT_EQ(each.message->as<TextMessage>().value().content, "hello");
      } else {
        EXPECT_EQ(each.id, updates.id());
        EXPECT_EQ(each.message->as<CounterUpdate>().value().value, 7);
      }
    }
  }
  const auto id = texts.id();
  texts.unsubscribe().value();
  const auto last = box.receive(patience).value();
  ASSERT_EQ(last.size(), 1u);
  EXPECT_EQ(last[0].kind, delivery_kind::complete);
  EXPECT_EQ(last[0].id, id);
  EXPECT_FALSE(last[0].message);
}

TEST(queue, a_failed_request_is_a_delivery_too) {
  const auto bus = new_runtime();
  auto box = bus.open_queue().value();
  const auto id = box.request(WordCountRequest{}, patience).value();
  const auto deliveries = box.receive(patience).value();
  ASSERT_EQ(deliveries.size(), 1u);
  EXPECT_EQ(deliveries[0].id, id);
  EXPECT_EQ(deliveries[0].outcome, status::no_reply);
  EXPECT_FALSE(deliveries[0].message);
}

TEST(queue, receives_no_more_than_asked_for_and_times_out) {
  const auto bus = new_runtime();
  auto box = bus.open_queue().value();
  const auto hearing = box.subscribe(apples).value();
  for (int i = 0; i < 5; ++i)
    bus.publish(apples, {}).value();
  EXPECT_EQ(box.receive(patience, 3).value().size(), 3u);
  EXPECT_EQ(box.receive(patience, 3).value().size(), 2u);
  EXPECT_EQ(box.receive(0s).code(), status::timeout);
}

TEST(queue, wake_returns_a_receive_with_nothing) {
  const auto bus = new_runtime();
  auto box = bus.open_queue().value();
  std::jthread waker([&] { box.wake().value(); });
  EXPECT_TRUE(box.receive(patience).value().empty());
}

TEST(queue, its_descriptor_is_readable_while_it_holds_something) {
  const auto bus = new_runtime();
  auto box = bus.open_queue().value();
  const auto hearing = box.subscribe(apples).value();
  const int fd = box.descriptor().value();
  EXPECT_FALSE(readable(fd, 0));
  bus.publish(apples, {}).value();
  EXPECT_TRUE(readable(fd, 20'000));
  EXPECT_EQ(box.receive(0s).value().size(), 1u);
  EXPECT_EQ(box.receive(0s).code(), status::timeout);
  EXPECT_FALSE(readable(fd, 0));
}

TEST(queue, destruction_ends_its_subscriptions_and_frees_what_waits) {
  const auto bus = new_runtime();
  std::atomic<int> completed{0};
  {
    auto first = bus.open_queue().value();
    auto box = std::move(first);
    auto hearing = box.subscribe(apples, {.on_complete = [&] { ++completed; }}).value();
    hearing.detach();
    bus.publish(apples, bytes_of("never read")).value();
  }
  EXPECT_EQ(bus.stats()->subscriptions, 0u);
  EXPECT_EQ(bus.stats()->queues, 0u);
  EXPECT_EQ(bus.stats()->dropped[MYCELIUM_DROP_UNSUBSCRIBED], 1u);
  EXPECT_EQ(completed, 1);
}

TEST(queue, may_outlive_its_runtime) {
  auto bus = std::make_unique<runtime>(new_runtime());
  auto box = bus->open_queue().value();
  bus.reset();
  EXPECT_EQ(box.receive(0s).code(), status::closed);
  EXPECT_EQ(box.subscribe(apples).code(), status::closed);
}

TEST(stream, gives_one_value_after_the_other) {
  const auto bus = new_runtime();
  auto updates = bus.open_stream<CounterUpdate>().value();
  std::jthread publisher([&] {
    for (int i = 1; i <= 1000; ++i)
      bus.publish(CounterUpdate{.value = i}).value();
  });
  for (int i = 1; i <= 1000; ++i)
    ASSERT_EQ(updates.next(patience).value().value, i);
  EXPECT_EQ(updates.next(0s).code(), status::timeout);
  EXPECT_EQ(updates.stats()->delivered, 1000u);
}

TEST(stream, is_a_range_until_the_runtime_closes) {
  auto bus = new_runtime();
  auto updates = bus.open_stream<CounterUpdate>().value();
  for (int i = 1; i <= 300; ++i)
    bus.publish(CounterUpdate{.value = i}).value();
  std::jthread closer;
  int expected = 0;
  for (auto& update : updates) {
    ASSERT_EQ(update.value, ++expected);
    if (expected == 1)
      closer = std::jthread([&] { bus.close(patience).value(); });
  }
  EXPECT_EQ(expected, 300);
  EXPECT_EQ(updates.next(0s).code(), status::closed);
}

TEST(stream, a_message_that_is_none_is_an_error_and_not_the_end) {
  const auto bus = new_runtime();
  auto texts = bus.open_stream<TextMessage>().value();
  bus.publish(TextMessage::type_id, bytes_of("rubbish")).value();
  bus.publish(TextMessage{.content = "fine"}).value();
  EXPECT_EQ(texts.next(patience).code(), status::invalid_payload);
  EXPECT_EQ(texts.next(patience).value().content, "fine");
  bus.publish(TextMessage::type_id, bytes_of("rubbish")).value();
  EXPECT_THROW(texts.begin(), bad_result);
}

TEST(stream, gives_messages_with_their_envelope) {
  const auto bus = new_runtime();
  auto texts = bus.open_stream<TextMessage>().value();
  bus.publish(TextMessage{.content = "kept"}, {.priority = 3}).value();
  const auto kept = texts.next_message(patience).value();
  EXPECT_EQ(kept->envelope().given.priority, 3);
  EXPECT_EQ(kept->decode().value().content, "kept");
}

TEST(stream, can_be_polled_and_woken) {
  const auto bus = new_runtime();
  auto texts = bus.open_stream<TextMessage>().value();
  const int fd = texts.descriptor().value();
  EXPECT_FALSE(readable(fd, 0));
  texts.wake().value();
  EXPECT_TRUE(readable(fd, 0));
  EXPECT_EQ(texts.next(patience).code(), status::timeout);
}

TEST(stream, that_is_not_read_meets_its_policy) {
  const auto bus = new_runtime();
  auto updates = bus.open_stream<CounterUpdate>({.when_full = policy::drop_oldest, .capacity = 2}).value();
  for (int i = 1; i <= 10; ++i)
    bus.publish(CounterUpdate{.value = i}).value();
  EXPECT_EQ(updates.next(patience).value().value, 9);
  EXPECT_EQ(updates.next(patience).value().value, 10);
  EXPECT_EQ(updates.stats()->dropped[MYCELIUM_DROP_OLDEST], 8u);
}

TEST(stream, may_be_moved_in_the_middle_and_outlive_the_runtime) {
  auto bus = std::make_unique<runtime>(new_runtime());
  auto first = bus->open_stream<CounterUpdate>().value();
  for (int i = 1; i <= 3; ++i)
    bus->publish(CounterUpdate{.value = i}).value();
  EXPECT_EQ(first.next(patience).value().value, 1);
  auto second = std::move(first);
  EXPECT_EQ(second.next(patience).value().value, 2);
  bus.reset();
  EXPECT_EQ(second.next(0s).value().value, 3) << "what was taken is kept";
  EXPECT_EQ(second.next(0s).code(), status::closed);
}

} // namespace
} // namespace mycelium::cpp_tests
