// After unsubscribe has returned nothing of the subscription runs; in its own callback it completes after it.
// on_complete comes after the last callback, the destructor of the user data once and last.
#include "gate.hpp"
#include "subscriber.hpp"

#include <barrier>

namespace mycelium::laws {
namespace {

// What a subscription did, in order: "message", "complete", "free".
class diary {
public:
  void note(std::string what) {
    std::lock_guard lock{mutex_};
    lines_.push_back(std::move(what));
    changed_.notify_all();
  }

  bool wait_for(const std::string& what) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, patience, [&] { return !lines_.empty() && lines_.back() == what; });
  }

  std::vector<std::string> lines() const {
    std::lock_guard lock{mutex_};
    return lines_;
  }

private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> lines_;
};

using story = std::vector<std::string>;

// Options whose every callback is noted in the diary, which is the user data.
MyceliumSubscribeOptions noted(delivery kind, diary& notes) {
  auto options = new_options();
  options.user_data = &notes;
  if (kind == delivery::payload)
    options.on_payload = [](std::uint16_t, const std::uint8_t*, std::size_t, void* to) {
      static_cast<diary*>(to)->note("message");
    };
  else if (kind == delivery::batch)
    options.on_batch = [](const MyceliumMessage* const*, std::size_t count, void* to) {
      for (std::size_t i = 0; i < count; ++i)
        static_cast<diary*>(to)->note("message");
    };
  else
    options.on_message = [](const MyceliumMessage*, void* to) { static_cast<diary*>(to)->note("message"); };
  if (kind == delivery::dedicated)
    options.flags = MYCELIUM_SUBSCRIBE_DEDICATED;
  if (kind == delivery::inlined)
    options.flags = MYCELIUM_SUBSCRIBE_INLINE;
  options.on_complete = [](std::uint64_t, void* to) { static_cast<diary*>(to)->note("complete"); };
  options.user_data_free = [](void* to) { static_cast<diary*>(to)->note("free"); };
  return options;
}

class unsubscribe_law : public law_on_every_way {};
INSTANTIATE_TEST_SUITE_P(ways, unsubscribe_law, testing::ValuesIn(every_callback_way()), name_of_way);

TEST_P(unsubscribe_law, the_last_words_are_complete_then_free_and_each_comes_once) {
  diary notes;
  const auto options = noted(kind(), notes);
  std::uint64_t id = 0;
  ASSERT_TRUE(ok(mycelium_subscribe_with_options(rt_, apples, &options, &id)));
  ASSERT_TRUE(ok(publish(rt_, apples, "one")));
  ASSERT_TRUE(ok(mycelium_flush(rt_, patience_ns)));
  ASSERT_TRUE(ok(mycelium_unsubscribe(rt_, id)));
  EXPECT_EQ(notes.lines(), (story{"message", "complete", "free"})) << "all before unsubscribe returned";
  ASSERT_TRUE(ok(publish(rt_, apples, "nobody listens")));
  rt_.destroy();
  EXPECT_EQ(notes.lines(), (story{"message", "complete", "free"}));
}

TEST_P(unsubscribe_law, closing_the_runtime_ends_a_subscription_in_the_same_words) {
  diary notes;
  const auto options = noted(kind(), notes);
  ASSERT_TRUE(ok(mycelium_subscribe_with_options(rt_, apples, &options, nullptr)));
  ASSERT_TRUE(ok(publish(rt_, apples, "one")));
  ASSERT_TRUE(ok(mycelium_runtime_close(rt_, patience_ns)));
  EXPECT_EQ(notes.lines(), (story{"message", "complete", "free"}));
  rt_.destroy();
  EXPECT_EQ(notes.lines(), (story{"message", "complete", "free"}));
}

