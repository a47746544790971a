// Request and reply, waiting: the first reply, or a status that says why there is none.
#include "requests.hpp"

namespace mycelium::laws {
namespace {

class request_law : public law_on_every_way {};
INSTANTIATE_TEST_SUITE_P(ways, request_law, testing::ValuesIn(every_way()), name_of_way);

TEST_P(request_law, a_request_is_answered) {
  subscriber server{rt_, apples, kind(), echo_server(rt_)};
  for (auto& text : numbers(1, 100)) {
    const auto one = ask(rt_, apples, text);
    ASSERT_TRUE(ok(one.status));
    EXPECT_EQ(one.reply, "re: " + text);
  }
  EXPECT_TRUE(eventually([&] { return stats_of(rt_).requests_pending == 0; }));
}

TEST_P(request_law, an_empty_request_and_an_empty_reply_are_fine) {
  subscriber server{rt_, apples, kind(), [&](const MyceliumMessage* message) {
                      EXPECT_EQ(mycelium_message_is_request(message), 1);
                      EXPECT_TRUE(ok(mycelium_reply(rt_, message, plums, nullptr, 0)));
                    }};
  MyceliumMessage* reply = nullptr;
  ASSERT_TRUE(ok(mycelium_request(rt_, apples, nullptr, 0, patience_ns, &reply)));
  EXPECT_EQ(text_of(reply), "");
  EXPECT_EQ(mycelium_message_type_id(reply), plums);
  EXPECT_EQ(mycelium_message_is_request(reply), 0);
  mycelium_message_release(reply);
}

TEST_P(request_law, a_server_that_releases_the_request_gives_no_reply) {
  subscriber server{rt_, apples, kind()};
  EXPECT_TRUE(gives(MYCELIUM_ERROR_NO_REPLY, ask(rt_, apples, "anyone?").status));
  EXPECT_EQ(server.got().size(), 1u);
}

TEST_P(request_law, the_first_of_several_servers_answers_and_the_other_is_told) {
  std::atomic<int> accepted{0};
  std::atomic<int> refused{0};
  const auto serve = [&](const MyceliumMessage* message) {
    const auto status = answer(rt_, message, "mine");
    accepted += status == MYCELIUM_SUCCESS;
    refused += status == MYCELIUM_ERROR_SUBSCRIPTION;
  };
  {
    subscriber first{rt_, apples, kind(), serve};
    subscriber second{rt_, apples, kind(), serve};
    EXPECT_EQ(ask(rt_, apples, "who?").reply, "mine");
    ASSERT_TRUE(ok(mycelium_flush(rt_, patience_ns)));
  }
  EXPECT_EQ(accepted, 1);
  EXPECT_EQ(refused, 1);
}

TEST_P(request_law, one_silent_server_does_not_hide_another) {
  subscriber silent{rt_, apples, kind()};
  subscriber server{rt_, apples, kind(), echo_server(rt_)};
  EXPECT_EQ(ask(rt_, apples, "x").reply, "re: x");
}

TEST_P(request_law, a_retained_request_may_be_answered_later_from_another_thread) {
  std::atomic<MyceliumMessage*> kept{nullptr};
  subscriber server{rt_, apples, kind(),
                    [&](const MyceliumMessage* message) { kept = mycelium_message_retain(message); }};
  std::thread answerer{[&] {
    EXPECT_TRUE(eventually([&] { return kept.load() != nullptr; }));
    EXPECT_TRUE(ok(answer(rt_, kept, "later")));
    EXPECT_TRUE(gives(MYCELIUM_ERROR_SUBSCRIPTION, answer(rt_, kept, "twice")));
    mycelium_message_release(kept);
  }};
  const auto one = ask(rt_, apples, "when you can");
  answerer.join();
  EXPECT_TRUE(ok(one.status));
  EXPECT_EQ(one.reply, "later");
}

TEST_P(request_law, a_retained_request_that_is_released_unanswered_gives_no_reply) {
  std::atomic<MyceliumMessage*> kept{nullptr};
  subscriber server{rt_, apples, kind(),
                    [&](const MyceliumMessage* message) { kept = mycelium_message_retain(message); }};
  std::thread dropper{[&] {
    EXPECT_TRUE(eventually([&] { return kept.load() != nullptr; }));
    mycelium_message_release(kept);
  }};
  EXPECT_TRUE(gives(MYCELIUM_ERROR_NO_REPLY, ask(rt_, apples, "x").status));
  dropper.join();
}

TEST_P(request_law, a_late_reply_is_refused) {
  std::atomic<MyceliumMessage*> kept{nullptr};
  subscriber server{rt_, apples, kind(),
                    [&](const MyceliumMessage* message) { kept = mycelium_message_retain(message); }};
  EXPECT_TRUE(gives(MYCELIUM_ERROR_TIMEOUT, ask(rt_, apples, "quick!", 1'000'000).status));
  ASSERT_TRUE(eventually([&] { return kept.load() != nullptr; }));
  EXPECT_TRUE(gives(MYCELIUM_ERROR_SUBSCRIPTION, answer(rt_, kept, "too late")));
  mycelium_message_release(kept);
  EXPECT_TRUE(eventually([&] { return stats_of(rt_).requests_pending == 0; }));
}

TEST_P(request_law, many_threads_may_ask_at_once_and_each_gets_its_own_answer) {
  subscriber server{rt_, apples, kind(), echo_server(rt_)};
  std::vector<std::thread> askers;
  for (int t = 0; t < 4; ++t)
    askers.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        const auto text = std::to_string(t) + "/" + std::to_string(i);
        EXPECT_EQ(ask(rt_, apples, text).reply, "re: " + text);
      }
    });
  for (auto& asker : askers)
    asker.join();
}

