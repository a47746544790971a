// One subscriber's trouble stays its own: slow, full or throwing, it neither slows, fills nor breaks another, and
// control goes through.
#include "gate.hpp"
#include "subscriber.hpp"

#include <stdexcept>

namespace mycelium::laws {
namespace {

struct isolation {
  const char* name;
  int policy;
  std::uint32_t threads;
};

class isolation_law : public testing::TestWithParam<isolation> {};
std::string name_of_isolation(const testing::TestParamInfo<isolation>& info) { return info.param.name; }
INSTANTIATE_TEST_SUITE_P(policies, isolation_law,
                         testing::Values(isolation{"drop_oldest_on_1", MYCELIUM_POLICY_DROP_OLDEST, 1},
                                         isolation{"drop_oldest_on_2", MYCELIUM_POLICY_DROP_OLDEST, 2},
                                         isolation{"drop_newest_on_1", MYCELIUM_POLICY_DROP_NEWEST, 1},
                                         isolation{"fail_on_1", MYCELIUM_POLICY_FAIL, 1}),
                         name_of_isolation);

TEST_P(isolation_law, one_slow_subscriber_never_slows_another) {
  bus rt{GetParam().threads};
  gate stop;
  opens_at_end release{stop};
  subscriber slow{rt, apples, delivery::dedicated, [&](const MyceliumMessage*) { stop.pass(); },
                  [](auto& options) {
                    options.policy = GetParam().policy;
                    options.capacity = 4;
                  }};
  subscriber pooled{rt, apples, delivery::message};
  subscriber batch{rt, apples, delivery::batch};
  subscriber queue{rt, apples, delivery::queue};
  for (auto& text : numbers(1, 1000)) {
    const auto status = publish(rt, apples, text);
    EXPECT_TRUE(status == MYCELIUM_SUCCESS || status == MYCELIUM_ERROR_FULL);
  }
  for (auto* quick : {&pooled, &batch, &queue}) { // while the slow one still stands at the gate
    ASSERT_TRUE(quick->got().wait_for(1000));
    EXPECT_EQ(quick->got().payloads(), numbers(1, 1000));
  }
  EXPECT_LE(slow.got().size(), 1u);
  stop.open();
}

TEST(isolation_laws, control_is_not_held_up_by_a_full_mailbox) {
  for (std::uint32_t threads : {1u, 2u}) {
    auto config = new_config(threads);
    config.block_timeout_ns = MYCELIUM_FOREVER;
    bus rt{config};
    gate stop;
    opens_at_end release{stop};
    subscriber stuck{rt, apples, delivery::dedicated, [&](const MyceliumMessage*) { stop.pass(); },
                     [](auto& options) { options.capacity = 2; }};
    std::thread publisher{[&] {
      while (publish(rt, apples, "more") == MYCELIUM_SUCCESS)
        ;
    }};
    EXPECT_TRUE(stop.wait_for_arrivals());
    EXPECT_TRUE(eventually([&] { return stats_of(rt, stuck.id()).waiting >= 2; }));
    {
      subscriber other{rt, pears};
      EXPECT_TRUE(ok(publish(rt, pears, "through")));
      EXPECT_TRUE(other.got().wait_for(1));
      EXPECT_TRUE(ok(mycelium_unsubscribe(rt, other.id())));
    }
    {
      subscriber same_type{rt, apples}; // comes and goes while a publisher waits on that very type
      EXPECT_TRUE(ok(mycelium_unsubscribe(rt, same_type.id())));
    }
    EXPECT_TRUE(gives(MYCELIUM_ERROR_TIMEOUT, mycelium_flush(rt, 1'000'000)));
    EXPECT_TRUE(gives(MYCELIUM_ERROR_TIMEOUT, mycelium_runtime_close(rt, 0)));
    publisher.join();
    stop.open();
  }
}

class throwing_law : public law_on_every_way {};
INSTANTIATE_TEST_SUITE_P(ways, throwing_law, testing::ValuesIn(every_callback_way()), name_of_way);

TEST_P(throwing_law, a_throwing_callback_is_isolated_counted_and_logged) {
  collector log;
  auto config = new_config(GetParam().threads);
  config.log_user_data = &log;
  config.log = [](MyceliumLogLevel, const char* text, void* to) {
    static_cast<collector*>(to)->add(record{0, 0, 0, text, nullptr});
  };
  bus rt{config};
  subscriber good{rt, apples};
  subscriber bad{rt, apples, kind(),
                 [&](const MyceliumMessage* message) {
                   const int n = std::stoi(text_of(message));
                   if (n == 3)
                     throw std::runtime_error{"three is too much"};
                   if (n == 5)
                     throw 5; // not even an exception class
                 },
                 [](auto& options) {
                   options.name = "the-thrower";
                   options.batch_max = 1;
                 }};
  for (auto& text : numbers(1, 10))
    ASSERT_TRUE(ok(publish(rt, apples, text)));
  ASSERT_TRUE(ok(mycelium_flush(rt, patience_ns)));
  EXPECT_EQ(good.got().payloads(), numbers(1, 10));
  EXPECT_EQ(bad.got().payloads(), numbers(1, 10)) << "the throwing one goes on";
  const auto stats = stats_of(rt, bad.id());
  EXPECT_EQ(stats.callback_errors, 2u);
  EXPECT_EQ(stats_of(rt).callback_errors, 2u);
  EXPECT_EQ(stats.delivered, 10u);
  EXPECT_TRUE(adds_up(stats));
  std::string all;
  for (auto& line : log.payloads())
    all += line + "\n";
  EXPECT_NE(all.find("the-thrower"), std::string::npos) << all;
  EXPECT_NE(all.find("three is too much"), std::string::npos) << all;
}

TEST_P(throwing_law, every_other_callback_may_throw_too) {
  static std::atomic<int> freed{0};
  const int freed_before = freed;
  auto config = new_config(GetParam().threads);
  config.log = [](MyceliumLogLevel, const char*, void*) { throw std::runtime_error{"log"}; };
  {
    bus rt{config};
    gate stop;
    opens_at_end release{stop};
    auto options = new_options();
    options.flags = kind() == delivery::dedicated ? MYCELIUM_SUBSCRIBE_DEDICATED : 0;
    options.policy = MYCELIUM_POLICY_DROP_NEWEST;
    options.capacity = 2;
    options.user_data = &stop;
    options.on_message = [](const MyceliumMessage*, void* at) {
      static_cast<gate*>(at)->pass();
      throw std::runtime_error{"message"};
    };
    options.on_drop = [](const MyceliumDropEvent*, void*) { throw std::runtime_error{"drop"}; };
    options.on_complete = [](std::uint64_t, void*) { throw std::runtime_error{"complete"}; };
    options.user_data_free = [](void*) {
      freed.fetch_add(1);
      throw std::runtime_error{"free"};
    };
    std::uint64_t id = 0;
    ASSERT_TRUE(ok(mycelium_subscribe_with_options(rt, apples, &options, &id)));
    for (int i = 0; i < 10; ++i)
      ASSERT_TRUE(ok(publish(rt, apples, "x")));
    stop.open();
    ASSERT_TRUE(ok(mycelium_flush(rt, patience_ns)));
    MyceliumRequestOptions request{};
    request.struct_size = sizeof request;
    request.on_reply = [](std::uint64_t, std::int32_t, const MyceliumMessage*, void*) {
      throw std::runtime_error{"reply"};
    };
    std::uint64_t request_id = 0;
    EXPECT_TRUE(ok(mycelium_request_async(rt, apples, nullptr, 0, &request, &request_id)));
    EXPECT_TRUE(eventually([&] { return stats_of(rt).requests_pending == 0; }));
    ASSERT_TRUE(ok(mycelium_unsubscribe(rt, id)));
    EXPECT_EQ(freed, freed_before + 1);
    EXPECT_GE(stats_of(rt).callback_errors, 4u);
    EXPECT_TRUE(ok(publish(rt, apples, "the runtime lives on")));
  }
  EXPECT_EQ(freed, freed_before + 1);
}

} // namespace
} // namespace mycelium::laws
