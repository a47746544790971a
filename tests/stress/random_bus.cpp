// Everything at once, at random: publishers, subscribers of every kind that come and go, requests, queues, histories
// and closes, on several threads. What must hold whatever the order: statuses are among the allowed ones, FIFO per
// publisher, no callback after unsubscribe, and the counters add up. The seed is printed; MYCELIUM_STRESS_SEED repeats
// it.
#include "laws/gate.hpp"
#include "laws/subscriber.hpp"
#include "stress/seed.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <random>

namespace mycelium::laws {
namespace {

using random = std::mt19937_64;

using stress::seed;

template <class... Allowed>
testing::AssertionResult among(std::int32_t status, Allowed... allowed) {
  if (((status == allowed) || ...))
    return testing::AssertionSuccess();
  return testing::AssertionFailure() << mycelium_status_name(status) << ": " << mycelium_last_error();
}

// One runtime and the threads that work on it until its end.
class playground {
public:
  playground(std::uint64_t seed_value, std::uint32_t threads) : seed_(seed_value), rt_(config_of(threads)) {}

  void run(std::chrono::milliseconds duration) {
    std::vector<std::thread> actors;
    for (int i = 0; i < 2; ++i)
      actors.emplace_back([this, i] { publish_at_random(random{seed_ + static_cast<std::uint64_t>(i)}); });
    for (int i = 0; i < 2; ++i)
      actors.emplace_back([this, i] { subscribe_at_random(random{seed_ + 10 + static_cast<std::uint64_t>(i)}); });
    actors.emplace_back([this] { ask_at_random(random{seed_ + 20}); });
    actors.emplace_back([this] { watch(random{seed_ + 30}); });
    const auto end = std::chrono::steady_clock::now() + duration;
    while (std::chrono::steady_clock::now() < end)
      std::this_thread::yield();
    const bool close_under_fire = seed_ % 2 == 0;
    if (!close_under_fire)
      stop_ = true;
    else
      EXPECT_TRUE(ok(mycelium_runtime_close(rt_, patience_ns)));
    stop_ = true;
    for (auto& actor : actors)
      actor.join();
    EXPECT_TRUE(ok(mycelium_runtime_close(rt_, patience_ns)));
    const auto stats = stats_of(rt_);
    EXPECT_TRUE(adds_up(stats));
    EXPECT_EQ(stats.waiting, 0u);
    EXPECT_EQ(stats.subscriptions, 0u);
    EXPECT_EQ(stats.requests_pending, 0u);
    EXPECT_EQ(stats.restarts, 0u);
    EXPECT_GT(stats.delivered, 0u);
  }

private:
  static MyceliumRuntimeConfig config_of(std::uint32_t threads) {
    auto config = new_config(threads);
    config.block_timeout_ns = 20'000'000;
    config.mailbox_capacity = 32;
    return config;
  }

  static std::uint16_t any_type(random& dice) { return static_cast<std::uint16_t>(apples + dice() % 3); }

  void publish_at_random(random dice) {
    const std::string text(5000, 'x');
    while (!stop_) {
      const auto type_id = any_type(dice);
      const auto len = dice() % 10 == 0 ? dice() % text.size() : dice() % 100;
      const auto* data = bytes_of(text).data();
      std::int32_t status = MYCELIUM_SUCCESS;
      switch (dice() % 8) {
      case 0: {
        const std::array<MyceliumPayload, 3> batch{
            {{type_id, data, len}, {any_type(dice), data, 1}, {type_id, nullptr, 0}}};
        status = mycelium_publish_batch(rt_, batch.data(), batch.size(), nullptr);
        break;
      }
      case 1:
        status = publish_loan(type_id, len, dice() % 20);
        break;
      case 2: {
        auto envelope = new_envelope(type_id);
        envelope.destination = static_cast<std::int32_t>(dice() % 3);
        envelope.destination_key = dice() % 50;
        status = mycelium_publish_envelope(rt_, &envelope, data, len);
        break;
      }
      default:
        status = mycelium_publish(rt_, type_id, data, len);
      }
      EXPECT_TRUE(among(status, MYCELIUM_SUCCESS, MYCELIUM_ERROR_FULL, MYCELIUM_ERROR_TIMEOUT, MYCELIUM_ERROR_CLOSED));
    }
  }

  std::int32_t publish_loan(std::uint16_t type_id, std::size_t len, std::size_t offset) {
    MyceliumLoan* loan = nullptr;
    std::uint8_t* data = nullptr;
    auto status = mycelium_loan(rt_, len + offset, &loan, &data);
    if (status != MYCELIUM_SUCCESS)
      return status;
    std::fill_n(data + offset, len, std::uint8_t{7});
    status = mycelium_publish_loan(rt_, type_id, loan, offset, len);
    if (status == MYCELIUM_ERROR_CLOSED)
      mycelium_loan_discard(loan);
    return status;
  }

  // A subscription's user data: what its callbacks check, and what they do to the bus.
  struct visitor {
    MyceliumRuntime* rt;
    std::uint64_t luck;
    std::string is{};                              // what it subscribed as, for a complaint
    std::map<std::uint64_t, std::uint64_t> last{}; // sequence of each publisher; callbacks are never two at once
    std::atomic<bool> ended{false};
    tally freed{};

