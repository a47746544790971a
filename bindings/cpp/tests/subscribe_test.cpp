// Callables of every kind, and the lifetimes of subscriptions.
#include "waiting.hpp"

#include <algorithm>
#include <functional>
#include <memory>
#include <thread>

namespace mycelium::cpp_tests {
namespace {

static_assert(!std::is_copy_constructible_v<subscription> && std::is_nothrow_move_constructible_v<subscription>);
static_assert(!std::is_copy_constructible_v<message<TextMessage>>);
static_assert(!std::is_copy_constructible_v<owned<any_message>>);

std::atomic<int> free_function_calls{0};
void free_function(const TextMessage&) { ++free_function_calls; }

struct listener {
  std::atomic<int> calls{0};
  void on_text(const TextMessage&) { ++calls; }
};

TEST(subscribe, takes_callables_of_every_kind) {
  const auto bus = new_runtime();
  std::atomic<int> calls{0};
  listener object;
  std::vector<subscription> all;
  const auto keep = [&](result<subscription> made) { all.push_back(std::move(made).value()); };
  keep(bus.subscribe<TextMessage>(free_function));
  keep(bus.subscribe<TextMessage>(&free_function));
  keep(bus.subscribe<TextMessage>([&](const TextMessage&) { ++calls; }));
  keep(bus.subscribe<TextMessage>([&](TextMessage) { ++calls; }));
  keep(bus.subscribe<TextMessage>([&](TextMessage&&) { ++calls; }));
  keep(bus.subscribe<TextMessage>([&](auto&& each) { calls += each.content == "all"; }));
  keep(bus.subscribe<TextMessage>(
      [&, only_moves = std::make_unique<int>(1)](const TextMessage&) mutable { calls += (*only_moves)++ == 1; }));
  keep(bus.subscribe<TextMessage>(std::function<void(const TextMessage&)>([&](const TextMessage&) { ++calls; })));
  keep(bus.subscribe<TextMessage>(std::bind_front(&listener::on_text, &object)));
  const auto named = [&](const TextMessage&) { ++calls; };
  keep(bus.subscribe<TextMessage>(named));
  keep(bus.subscribe<TextMessage>(std::cref(named)));
  keep(bus.subscribe(TextMessage::type_id, [&](bytes) { ++calls; }));
  keep(bus.subscribe(TextMessage::type_id, [&](const any_message&) { ++calls; }));
  keep(bus.subscribe(TextMessage::type_id, [&](const batch<any_message>&) { ++calls; }));
  free_function_calls = 0;
  bus.publish(TextMessage{.content = "all"}).value();
  bus.flush(patience).value();
  EXPECT_EQ(free_function_calls, 2);
  EXPECT_EQ(object.calls, 1);
  EXPECT_EQ(calls, 11);
}

TEST(subscribe, a_message_shows_payload_type_and_envelope) {
  const auto bus = new_runtime();
  const TextMessage sent{.sender = "me", .content = "look"};
  collected<std::string> got;
  const auto hearing = bus.subscribe<TextMessage>([&](const message<TextMessage>& each) {
                            EXPECT_EQ(each.type_id(), TextMessage::type_id);
                            EXPECT_EQ(each.envelope().type_id, TextMessage::type_id);
                            EXPECT_FALSE(each.is_request());
                            EXPECT_EQ(reinterpret_cast<std::uintptr_t>(each.payload().data()) % 16, 0u);
                            EXPECT_TRUE(std::ranges::equal(each.payload(), sent.encode()));
                            EXPECT_EQ(each.as<TextMessage>().value(), sent);
                            got.add(each.decode().value().content);
                          })
                           .value();
  bus.publish(sent).value();
  EXPECT_EQ(got.wait_for(1), std::vector<std::string>{"look"});
}

TEST(subscribe, a_retained_message_outlives_callback_and_runtime) {
  owned<message<TextMessage>> kept;
  EXPECT_FALSE(kept);
  {
    const auto bus = new_runtime();
    const auto hearing =
        bus.subscribe<TextMessage>([&](const message<TextMessage>& each) { kept = each.retain().value(); }).value();
    bus.publish(TextMessage{.content = "still here"}).value();
    bus.flush(patience).value();
  }
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->decode().value().content, "still here");
  const owned<message<TextMessage>> moved = std::move(kept);
  EXPECT_FALSE(kept);
  EXPECT_EQ((*moved).decode().value().content, "still here");
}

TEST(subscribe, a_batch_holds_what_waited) {
  const auto bus = new_runtime({.threads = 1});
  gate first;
  collected<std::vector<int>> got;
  const auto hearing = bus.subscribe<CounterUpdate>(
                              [&](const batch<message<CounterUpdate>>& waiting) {
                                std::vector<int> values;
                                for (const auto& each : waiting)
                                  values.push_back(each.decode().value().value);
                                EXPECT_EQ(values.size(), waiting.size());
                                EXPECT_EQ(waiting[0].decode().value().value, values[0]);
                                got.add(values);
                                first.pass();
                              },
                              {.on = placement::dedicated_thread, .batch_max = 4})
                           .value();
  bus.publish(CounterUpdate{.value = 1}).value();
  ASSERT_TRUE(first.wait_for_arrivals());
  for (int i = 2; i <= 7; ++i)
    bus.publish(CounterUpdate{.value = i}).value();
  first.open();
  EXPECT_EQ(got.wait_for(3), (std::vector<std::vector<int>>{{1}, {2, 3, 4, 5}, {6, 7}}));
}

TEST(subscribe, after_unsubscribe_no_callable_runs_or_lives) {
  const auto bus = new_runtime();
  std::atomic<int> living{0};
  std::atomic<int> calls{0};
  auto hearing = bus.subscribe(apples, [&, one = counted(living)](bytes) { ++calls; }).value();
  EXPECT_TRUE(hearing);
  EXPECT_EQ(living, 1);
  bus.publish(apples, {}).value();
  bus.flush(patience).value();
  EXPECT_EQ(hearing.unsubscribe().value(), status::success);
  EXPECT_EQ(living, 0);
  EXPECT_FALSE(hearing);
  EXPECT_EQ(hearing.id(), 0u);
  bus.publish(apples, {}).value();
  bus.flush(patience).value();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(hearing.unsubscribe().value(), status::success) << "again";
}

TEST(subscribe, destruction_unsubscribes_and_waits_for_a_running_callable) {
  const auto bus = new_runtime();
  gate inside;
  std::atomic<bool> left{false};
  std::thread opener;
  {
    const auto hearing = bus.subscribe(apples,
                                       [&](bytes) {
                                         inside.pass();
                                         left = true;
                                       },
                                       {.on = placement::dedicated_thread})
                             .value();
    bus.publish(apples, {}).value();
    ASSERT_TRUE(inside.wait_for_arrivals());
    opener = std::thread([&] { inside.open(); });
  }
  EXPECT_TRUE(left);
  opener.join();
  EXPECT_EQ(bus.stats()->subscriptions, 0u);
}

TEST(subscribe, in_its_own_callable_the_end_is_deferred) {
  const auto bus = new_runtime();
  std::atomic<int> living{0};
  collected<status> got;
  collected<int> completed;
  subscription hearing;
  hearing = bus.subscribe(apples,
                          [&, one = counted(living)](bytes) {
                            got.add(hearing.unsubscribe().value());
                            EXPECT_EQ(living, 1) << "what runs is not destroyed";
                          },
                          {.on_complete = [&] { completed.add(1); }})
                .value();
  bus.publish(apples, {}).value();
  EXPECT_EQ(got.wait_for(1), std::vector{status::deferred});
  EXPECT_EQ(completed.wait_for(1).size(), 1u);
  bus.publish(apples, {}).value();
  bus.close(patience).value();
  EXPECT_EQ(living, 0);
  EXPECT_EQ(got.size(), 1u);
}

TEST(subscribe, a_moved_subscription_ends_once) {
  const auto bus = new_runtime();
  std::atomic<int> living{0};
  subscription second;
  {
    subscription first = bus.subscribe(apples, [one = counted(living)](bytes) {}).value();
    second = std::move(first);
    EXPECT_FALSE(first);
  }
  EXPECT_EQ(living, 1);
  second = bus.subscribe(apples, [one = counted(living)](bytes) {}).value();
  EXPECT_EQ(living, 1) << "what was assigned over has ended";
  second = subscription();
  EXPECT_EQ(living, 0);
}

TEST(subscribe, a_detached_one_lasts_as_long_as_the_runtime) {
  std::atomic<int> living{0};
  collected<int> got;
  {
    const auto bus = new_runtime();
    const auto id = bus.subscribe(apples, [&, one = counted(living)](bytes) { got.add(1); }).value().detach();
    EXPECT_NE(id, 0u);
    bus.publish(apples, {}).value();
    EXPECT_EQ(got.wait_for(1).size(), 1u);
    EXPECT_EQ(living, 1);
  }
  EXPECT_EQ(living, 0);
}

TEST(subscribe, a_subscription_may_outlive_its_runtime) {
  std::atomic<int> living{0};
  subscription hearing;
  {
    const auto bus = new_runtime();
    hearing = bus.subscribe(apples, [one = counted(living)](bytes) {}).value();
  }
  EXPECT_EQ(living, 0) << "the runtime's end is the callable's";
  EXPECT_EQ(hearing.stats().code(), status::closed);
  EXPECT_EQ(hearing.unsubscribe().value(), status::success);
}

TEST(subscribe, a_refused_subscription_destroys_its_callable) {
  const auto bus = new_runtime();
  std::atomic<int> living{0};
  EXPECT_EQ(bus.subscribe(0, [one = counted(living)](bytes) {}).code(), status::invalid_argument);
  EXPECT_EQ(bus.subscribe(apples, [one = counted(living)](bytes) {}, {.capacity = 1}).code(), status::invalid_argument);
  EXPECT_EQ(living, 0);
}

TEST(subscribe, an_exception_is_isolated_counted_and_logged) {
  collected<std::string> logged;
  runtime_options options;
  options.log = [&](log_level level, std::string_view text) {
    EXPECT_EQ(level, log_level::error);
    logged.add(std::string(text));
  };
  const auto bus = new_runtime(std::move(options));
  const auto hearing = bus.subscribe<TextMessage>(
                              [](const TextMessage& each) {
                                if (each.content == "bad")
                                  throw std::runtime_error("the disk is full");
                              },
                              {.name = "writer"})
                           .value();
  bus.publish(TextMessage{.content = "bad"}).value();
  bus.publish(TextMessage{.content = "good"}).value();
  bus.publish(TextMessage::type_id, bytes_of("no message")).value();
  bus.flush(patience).value();
  const auto lines = logged.wait_for(2);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_NE(lines[0].find("writer"), std::string::npos) << lines[0];
  EXPECT_NE(lines[0].find("the disk is full"), std::string::npos) << lines[0];
  EXPECT_NE(lines[1].find("no message of type 1001"), std::string::npos) << lines[1];
  EXPECT_EQ(hearing.stats()->callback_errors, 2u);
  EXPECT_EQ(hearing.stats()->delivered, 3u);
  EXPECT_EQ(bus.stats()->callback_errors, 2u);
}

TEST(subscribe, drops_are_events) {
  const auto bus = new_runtime();
  gate inside;
  collected<drop_event> events;
  collected<int> completed;
  auto hearing = bus.subscribe(apples, [&](bytes) { inside.pass(); },
                               {.on = placement::dedicated_thread,
                                .when_full = policy::drop_newest,
                                .capacity = 2,
                                .on_drop = [&](const drop_event& event) { events.add(event); },
                                .on_complete = [&] { completed.add(1); }})
                     .value();
  bus.publish(apples, {}).value();
  ASSERT_TRUE(inside.wait_for_arrivals());
  for (int i = 0; i < 5; ++i)
    bus.publish(apples, {}).value();
  EXPECT_EQ(hearing.stats()->dropped[MYCELIUM_DROP_NEWEST], 3u);
  inside.open();
  const auto all = events.wait_for(2);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].reason, drop_reason::newest);
  EXPECT_FALSE(all[0].recovered);
  EXPECT_TRUE(all[1].recovered);
  EXPECT_EQ(all[1].dropped, 3u);
  EXPECT_EQ(all[1].subscription_id, hearing.id());
  hearing.unsubscribe().value();
  EXPECT_EQ(completed.size(), 1u);
}

