// Ends: destroy delivers what was accepted, close has a deadline and names who holds it up, nobody hangs on a closed
// runtime.
#include "gate.hpp"
#include "subscriber.hpp"

#include <barrier>

namespace mycelium::laws {
namespace {

class close_law : public law_on_every_way {};
INSTANTIATE_TEST_SUITE_P(ways, close_law, testing::ValuesIn(every_way()), name_of_way);

TEST_P(close_law, destroy_delivers_what_was_accepted) {
  subscriber sub{rt_, apples, kind()};
  const auto sent = numbers(1, 2000);
  for (const auto& text : sent)
    ASSERT_TRUE(ok(publish(rt_, apples, text)));
  rt_.destroy();
  if (kind() == delivery::queue) { // the test's own thread records it, perhaps a moment later
    ASSERT_TRUE(sub.got().wait_for(sent.size()));
  }
  EXPECT_EQ(sub.got().payloads(), sent);
}

TEST_P(close_law, close_delivers_what_was_accepted_and_statistics_stay) {
  subscriber sub{rt_, apples, kind()};
  for (auto& text : numbers(1, 500))
    ASSERT_TRUE(ok(publish(rt_, apples, text)));
  ASSERT_TRUE(ok(mycelium_runtime_close(rt_, patience_ns)));
  const auto stats = stats_of(rt_);
  EXPECT_EQ(stats.published, 500u);
  EXPECT_EQ(stats.delivered, 500u);
  EXPECT_EQ(stats.waiting, 0u);
  EXPECT_EQ(stats.subscriptions, 0u);
  EXPECT_TRUE(adds_up(stats));
  ASSERT_TRUE(sub.got().wait_for(500));
  EXPECT_TRUE(eventually([&] { return sub.completed() == 1; }));
  EXPECT_TRUE(ok(mycelium_runtime_close(rt_, patience_ns))) << "a second close";
}

TEST_P(close_law, publishers_that_race_with_destroy_get_success_or_closed) {
  constexpr int publishers = 3;
  std::atomic<int> accepted{0};
  subscriber sub{rt_, apples, kind()};
  std::barrier start{publishers + 1};
  std::vector<std::thread> threads;
  for (int p = 0; p < publishers; ++p)
    threads.emplace_back([&] {
      start.arrive_and_wait();
      for (;;) {
        const auto status = publish(rt_, apples, "until the end");
        if (status == MYCELIUM_ERROR_FULL || status == MYCELIUM_ERROR_TIMEOUT)
          continue; // waited for room when the end came
        if (status != MYCELIUM_SUCCESS) {
          EXPECT_TRUE(gives(MYCELIUM_ERROR_CLOSED, status));
          return;
        }
        accepted.fetch_add(1);
      }
    });
  start.arrive_and_wait();
  EXPECT_TRUE(eventually([&] { return accepted > 100; }));
  rt_.destroy();
  for (auto& thread : threads)
    thread.join();
  ASSERT_TRUE(sub.got().wait_for(static_cast<std::size_t>(accepted)));
  EXPECT_EQ(sub.got().size(), static_cast<std::size_t>(accepted)) << "what was accepted is delivered, and nothing else";
}

TEST(close_laws, after_close_everything_that_needs_a_live_runtime_is_closed) {
  bus rt;
  subscriber sub{rt, apples};
  ASSERT_TRUE(ok(mycelium_runtime_close(rt, patience_ns)));
  EXPECT_TRUE(gives(MYCELIUM_ERROR_CLOSED, publish(rt, apples, "late")));
  auto options = new_options();
  options.on_message = [](const MyceliumMessage*, void*) {};
  EXPECT_TRUE(gives(MYCELIUM_ERROR_CLOSED, mycelium_subscribe_with_options(rt, apples, &options, nullptr)));
  std::uint64_t queue = 0;
  EXPECT_TRUE(gives(MYCELIUM_ERROR_CLOSED, mycelium_queue_open(rt, &queue)));
  MyceliumMessage* reply = nullptr;
  EXPECT_TRUE(gives(MYCELIUM_ERROR_CLOSED, mycelium_request(rt, apples, nullptr, 0, 0, &reply)));
  EXPECT_GE(stats_of(rt).refused, 1u);
}

TEST(close_laws, close_names_what_is_still_alive_and_may_be_called_again) {
  bus rt;
  gate stop;
  opens_at_end release{stop};
  subscriber sub{rt, apples, delivery::dedicated, [&](const MyceliumMessage*) { stop.pass(); },
                 [](auto& options) { options.name = "the-slow-indexer"; }};
  ASSERT_TRUE(ok(publish(rt, apples, "go")));
  ASSERT_TRUE(stop.wait_for_arrivals());
  EXPECT_TRUE(gives(MYCELIUM_ERROR_TIMEOUT, mycelium_runtime_close(rt, 1'000'000)));
  EXPECT_NE(std::string{mycelium_last_error()}.find("the-slow-indexer"), std::string::npos) << mycelium_last_error();
  EXPECT_TRUE(gives(MYCELIUM_ERROR_CLOSED, publish(rt, apples, "late")));
  EXPECT_TRUE(gives(MYCELIUM_ERROR_TIMEOUT, mycelium_runtime_close(rt, 0)));
  EXPECT_TRUE(adds_up(stats_of(rt)));
  stop.open();
  EXPECT_TRUE(ok(mycelium_runtime_close(rt, patience_ns)));
  EXPECT_EQ(sub.completed(), 1);
}

TEST(close_laws, what_the_deadline_cuts_off_is_counted_as_closed) {
  bus rt;
  gate stop;
  opens_at_end release{stop};
  subscriber sub{rt, apples, delivery::dedicated, [&](const MyceliumMessage*) { stop.pass(); }};
  for (int i = 0; i < 10; ++i)
    ASSERT_TRUE(ok(publish(rt, apples, "waits")));
  ASSERT_TRUE(stop.wait_for_arrivals());
  EXPECT_TRUE(gives(MYCELIUM_ERROR_TIMEOUT, mycelium_runtime_close(rt, 0)));
  stop.open();
  ASSERT_TRUE(ok(mycelium_runtime_close(rt, patience_ns)));
  const auto stats = stats_of(rt);
  EXPECT_TRUE(adds_up(stats));
  EXPECT_EQ(stats.waiting, 0u);
  EXPECT_EQ(stats.delivered, 1u) << "the one at the gate";
  EXPECT_EQ(stats.dropped[MYCELIUM_DROP_CLOSED], 9u);
  EXPECT_EQ(sub.got().size(), 1u);
}

TEST(close_laws, what_nobody_took_from_a_queue_is_counted_as_closed) {
  bus rt;
  std::uint64_t queue = 0;
  ASSERT_TRUE(ok(mycelium_queue_open(rt, &queue)));
  auto options = new_options();
  options.queue_id = queue;
  ASSERT_TRUE(ok(mycelium_subscribe_with_options(rt, apples, &options, nullptr)));
  for (int i = 0; i < 5; ++i)
    ASSERT_TRUE(ok(publish(rt, apples, "nobody takes me")));
  EXPECT_TRUE(ok(mycelium_runtime_close(rt, 1'000'000))) << "no callback runs: nothing holds it up";
  const auto stats = stats_of(rt);
  EXPECT_EQ(stats.dropped[MYCELIUM_DROP_CLOSED], 5u);
  EXPECT_TRUE(adds_up(stats));
}

TEST(close_laws, a_blocked_publisher_does_not_hang_on_a_closing_runtime) {
  auto config = new_config();
  config.block_timeout_ns = MYCELIUM_FOREVER;
  bus rt{config};
  gate stop;
  opens_at_end release{stop};
  subscriber sub{rt, apples, delivery::dedicated, [&](const MyceliumMessage*) { stop.pass(); },
                 [](auto& options) { options.capacity = 2; }};
  std::thread publisher{[&] {
    while (publish(rt, apples, "more") == MYCELIUM_SUCCESS)
      ;
  }};
  ASSERT_TRUE(stop.wait_for_arrivals());
  EXPECT_TRUE(eventually([&] { return stats_of(rt, sub.id()).waiting >= 2; })); // the publisher is about to wait
  EXPECT_TRUE(gives(MYCELIUM_ERROR_TIMEOUT, mycelium_runtime_close(rt, 0)));
  publisher.join(); // while the gate is still shut
  stop.open();
  EXPECT_TRUE(ok(mycelium_runtime_close(rt, patience_ns)));
  EXPECT_TRUE(adds_up(stats_of(rt)));
}

TEST(close_laws, a_runtime_whose_callback_never_returns_is_abandoned_and_the_log_says_so) {
  static gate stop; // the abandoned thread may stand here after the test
  static collector log;
  auto config = new_config();
  config.close_timeout_ns = 1'000'000;
  config.log = [](MyceliumLogLevel, const char* text, void*) { log.add(record{0, 0, 0, text, nullptr}); };
  auto options = new_options();
  options.name = "never-returns";
  options.flags = MYCELIUM_SUBSCRIBE_DEDICATED;
  options.on_message = [](const MyceliumMessage*, void*) { stop.pass(); };
  {
    bus rt{config};
    ASSERT_TRUE(ok(mycelium_subscribe_with_options(rt, apples, &options, nullptr)));
    ASSERT_TRUE(ok(publish(rt, apples, "go")));
    ASSERT_TRUE(stop.wait_for_arrivals());
    rt.destroy();
    EXPECT_TRUE(gives(MYCELIUM_ERROR_CLOSED, publish(rt, apples, "gone")));
  }
  std::string all;
  for (auto& line : log.payloads())
    all += line + "\n";
  EXPECT_NE(all.find("never-returns"), std::string::npos) << all;
  stop.open();
}

TEST(close_laws, destroy_ignores_null_and_stale_handles) {
  mycelium_runtime_destroy(nullptr);
  bus rt;
  rt.destroy();
  rt.destroy();
  EXPECT_TRUE(gives(MYCELIUM_ERROR_CLOSED, mycelium_runtime_destroy_later(rt)));
  EXPECT_TRUE(gives(MYCELIUM_ERROR_CLOSED, mycelium_runtime_close(rt, 0)));
}

TEST(close_laws, a_stale_handle_never_reaches_a_newer_runtime) {
  auto config = new_config(1);
  MyceliumRuntime* old = mycelium_runtime_create_with_config(&config);
  ASSERT_NE(old, nullptr);
  mycelium_runtime_destroy(old);
  for (int i = 0; i < 50; ++i) {
    bus newer{config};
    EXPECT_NE(static_cast<MyceliumRuntime*>(newer), old);
    EXPECT_TRUE(gives(MYCELIUM_ERROR_CLOSED, publish(old, apples, "to the dead")));
    EXPECT_EQ(stats_of(newer).published, 0u);
  }
}

TEST(close_laws, two_threads_may_destroy_at_once) {
  for (int round = 0; round < 20; ++round) {
    bus rt{1};
    subscriber sub{rt, apples};
    ASSERT_TRUE(ok(publish(rt, apples, "one")));
    std::barrier together{2};
    std::thread other{[&] {
      together.arrive_and_wait();
      rt.destroy();
    }};
    together.arrive_and_wait();
    rt.destroy();
    other.join();
    EXPECT_EQ(sub.got().size(), 1u);
  }
}

TEST(close_laws, destroy_later_destroys_and_delivers_first) {
  const auto threads_before = thread_count_before();
  for (std::uint32_t threads : {1u, 2u}) {
    bus rt{threads};
    subscriber sub{rt, apples};
    for (auto& text : numbers(1, 100))
      ASSERT_TRUE(ok(publish(rt, apples, text)));
    ASSERT_TRUE(ok(mycelium_runtime_destroy_later(rt)));
    EXPECT_TRUE(gives(MYCELIUM_ERROR_CLOSED, publish(rt, apples, "late")));
    ASSERT_TRUE(eventually([&] { return sub.completed() == 1; }));
    EXPECT_EQ(sub.got().payloads(), numbers(1, 100));
    EXPECT_TRUE(eventually([&] { return thread_count() <= threads_before; }));
  }
}

} // namespace
} // namespace mycelium::laws