    // Mostly nothing, sometimes what could go wrong.
    void take(const MyceliumMessage* message) {
      EXPECT_FALSE(ended) << "a callback after unsubscribe";
      const auto envelope = envelope_of(message);
      auto& before = last[envelope.publisher_id];
      EXPECT_GT(envelope.sequence, before) << "out of order, publisher " << envelope.publisher_id << ": " << is;
      before = envelope.sequence;
      const auto chance = luck++ % 97;
      if (mycelium_message_is_request(message) != 0 && chance % 3 != 0)
        mycelium_reply(rt, message, plums, nullptr, 0);
      if (chance == 5) {
        EXPECT_TRUE(among(publish(rt, apples, "from a callback"), MYCELIUM_SUCCESS, MYCELIUM_ERROR_FULL,
                          MYCELIUM_ERROR_TIMEOUT, MYCELIUM_ERROR_CLOSED));
      }
      if (chance == 13)
        mycelium_message_release(mycelium_message_retain(message));
      if (chance == 31)
        throw 31;
    }
    static void on_message(const MyceliumMessage* message, void* self) { static_cast<visitor*>(self)->take(message); }
    static void on_payload(std::uint16_t, const std::uint8_t*, std::size_t, void* self) {
      static_cast<visitor*>(self)->take(mycelium_message_current());
    }
    static void on_batch(const MyceliumMessage* const* messages, std::size_t count, void* self) {
      for (const auto* each : std::span{messages, count})
        static_cast<visitor*>(self)->take(each);
    }
  };

  void subscribe_at_random(random dice) {
    constexpr std::array kinds{delivery::payload,   delivery::message, delivery::batch,
                               delivery::dedicated, delivery::inlined, delivery::queue};
    while (!stop_ && visit(dice, kinds[dice() % kinds.size()]))
      ;
  }

  // A subscriber comes, stays for some turns and goes. False when the runtime is closed.
  bool visit(random& dice, delivery kind) {
    visitor self{rt_, dice()};
    auto options = new_options();
    options.user_data = &self;
    options.user_data_free = [](void* data) { static_cast<visitor*>(data)->freed.add(); };
    options.policy = static_cast<std::int32_t>(dice() % 5);
    options.capacity = static_cast<std::uint32_t>(2u << dice() % 6);
    options.history = static_cast<std::uint32_t>(dice() % 4);
    self.is = name_of(kind) + ", policy " + std::to_string(options.policy) + ", capacity " +
              std::to_string(options.capacity) + ", history " + std::to_string(options.history);
    if (!set_delivery(options, kind))
      return false;
    std::uint64_t id = 0;
    const auto status = mycelium_subscribe_with_options(rt_, any_type(dice), &options, &id);
    EXPECT_TRUE(among(status, MYCELIUM_SUCCESS, MYCELIUM_ERROR_CLOSED));
    for (auto turns = status == MYCELIUM_SUCCESS ? dice() % 50 : 0; turns > 0; --turns) {
      if (kind == delivery::queue)
        receive_some(options.queue_id);
      std::this_thread::yield();
    }
    if (status == MYCELIUM_SUCCESS) {
      const auto end = mycelium_unsubscribe(rt_, id);
      EXPECT_TRUE(among(end, MYCELIUM_SUCCESS, MYCELIUM_ERROR_CLOSED, MYCELIUM_ERROR_SUBSCRIPTION));
      self.ended = end == MYCELIUM_SUCCESS;
    }
    if (kind == delivery::queue)
      mycelium_queue_close(rt_, options.queue_id);
    if (status == MYCELIUM_SUCCESS) {
      EXPECT_TRUE(self.freed.wait_for(1));
    }
    return status == MYCELIUM_SUCCESS;
  }

  bool set_delivery(MyceliumSubscribeOptions& options, delivery kind) {
    switch (kind) {
    case delivery::payload:
      options.on_payload = visitor::on_payload;
      break;
    case delivery::batch:
      options.on_batch = visitor::on_batch;
      break;
    case delivery::queue:
      return mycelium_queue_open(rt_, &options.queue_id) == MYCELIUM_SUCCESS;
    case delivery::dedicated:
      options.flags = MYCELIUM_SUBSCRIBE_DEDICATED;
      [[fallthrough]];
    case delivery::message:
      options.on_message = visitor::on_message;
      break;
    case delivery::inlined:
      options.flags = MYCELIUM_SUBSCRIBE_INLINE;
      options.on_message = visitor::on_message;
      break;
    }
    return true;
  }