TEST_P(unsubscribe_law, in_its_own_callback_it_is_deferred_and_completes_after_it) {
  diary notes;
  struct context {
    MyceliumRuntime* rt;
    diary& notes;
    std::atomic<std::uint64_t> id{0};
    gate known{};
  } self{rt_, notes};
  auto options = noted(kind(), notes);
  options.on_payload = nullptr;
  options.on_batch = nullptr;
  options.user_data = &self;
  options.on_message = [](const MyceliumMessage*, void* data) {
    auto& mine = *static_cast<context*>(data);
    mine.known.pass();
    EXPECT_TRUE(gives(MYCELIUM_DEFERRED, mycelium_unsubscribe(mine.rt, mine.id)));
    mine.notes.note("still in the callback");
  };
  options.on_complete = [](std::uint64_t id, void* data) {
    auto& mine = *static_cast<context*>(data);
    EXPECT_EQ(id, mine.id);
    mine.notes.note("complete");
  };
  options.user_data_free = [](void* data) { static_cast<context*>(data)->notes.note("free"); };
  std::uint64_t id = 0;
  ASSERT_TRUE(ok(mycelium_subscribe_with_options(rt_, apples, &options, &id)));
  self.id = id;
  self.known.open();
  for (int i = 0; i < 10; ++i)
    ASSERT_TRUE(ok(publish(rt_, apples, "only one of us arrives")));
  ASSERT_TRUE(notes.wait_for("free"));
  EXPECT_EQ(notes.lines(), (story{"still in the callback", "complete", "free"}));
  EXPECT_TRUE(gives(MYCELIUM_ERROR_SUBSCRIPTION, mycelium_unsubscribe(rt_, id)));
  rt_.destroy();
  EXPECT_EQ(notes.lines(), (story{"still in the callback", "complete", "free"}));
}

TEST_P(unsubscribe_law, after_it_returned_no_callback_runs_while_a_publisher_goes_on) {
  std::atomic<bool> stop{false};
  std::thread publisher{[&] {
    while (!stop)
      publish(rt_, apples, "more");
  }};
  struct context { // freed right after unsubscribe: the address sanitizer watches too
    std::atomic<bool> ended{false};
    std::atomic<int> calls{0};
  };
  for (int round = 0; round < 100; ++round) {
    auto mine = std::make_unique<context>();
    auto options = new_options();
    options.user_data = mine.get();
    options.flags = kind() == delivery::dedicated ? MYCELIUM_SUBSCRIBE_DEDICATED
                    : kind() == delivery::inlined ? MYCELIUM_SUBSCRIBE_INLINE
                                                  : 0;
    if (kind() == delivery::batch)
      options.on_batch = [](const MyceliumMessage* const*, std::size_t, void* data) {
        EXPECT_FALSE(static_cast<context*>(data)->ended);
        static_cast<context*>(data)->calls.fetch_add(1);
      };
    else
      options.on_message = [](const MyceliumMessage*, void* data) {
        EXPECT_FALSE(static_cast<context*>(data)->ended);
        static_cast<context*>(data)->calls.fetch_add(1);
      };
    std::uint64_t id = 0;
    EXPECT_TRUE(ok(mycelium_subscribe_with_options(rt_, apples, &options, &id)));
    if (round % 2 == 0) { // every other time in mid-traffic, else at once
      EXPECT_TRUE(eventually([&] { return mine->calls > 0; }));
    }
    EXPECT_TRUE(ok(mycelium_unsubscribe(rt_, id)));
    mine->ended = true;
  }
  stop = true;
  publisher.join();
}

class busy_unsubscribe_law : public law_on_every_way {};
INSTANTIATE_TEST_SUITE_P(ways, busy_unsubscribe_law, testing::ValuesIn(every_asynchronous_way()), name_of_way);

TEST_P(busy_unsubscribe_law, what_waited_is_counted_as_unsubscribed) {
  gate stop;
  opens_at_end release{stop};
  const auto before = stats_of(rt_);
  {
    subscriber sub{rt_, apples, kind(), [&](const MyceliumMessage*) { stop.pass(); }};
    for (int i = 0; i < 10; ++i)
      ASSERT_TRUE(ok(publish(rt_, apples, "waits")));
    ASSERT_TRUE(stop.wait_for_arrivals());
    std::thread opener{[&] { stop.open(); }};
    EXPECT_TRUE(ok(mycelium_unsubscribe(rt_, sub.id()))); // waits for the callback at the gate
    opener.join();
  }
  const auto after = stats_of(rt_);
  EXPECT_EQ(after.offered - before.offered, 10u);
  EXPECT_EQ(after.waiting, 0u);
  EXPECT_TRUE(adds_up(after)) << "ended subscriptions are included";
  EXPECT_EQ(after.delivered + after.dropped[MYCELIUM_DROP_UNSUBSCRIBED], 10u);
}

TEST(unsubscribe_laws, it_waits_for_a_running_callback) {
  bus rt;
  gate stop;
  opens_at_end release{stop};
  std::atomic<bool> left{false};
  subscriber sub{rt, apples, delivery::dedicated, [&](const MyceliumMessage*) {
                   stop.pass();
                   left = true;
                 }};
  ASSERT_TRUE(ok(publish(rt, apples, "go")));
  ASSERT_TRUE(stop.wait_for_arrivals());
  std::thread opener{[&] { stop.open(); }};
  EXPECT_TRUE(ok(mycelium_unsubscribe(rt, sub.id())));
  EXPECT_TRUE(left);
  opener.join();
}