TEST(request_laws, nobody_to_ask_is_no_reply_at_once) {
  bus rt;
  EXPECT_TRUE(gives(MYCELIUM_ERROR_NO_REPLY, ask(rt, apples, "hello?", MYCELIUM_FOREVER).status));
}

TEST(request_laws, a_server_that_leaves_gives_no_reply) {
  bus rt;
  gate stop;
  opens_at_end release{stop};
  auto server =
      std::make_unique<subscriber>(rt, apples, delivery::dedicated, [&](const MyceliumMessage*) { stop.pass(); });
  ASSERT_TRUE(ok(publish(rt, apples, "keeps it busy")));
  ASSERT_TRUE(stop.wait_for_arrivals());
  std::thread leaver{[&] {
    EXPECT_TRUE(eventually([&] { return stats_of(rt).requests_pending == 1; })); // waits in the mailbox
    std::thread opener{[&] { stop.open(); }};
    server.reset();
    opener.join();
  }};
  EXPECT_TRUE(gives(MYCELIUM_ERROR_NO_REPLY, ask(rt, apples, "x").status));
  leaver.join();
}

TEST(request_laws, a_message_that_is_no_request_cannot_be_answered) {
  bus rt;
  std::atomic<bool> checked{false};
  subscriber sub{rt, apples, delivery::message, [&](const MyceliumMessage* message) {
                   EXPECT_EQ(mycelium_message_is_request(message), 0);
                   EXPECT_TRUE(gives(MYCELIUM_ERROR_INVALID_ARGUMENT, answer(rt, message, "unasked")));
                   checked = true;
                 }};
  ASSERT_TRUE(ok(publish(rt, apples, "just so")));
  ASSERT_TRUE(ok(mycelium_flush(rt, patience_ns)));
  EXPECT_TRUE(checked);
}

TEST(request_laws, a_full_server_says_so) {
  bus rt;
  const unread full{rt, apples, MYCELIUM_POLICY_FAIL, 2};
  ASSERT_TRUE(ok(publish(rt, apples, "1")));
  ASSERT_TRUE(ok(publish(rt, apples, "2")));
  EXPECT_TRUE(gives(MYCELIUM_ERROR_FULL, ask(rt, apples, "3").status));
  EXPECT_TRUE(eventually([&] { return stats_of(rt).requests_pending == 0; }));
}

TEST(request_laws, a_request_that_a_mailbox_drops_gives_no_reply) {
  bus rt;
  const unread full{rt, apples, MYCELIUM_POLICY_DROP_NEWEST, 2};
  ASSERT_TRUE(ok(publish(rt, apples, "1")));
  ASSERT_TRUE(ok(publish(rt, apples, "2")));
  EXPECT_TRUE(gives(MYCELIUM_ERROR_NO_REPLY, ask(rt, apples, "3").status));
}

TEST(request_laws, a_waiting_request_is_completed_by_close) {
  bus rt;
  std::atomic<MyceliumMessage*> kept{nullptr};
  subscriber server{rt, apples, delivery::message,
                    [&](const MyceliumMessage* message) { kept = mycelium_message_retain(message); }};
  std::thread closer{[&] {
    EXPECT_TRUE(eventually([&] { return kept.load() != nullptr; }));
    EXPECT_TRUE(ok(mycelium_runtime_close(rt, patience_ns)));
  }};
  EXPECT_TRUE(gives(MYCELIUM_ERROR_CLOSED, ask(rt, apples, "x", MYCELIUM_FOREVER).status));
  closer.join();
  EXPECT_LT(answer(rt, kept, "into the void"), 0);
  rt.destroy();
  mycelium_message_release(kept);
}

TEST(request_laws, a_reply_over_the_limit_is_refused_and_may_be_tried_again) {
  auto config = new_config();
  config.max_payload = 64;
  bus rt{config};
  subscriber server{rt, apples, delivery::message, [&](const MyceliumMessage* message) {
                      EXPECT_TRUE(gives(MYCELIUM_ERROR_TOO_LARGE, answer(rt, message, std::string(65, 'x'))));
                      EXPECT_TRUE(ok(answer(rt, message, "short")));
                    }};
  EXPECT_EQ(ask(rt, apples, "x").reply, "short");
}

} // namespace
} // namespace mycelium::laws
