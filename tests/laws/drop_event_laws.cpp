// The first drop and the recovery are events, and they never run beside the message callback.
#include "gate.hpp"
#include "subscriber.hpp"

namespace mycelium::laws {
namespace {

// A subscriber with an on_drop handler, both noted under one flag that tells whether they ever overlapped.
class watched {
public:
  watched(MyceliumRuntime* rt, delivery kind, int policy, std::uint32_t capacity) : rt_(rt) {
    auto options = new_options();
    options.policy = policy;
    options.capacity = capacity;
    options.flags = kind == delivery::dedicated ? MYCELIUM_SUBSCRIBE_DEDICATED : 0;
    options.user_data = this;
    options.on_message = [](const MyceliumMessage* message, void* self) {
      auto& mine = *static_cast<watched*>(self);
      const inside here{mine};
      mine.got.add(message);
      mine.stop.pass();
    };
    options.on_drop = [](const MyceliumDropEvent* event, void* self) {
      auto& mine = *static_cast<watched*>(self);
      const inside here{mine};
      std::lock_guard lock{mine.mutex_};
      mine.events_.push_back(*event);
    };
    EXPECT_TRUE(ok(mycelium_subscribe_with_options(rt, apples, &options, &id)));
  }
  ~watched() {
    stop.open();
    mycelium_unsubscribe(rt_, id);
  }
  watched(const watched&) = delete;
  watched& operator=(const watched&) = delete;

  std::vector<MyceliumDropEvent> events() {
    std::lock_guard lock{mutex_};
    return events_;
  }
  bool overlapped() const { return overlapped_; }

  gate stop;
  collector got;
  std::uint64_t id = 0;

private:
  struct inside {
    explicit inside(watched& who) : self(who) {
      if (self.busy_.exchange(true))
        self.overlapped_ = true;
    }
    ~inside() { self.busy_ = false; }
    inside(const inside&) = delete;
    inside& operator=(const inside&) = delete;
    watched& self;
  };

  MyceliumRuntime* rt_;
  std::mutex mutex_;
  std::vector<MyceliumDropEvent> events_;
  std::atomic<bool> busy_{false};
  std::atomic<bool> overlapped_{false};
};

struct drops {
  const char* name;
  int policy;
  int reason;
  std::int32_t status; // what the publisher is told
};

class drop_event_law : public testing::TestWithParam<std::tuple<drops, delivery, std::uint32_t>> {};

std::string name_of_drops(const testing::TestParamInfo<std::tuple<drops, delivery, std::uint32_t>>& info) {
  const auto& [which, kind, threads] = info.param;
  return std::string{which.name} + "_" + name_of(kind) + "_on_" + std::to_string(threads);
}

INSTANTIATE_TEST_SUITE_P(
    policies, drop_event_law,
    testing::Combine(
        testing::Values(drops{"oldest", MYCELIUM_POLICY_DROP_OLDEST, MYCELIUM_DROP_OLDEST, MYCELIUM_SUCCESS},
                        drops{"newest", MYCELIUM_POLICY_DROP_NEWEST, MYCELIUM_DROP_NEWEST, MYCELIUM_SUCCESS},
                        drops{"fail", MYCELIUM_POLICY_FAIL, MYCELIUM_DROP_FULL, MYCELIUM_ERROR_FULL}),
        testing::Values(delivery::message, delivery::dedicated), testing::Values(1u, 2u)),
    name_of_drops);

TEST_P(drop_event_law, the_first_drop_and_the_recovery_are_events) {
  const auto [which, kind, threads] = GetParam();
  bus rt{threads};
  watched sub{rt, kind, which.policy, 2};
  std::uint64_t counted = 0;
  for (std::size_t episode = 1; episode <= 2; ++episode) { // it happens again after a recovery
    sub.stop.shut();
    const auto arrivals = sub.got.size() + 1;
    ASSERT_TRUE(ok(publish(rt, apples, "at the gate")));
    ASSERT_TRUE(sub.stop.wait_for_arrivals(arrivals));
    for (int i = 0; i < 10; ++i) {
      const auto status = publish(rt, apples, "more");
      EXPECT_TRUE(status == MYCELIUM_SUCCESS || status == which.status);
    }
    const auto dropped = stats_of(rt, sub.id).dropped[which.reason] - counted;
    counted += dropped;
    EXPECT_GE(dropped, 8u);
    sub.stop.open();
    ASSERT_TRUE(ok(mycelium_flush(rt, patience_ns)));
    ASSERT_TRUE(eventually([&] { return sub.events().size() >= 2 * episode; }));
    const auto events = sub.events();
    ASSERT_EQ(events.size(), 2 * episode) << "only the first drop and the recovery";
    const auto& first = events[2 * episode - 2];
    const auto& recovery = events[2 * episode - 1];
    EXPECT_EQ(first.recovered, 0);
    EXPECT_EQ(first.subscription_id, sub.id);
    EXPECT_EQ(first.reason, which.reason);
    EXPECT_EQ(recovery.recovered, 1);
    EXPECT_EQ(recovery.subscription_id, sub.id);
    EXPECT_EQ(recovery.reason, which.reason);
    EXPECT_EQ(recovery.dropped, dropped) << "how many were dropped in between";
  }
  EXPECT_FALSE(sub.overlapped()) << "on_drop ran beside the message callback";
}

TEST(drop_event_laws, a_subscription_that_keeps_up_has_no_events) {
  bus rt;
  watched sub{rt, delivery::message, MYCELIUM_POLICY_DROP_OLDEST, 64};
  sub.stop.open();
  for (int i = 0; i < 32; ++i)
    ASSERT_TRUE(ok(publish(rt, apples, "fine")));
  ASSERT_TRUE(ok(mycelium_flush(rt, patience_ns)));
  EXPECT_EQ(sub.events().size(), 0u);
}

} // namespace
} // namespace mycelium::laws
