// Queues: receive instead of callbacks. Subscriptions take turns, the descriptor tells when to look, the last delivery
// of a subscription is its completion.
#include "gate.hpp"
#include "subscriber.hpp"

#include <barrier>
#include <poll.h>

namespace mycelium::laws {
namespace {

// A queue and its deliveries, read by the test itself.
class inbox {
public:
  explicit inbox(MyceliumRuntime* rt) : rt_(rt) { EXPECT_TRUE(ok(mycelium_queue_open(rt, &id))); }
  ~inbox() { mycelium_queue_close(rt_, id); }
  inbox(const inbox&) = delete;
  inbox& operator=(const inbox&) = delete;

  std::uint64_t subscribe(std::uint16_t type_id, const subscriber::tweak& change = {}) {
    auto options = new_options();
    options.queue_id = id;
    if (change)
      change(options);
    std::uint64_t subscription = 0;
    EXPECT_TRUE(ok(mycelium_subscribe_with_options(rt_, type_id, &options, &subscription)));
    return subscription;
  }

  // Receives once; messages are released, their texts kept in taken.
  std::int32_t receive(std::size_t max = 64, std::int64_t timeout_ns = 0) {
    std::vector<MyceliumDelivery> out(max);
    std::size_t count = 99;
    const auto status = mycelium_queue_receive(rt_, id, out.data(), max, timeout_ns, &count);
    if (status != MYCELIUM_SUCCESS) {
      EXPECT_EQ(count, 0u);
      return status;
    }
    EXPECT_LE(count, max);
    for (auto& each : std::span{out}.first(count)) {
      texts.push_back(each.message == nullptr ? "" : text_of(each.message));
      mycelium_message_release(each.message);
      each.message = nullptr;
      taken.push_back(each);
    }
    return status;
  }

  bool readable() const {
    int fd = -1;
    EXPECT_TRUE(ok(mycelium_queue_fd(rt_, id, &fd)));
    pollfd one{fd, POLLIN, 0};
    return poll(&one, 1, 0) == 1 && (one.revents & POLLIN) != 0;
  }