TEST(unsubscribe_laws, two_callbacks_that_unsubscribe_each_other_do_not_deadlock) {
  for (auto kind : {delivery::dedicated, delivery::message}) {
    bus rt{2};
    for (int round = 0; round < 20; ++round) {
      std::barrier both{2};
      std::atomic<std::uint64_t> left_id{0};
      std::atomic<std::uint64_t> right_id{0};
      std::atomic<std::int32_t> left_status{MYCELIUM_ERROR_INTERNAL};
      std::atomic<std::int32_t> right_status{MYCELIUM_ERROR_INTERNAL};
      subscriber left{rt, apples, kind, [&](const MyceliumMessage*) {
                        both.arrive_and_wait();
                        left_status = mycelium_unsubscribe(rt, right_id);
                      }};
      subscriber right{rt, pears, kind, [&](const MyceliumMessage*) {
                         both.arrive_and_wait();
                         right_status = mycelium_unsubscribe(rt, left_id);
                       }};
      left_id = left.id();
      right_id = right.id();
      ASSERT_TRUE(ok(publish(rt, apples, "go")));
      ASSERT_TRUE(ok(publish(rt, pears, "go")));
      ASSERT_TRUE(eventually([&] { return left.completed() == 1 && right.completed() == 1; }));
      EXPECT_GE(left_status, MYCELIUM_SUCCESS);
      EXPECT_GE(right_status, MYCELIUM_SUCCESS);
      EXPECT_TRUE(left_status == MYCELIUM_DEFERRED || right_status == MYCELIUM_DEFERRED)
          << "both were in their callbacks, so both cannot have waited";
    }
  }
}

TEST(unsubscribe_laws, a_stale_or_unknown_id_is_a_status) {
  bus rt;
  std::uint64_t id = 0;
  {
    subscriber sub{rt, apples};
    id = sub.id();
    ASSERT_TRUE(ok(mycelium_unsubscribe(rt, id)));
    EXPECT_TRUE(gives(MYCELIUM_ERROR_SUBSCRIPTION, mycelium_unsubscribe(rt, id)));
  }
  subscriber newer{rt, apples};
  EXPECT_NE(newer.id(), id) << "ids are never reused";
  for (auto stale : {id, std::uint64_t{0}, UINT64_MAX, newer.id() + 1000}) {
    EXPECT_TRUE(gives(MYCELIUM_ERROR_SUBSCRIPTION, mycelium_unsubscribe(rt, stale)));
    MyceliumSubscriptionStats stats{};
    stats.struct_size = sizeof stats;
    EXPECT_TRUE(gives(MYCELIUM_ERROR_SUBSCRIPTION, mycelium_subscription_stats(rt, stale, &stats)));
  }
}

TEST(unsubscribe_laws, two_threads_may_unsubscribe_the_same_one) {
  bus rt;
  for (int round = 0; round < 50; ++round) {
    subscriber sub{rt, apples};
    std::barrier together{2};
    std::atomic<int> succeeded{0};
    const auto end = [&] {
      together.arrive_and_wait();
      const auto status = mycelium_unsubscribe(rt, sub.id());
      EXPECT_TRUE(status == MYCELIUM_SUCCESS || status == MYCELIUM_ERROR_SUBSCRIPTION);
      succeeded += status == MYCELIUM_SUCCESS;
      if (status == MYCELIUM_SUCCESS) {
        EXPECT_EQ(sub.completed(), 1);
      }
    };
    std::thread other{end};
    end();
    other.join();
    EXPECT_GE(succeeded, 1);
    EXPECT_EQ(sub.completed(), 1);
  }
}

TEST(unsubscribe_laws, a_failed_subscribe_does_not_free_the_user_data) {
  bus rt;
  static std::atomic<int> freed{0};
  auto options = new_options();
  options.user_data_free = [](void*) { freed.fetch_add(1); };
  EXPECT_TRUE(gives(MYCELIUM_ERROR_INVALID_ARGUMENT, mycelium_subscribe_with_options(rt, apples, &options, nullptr)));
  rt.destroy();
  EXPECT_EQ(freed, 0);
}

} // namespace
} // namespace mycelium::laws