  void receive_some(std::uint64_t queue) {
    std::array<MyceliumDelivery, 4> out{};
    std::size_t count = 0;
    mycelium_queue_receive(rt_, queue, out.data(), out.size(), 100'000, &count);
    for (const auto& each : std::span{out}.first(count))
      mycelium_message_release(each.message);
  }

  void ask_at_random(random dice) {
    std::atomic<std::uint64_t> outcomes{0};
    std::uint64_t asked = 0;
    while (!stop_) {
      MyceliumRequestOptions options{};
      options.struct_size = sizeof options;
      options.timeout_ns = static_cast<std::int64_t>(dice() % 2'000'000);
      options.user_data = &outcomes;
      options.on_reply = [](std::uint64_t, std::int32_t, const MyceliumMessage*, void* count) {
        static_cast<std::atomic<std::uint64_t>*>(count)->fetch_add(1);
      };
      std::uint64_t id = 0;
      const auto status = mycelium_request_async(rt_, any_type(dice), nullptr, 0, &options, &id);
      asked += status == MYCELIUM_SUCCESS;
      if (status == MYCELIUM_ERROR_CLOSED)
        break;
      if (dice() % 4 == 0 && status == MYCELIUM_SUCCESS)
        asked -= mycelium_request_cancel(rt_, id) == MYCELIUM_SUCCESS;
      MyceliumMessage* reply = nullptr;
      if (dice() % 8 == 0)
        mycelium_request(rt_, any_type(dice), nullptr, 0, 100'000, &reply);
      mycelium_message_release(reply);
    }
    EXPECT_TRUE(eventually([&] { return outcomes == asked; })) << asked << " asked, " << outcomes << " outcomes";
  }

  // Control beside the data: statistics, metrics, histories.
  void watch(random dice) {
    while (!stop_) {
      const auto stats = stats_of(rt_); // exact only when no publish is under way, but never impossible
      EXPECT_LE(stats.delivered, stats.offered);
      mycelium_keep_history(rt_, any_type(dice), static_cast<std::uint32_t>(dice() % 8));
      std::size_t len = 0;
      EXPECT_TRUE(ok(mycelium_metrics_text(rt_, nullptr, 0, &len)));
      mycelium_flush(rt_, 1'000'000);
      std::this_thread::yield();
    }
  }

  std::uint64_t seed_;
  bus rt_;
  std::atomic<bool> stop_{false};
};

TEST(stress, a_random_bus_holds_the_laws) {
  const auto first = seed();
  for (std::uint64_t round = 0; round < 8; ++round) {
    playground one{first + round, static_cast<std::uint32_t>(1 + round % 3)};
    one.run(700ms);
  }
}

// Publishers that wait for room find the subscription ended at every point of their way.
TEST(stress, unsubscribing_a_full_subscription_harms_no_other) {
  bus rt{1};
  subscriber other{rt, apples};
  std::atomic<bool> stop{false};
  std::atomic<std::size_t> published{0};
  std::vector<std::thread> publishers;
  for (int i = 0; i < 4; ++i)
    publishers.emplace_back([&] {
      while (!stop) {
        EXPECT_TRUE(ok(publish(rt, apples, "x")));
        ++published;
      }
    });
  for (int round = 0; round < 2000; ++round) {
    subscriber full{rt, apples, delivery::message, {}, [](auto& options) {
                      options.policy = MYCELIUM_POLICY_BLOCK;
                      options.capacity = 2;
                    }};
    EXPECT_TRUE(eventually([&] { return stats_of(rt, full.id()).delivered >= 4; }));
    EXPECT_TRUE(ok(mycelium_unsubscribe(rt, full.id())));
  }
  stop = true;
  for (auto& each : publishers)
    each.join();
  ASSERT_TRUE(ok(mycelium_flush(rt, patience_ns)));
  EXPECT_EQ(other.got().size(), published);
  EXPECT_TRUE(in_order(other.got().records()));
}

TEST(stress, runtimes_come_and_go_under_fire) {
  random dice{seed()};
  const auto threads = thread_count_before();
  const auto end = std::chrono::steady_clock::now() + 3s;
  while (std::chrono::steady_clock::now() < end) {
    bus rt{static_cast<std::uint32_t>(1 + dice() % 2)};
    subscriber pooled{
        rt, apples, delivery::message, {}, [](auto& options) { options.policy = MYCELIUM_POLICY_DROP_OLDEST; }};
    subscriber queue{rt, apples, delivery::queue};
    std::vector<std::thread> publishers;
    std::atomic<int> sent{0};
    for (int i = 0; i < 3; ++i)
      publishers.emplace_back([&] {
        std::int32_t status = MYCELIUM_SUCCESS;
        while ((status = publish(rt, apples, "x")) != MYCELIUM_ERROR_CLOSED) {
          EXPECT_TRUE(among(status, MYCELIUM_SUCCESS, MYCELIUM_ERROR_TIMEOUT, MYCELIUM_ERROR_FULL));
          sent.fetch_add(1);
        }
      });
    const auto enough = static_cast<int>(dice() % 500);
    EXPECT_TRUE(eventually([&] { return sent >= enough; }));
    if (dice() % 2 == 0)
      rt.destroy();
    else
      EXPECT_TRUE(ok(mycelium_runtime_destroy_later(rt)));
    for (auto& publisher : publishers)
      publisher.join();
  }
  EXPECT_TRUE(eventually([&] { return thread_count() <= threads; })) << "also those of destroy_later";
}

} // namespace
} // namespace mycelium::laws