  std::uint64_t id = 0;
  std::vector<MyceliumDelivery> taken;
  std::vector<std::string> texts;

private:
  MyceliumRuntime* rt_;
};

class queue_law : public testing::TestWithParam<std::uint32_t> {
protected:
  bus rt_{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(threads, queue_law, testing::Values(1u, 2u));

TEST_P(queue_law, several_subscriptions_and_types_come_to_one_queue) {
  inbox box{rt_};
  int mark = 0;
  const auto apple = box.subscribe(apples, [&](auto& options) { options.user_data = &mark; });
  const auto pear = box.subscribe(pears);
  ASSERT_TRUE(ok(publish(rt_, apples, "apple")));
  ASSERT_TRUE(ok(publish(rt_, pears, "pear")));
  while (box.taken.size() < 2)
    ASSERT_TRUE(ok(box.receive(1, patience_ns)));
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(box.taken[i].kind, MYCELIUM_DELIVERY_MESSAGE);
    EXPECT_EQ(box.taken[i].id, box.texts[i] == "apple" ? apple : pear);
    EXPECT_EQ(box.taken[i].user_data, box.texts[i] == "apple" ? &mark : nullptr);
  }
  EXPECT_NE(box.texts[0], box.texts[1]);
}

TEST_P(queue_law, an_empty_queue_times_out_with_no_delivery) {
  inbox box{rt_};
  box.subscribe(apples);
  EXPECT_TRUE(gives(MYCELIUM_ERROR_TIMEOUT, box.receive(4, 0)));
  EXPECT_TRUE(gives(MYCELIUM_ERROR_TIMEOUT, box.receive(4, 1'000'000)));
}

TEST_P(queue_law, a_waiting_receive_is_woken_by_a_message) {
  inbox box{rt_};
  box.subscribe(apples);
  std::thread publisher{[&] { EXPECT_TRUE(ok(publish(rt_, apples, "wake up"))); }};
  EXPECT_TRUE(ok(box.receive(4, MYCELIUM_FOREVER)));
  publisher.join();
  EXPECT_EQ(box.texts, std::vector<std::string>{"wake up"});
}

TEST_P(queue_law, subscriptions_take_turns) {
  inbox box{rt_};
  const auto busy = box.subscribe(apples);
  const auto quiet = box.subscribe(pears);
  for (int i = 0; i < 2000; ++i)
    ASSERT_TRUE(ok(publish(rt_, apples, "busy")));
  ASSERT_TRUE(ok(publish(rt_, pears, "quiet")));
  std::size_t position = 0;
  while (box.taken.empty() || box.taken.back().id == busy) {
    ASSERT_TRUE(ok(box.receive(1, 0)));
    position = box.taken.size();
  }
  EXPECT_EQ(box.taken.back().id, quiet);
  EXPECT_LE(position, 512u) << "the quiet one waited for the whole backlog of the busy one";
}

TEST_P(queue_law, the_descriptor_is_readable_while_there_may_be_deliveries) {
  inbox box{rt_};
  box.subscribe(apples);
  EXPECT_TRUE(gives(MYCELIUM_ERROR_TIMEOUT, box.receive()));
  EXPECT_FALSE(box.readable());
  for (int round = 0; round < 10; ++round) {
    ASSERT_TRUE(ok(publish(rt_, apples, "one")));
    ASSERT_TRUE(ok(publish(rt_, apples, "two")));
    EXPECT_TRUE(box.readable());
    ASSERT_TRUE(ok(box.receive(1)));
    EXPECT_TRUE(box.readable()) << "one is still there";
    ASSERT_TRUE(ok(box.receive(64)));
    while (box.receive() != MYCELIUM_ERROR_TIMEOUT)
      ;
    EXPECT_FALSE(box.readable());
  }
  EXPECT_EQ(box.texts.size(), 20u);
}

TEST_P(queue_law, poll_wakes_up_for_a_message_from_another_thread) {
  inbox box{rt_};
  box.subscribe(apples);
  int fd = -1;
  ASSERT_TRUE(ok(mycelium_queue_fd(rt_, box.id, &fd)));
  constexpr std::size_t total = 2000;
  std::thread publisher{[&] {
    for (auto& text : numbers(1, total))
      EXPECT_TRUE(ok(publish(rt_, apples, text)));
  }};
  while (box.texts.size() < total) { // as an event loop would
    pollfd one{fd, POLLIN, 0};
    if (poll(&one, 1, 20'000) != 1) {
      ADD_FAILURE() << "poll slept through a message, after " << box.texts.size();
      break;
    }
    while (box.receive(16) == MYCELIUM_SUCCESS)
      ;
  }
  publisher.join();
  EXPECT_EQ(box.texts, numbers(1, total));
}

TEST_P(queue_law, wake_ends_one_receive_now_or_next) {
  inbox box{rt_};
  ASSERT_TRUE(ok(mycelium_queue_wake(rt_, box.id))); // before
  EXPECT_TRUE(ok(box.receive(4, MYCELIUM_FOREVER)));
  EXPECT_EQ(box.taken.size(), 0u);
  std::thread waker{[&] { EXPECT_TRUE(ok(mycelium_queue_wake(rt_, box.id))); }}; // meanwhile
  EXPECT_TRUE(ok(box.receive(4, MYCELIUM_FOREVER)));
  waker.join();
  EXPECT_EQ(box.taken.size(), 0u);
  EXPECT_TRUE(gives(MYCELIUM_ERROR_TIMEOUT, box.receive())) << "a wake is used up";
}

TEST_P(queue_law, close_wakes_every_receive_and_the_id_is_gone) {
  std::uint64_t queue = 0;
  ASSERT_TRUE(ok(mycelium_queue_open(rt_, &queue)));
  constexpr int receivers = 3;
  std::barrier ready{receivers + 1};
  std::vector<std::thread> threads;
  for (int i = 0; i < receivers; ++i)
    threads.emplace_back([&] {
      MyceliumDelivery out{};
      std::size_t count = 0;
      ready.arrive_and_wait();
      const auto status = mycelium_queue_receive(rt_, queue, &out, 1, MYCELIUM_FOREVER, &count);
      // One that starts after the close finds no such queue.
      EXPECT_TRUE(status == MYCELIUM_ERROR_CLOSED || status == MYCELIUM_ERROR_SUBSCRIPTION)
          << mycelium_status_name(status);
    });
  ready.arrive_and_wait();
  EXPECT_TRUE(ok(mycelium_queue_close(rt_, queue)));
  for (auto& thread : threads)
    thread.join();
  int fd = -1;
  EXPECT_TRUE(gives(MYCELIUM_ERROR_SUBSCRIPTION, mycelium_queue_close(rt_, queue)));
  EXPECT_TRUE(gives(MYCELIUM_ERROR_SUBSCRIPTION, mycelium_queue_wake(rt_, queue)));
  EXPECT_TRUE(gives(MYCELIUM_ERROR_SUBSCRIPTION, mycelium_queue_fd(rt_, queue, &fd)));
  EXPECT_EQ(stats_of(rt_).queues, 0u);
}

TEST_P(queue_law, close_counts_what_waited_as_unsubscribed) {
  std::uint64_t subscription = 0;
  {
    inbox box{rt_};
    subscription = box.subscribe(apples);
    for (int i = 0; i < 5; ++i)
      ASSERT_TRUE(ok(publish(rt_, apples, "never taken")));
    EXPECT_EQ(stats_of(rt_, subscription).waiting, 5u);
    EXPECT_EQ(stats_of(rt_).queues, 1u);
  }
  const auto stats = stats_of(rt_);
  EXPECT_EQ(stats.dropped[MYCELIUM_DROP_UNSUBSCRIBED], 5u);
  EXPECT_EQ(stats.subscriptions, 0u);
  EXPECT_TRUE(adds_up(stats));
  EXPECT_TRUE(gives(MYCELIUM_ERROR_SUBSCRIPTION, mycelium_unsubscribe(rt_, subscription)));
}

TEST_P(queue_law, the_last_delivery_of_a_subscription_is_its_completion) {
  static std::atomic<int> freed{0};
  const int before = freed;
  {
    inbox box{rt_};
    int mark = 0;
    const auto ended = box.subscribe(apples, [&](auto& options) {
      options.user_data = &mark;
      options.user_data_free = [](void*) { freed.fetch_add(1); };
    });
    const auto stays = box.subscribe(apples);
    ASSERT_TRUE(ok(publish(rt_, apples, "taken")));
    while (box.taken.size() < 2)
      ASSERT_TRUE(ok(box.receive(1, patience_ns)));
    ASSERT_TRUE(ok(publish(rt_, apples, "too late for one")));
    ASSERT_TRUE(ok(mycelium_unsubscribe(rt_, ended)));
    EXPECT_EQ(freed, before) << "its completion was not taken yet";
    ASSERT_TRUE(ok(publish(rt_, apples, "later")));
    while (box.taken.size() < 5)
      ASSERT_TRUE(ok(box.receive(8, patience_ns)));
    EXPECT_TRUE(gives(MYCELIUM_ERROR_TIMEOUT, box.receive()));
    int messages_of_ended = 0;
    int completions = 0;
    for (auto& each : box.taken) {
      if (each.id != ended) {
        EXPECT_EQ(each.id, stays);
        continue;
      }
      EXPECT_EQ(completions, 0) << "something after the completion";
      EXPECT_EQ(each.user_data, &mark);
      messages_of_ended += each.kind == MYCELIUM_DELIVERY_MESSAGE;
      completions += each.kind == MYCELIUM_DELIVERY_COMPLETE;
    }
    EXPECT_EQ(messages_of_ended, 1) << "after unsubscribe no further message is handed out";
    EXPECT_EQ(completions, 1);
  }
  EXPECT_EQ(freed, before + 1);
}

TEST_P(queue_law, user_data_of_a_completion_that_nobody_takes_is_freed_once) {
  static std::atomic<int> freed{0};
  const int before = freed;
  const auto counted = [](auto& options) { options.user_data_free = [](void*) { freed.fetch_add(1); }; };
  {
    inbox box{rt_};
    ASSERT_TRUE(ok(mycelium_unsubscribe(rt_, box.subscribe(apples, counted)))); // discarded with its queue
    box.subscribe(apples, counted);                                             // ended by its queue
  }
  std::uint64_t queue = 0;
  ASSERT_TRUE(ok(mycelium_queue_open(rt_, &queue)));
  auto options = new_options();
  options.queue_id = queue;
  counted(options);
  ASSERT_TRUE(ok(mycelium_subscribe_with_options(rt_, apples, &options, nullptr))); // ended by the runtime
  rt_.destroy();
  EXPECT_EQ(freed, before + 3);
}

TEST_P(queue_law, several_threads_may_receive_and_each_message_is_taken_once) {
  inbox box{rt_};
  box.subscribe(apples, [](auto& options) { options.capacity = 64; });
  constexpr int total = 3000;
  std::mutex mutex;
  std::map<std::string, int> times;
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i)
    readers.emplace_back([&] {
      MyceliumDelivery out[8];
      std::size_t count = 0;
      while (mycelium_queue_receive(rt_, box.id, out, 8, MYCELIUM_FOREVER, &count) == MYCELIUM_SUCCESS)
        for (const auto& each : std::span{out}.first(count)) {
          if (each.message != nullptr) {
            std::lock_guard lock{mutex};
            ++times[text_of(each.message)];
          }
          mycelium_message_release(each.message);
        }
    });
  for (auto& text : numbers(1, total))
    EXPECT_TRUE(ok(publish(rt_, apples, text)));
  EXPECT_TRUE(ok(mycelium_flush(rt_, patience_ns)));
  EXPECT_TRUE(ok(mycelium_queue_close(rt_, box.id)));
  for (auto& reader : readers)
    reader.join();
  EXPECT_EQ(times.size(), static_cast<std::size_t>(total));
  for (auto& [text, count] : times)
    EXPECT_EQ(count, 1) << text;
}

TEST_P(queue_law, a_receive_on_a_worker_does_not_wait) {
  inbox box{rt_};
  std::atomic<std::int32_t> status{MYCELIUM_SUCCESS};
  subscriber sub{rt_, pears, delivery::message, [&](const MyceliumMessage*) {
                   MyceliumDelivery out{};
                   std::size_t count = 0;
                   status = mycelium_queue_receive(rt_, box.id, &out, 1, MYCELIUM_FOREVER, &count);
                 }};
  ASSERT_TRUE(ok(publish(rt_, pears, "go")));
  ASSERT_TRUE(ok(mycelium_flush(rt_, patience_ns)));
  EXPECT_EQ(status, MYCELIUM_ERROR_TIMEOUT);
}

TEST_P(queue_law, closing_the_runtime_completes_and_wakes_a_receiver) {
  inbox box{rt_};
  const auto subscription = box.subscribe(apples);
  std::int32_t last = MYCELIUM_SUCCESS;
  gate first;
  opens_at_end release{first};
  std::thread reader{[&] {
    while ((last = box.receive(8, MYCELIUM_FOREVER)) == MYCELIUM_SUCCESS)
      first.pass();
  }};
  for (auto& text : numbers(1, 50))
    EXPECT_TRUE(ok(publish(rt_, apples, text)));
  EXPECT_TRUE(first.wait_for_arrivals());
  std::thread opener{[&] { first.open(); }}; // what waits is taken while close waits for it
  EXPECT_TRUE(ok(mycelium_runtime_close(rt_, patience_ns)));
  opener.join();
  reader.join();
  EXPECT_EQ(last, MYCELIUM_ERROR_CLOSED);
  ASSERT_EQ(box.taken.size(), 51u);
  EXPECT_EQ(box.taken.back().kind, MYCELIUM_DELIVERY_COMPLETE);
  EXPECT_EQ(box.taken.back().id, subscription);
  box.texts.pop_back();
  EXPECT_EQ(box.texts, numbers(1, 50));
  EXPECT_EQ(stats_of(rt_).delivered, 50u);
}

} // namespace
} // namespace mycelium::laws