TEST(subscribe, placement_says_whose_thread_runs_it) {
  const auto bus = new_runtime();
  collected<std::thread::id> got;
  const auto run = [&](bytes) { got.add(std::this_thread::get_id()); };
  const auto inline_one = bus.subscribe(apples, run, {.on = placement::publisher_thread}).value();
  bus.publish(apples, {}).value();
  EXPECT_EQ(got.wait_for(1), std::vector{std::this_thread::get_id()});
  const auto other = bus.subscribe(apples, run, {.on = placement::dedicated_thread}).value();
  bus.publish(apples, {}).value();
  const auto all = got.wait_for(3);
  EXPECT_EQ(std::ranges::count(all, std::this_thread::get_id()), 2);
}

TEST(subscribe, policy_fail_refuses_at_once) {
  const auto bus = new_runtime();
  gate inside;
  const auto hearing = bus.subscribe(apples, [&](bytes) { inside.pass(); },
                                     {.on = placement::dedicated_thread, .when_full = policy::fail, .capacity = 2})
                           .value();
  bus.publish(apples, {}).value();
  ASSERT_TRUE(inside.wait_for_arrivals());
  bus.publish(apples, {}).value();
  bus.publish(apples, {}).value();
  EXPECT_EQ(bus.publish(apples, {}).code(), status::full);
  inside.open();
}

TEST(subscribe, history_comes_first) {
  const auto bus = new_runtime();
  bus.keep_history(TextMessage::type_id, 2).value();
  for (const auto* text : {"one", "two", "three"})
    bus.publish(TextMessage{.content = text}).value();
  collected<std::string> got;
  const auto late =
      bus.subscribe<TextMessage>([&](const TextMessage& each) { got.add(each.content); }, {.history = 10}).value();
  bus.publish(TextMessage{.content = "four"}).value();
  EXPECT_EQ(got.wait_for(3), (std::vector<std::string>{"two", "three", "four"}));
}

} // namespace
} // namespace mycelium::cpp_tests
