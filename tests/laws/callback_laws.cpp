// A callback runs under no lock, so it may call everything: publish, subscribe, unsubscribe, request, destroy later.
// What would wait for the callback itself is refused, not a deadlock.
#include "gate.hpp"
#include "subscriber.hpp"

#include <mutex>

namespace mycelium::laws {
namespace {

class callback_law : public law_on_every_way {};
INSTANTIATE_TEST_SUITE_P(ways, callback_law, testing::ValuesIn(every_callback_way()), name_of_way);

TEST_P(callback_law, a_callback_may_publish) {
  subscriber downstream{rt_, pears, kind()};
  subscriber upstream{rt_, apples, kind(), [&](const MyceliumMessage* message) {
                        EXPECT_TRUE(ok(publish(rt_, pears, text_of(message) + "!")));
                      }};
  for (auto& text : numbers(1, 100))
    ASSERT_TRUE(ok(publish(rt_, apples, text)));
  ASSERT_TRUE(downstream.got().wait_for(100));
  EXPECT_EQ(downstream.got().payloads()[99], "100!");
}

TEST_P(callback_law, a_callback_may_subscribe) {
  collector got;
  std::atomic<std::uint64_t> second{0};
  subscriber first{rt_, apples, kind(), [&](const MyceliumMessage*) {
                     auto options = new_options();
                     options.user_data = &got;
                     options.on_message = [](const MyceliumMessage* message, void* to) {
                       static_cast<collector*>(to)->add(message);
                     };
                     std::uint64_t id = 0;
                     EXPECT_TRUE(ok(mycelium_subscribe_with_options(rt_, pears, &options, &id)));
                     EXPECT_TRUE(ok(publish(rt_, pears, "to the new one"))); // after the call returned: delivered
                     second = id;
                   }};
  ASSERT_TRUE(ok(publish(rt_, apples, "go")));
  ASSERT_TRUE(got.wait_for(1));
  ASSERT_TRUE(ok(mycelium_flush(rt_, patience_ns)));
  EXPECT_EQ(got.payloads(), std::vector<std::string>{"to the new one"});
  EXPECT_TRUE(ok(mycelium_unsubscribe(rt_, second)));
}

TEST_P(callback_law, a_callback_may_unsubscribe_another) {
  subscriber victim{rt_, pears, kind()};
  std::atomic<std::int32_t> status{MYCELIUM_ERROR_INTERNAL};
  std::atomic<int> completed_when_returned{-1};
  subscriber sub{rt_, apples, kind(), [&](const MyceliumMessage*) {
                   status = mycelium_unsubscribe(rt_, victim.id());
                   completed_when_returned = victim.completed();
                 }};
  ASSERT_TRUE(ok(publish(rt_, apples, "go")));
  ASSERT_TRUE(ok(mycelium_flush(rt_, patience_ns)));
  // With one worker, which is busy in this callback, waiting for the other may be impossible.
  if (status == MYCELIUM_DEFERRED) {
    EXPECT_TRUE(eventually([&] { return victim.completed() == 1; }));
  } else {
    EXPECT_EQ(status, MYCELIUM_SUCCESS);
    EXPECT_EQ(completed_when_returned, 1) << "after success nothing of the subscription runs, on_complete included";
  }
  ASSERT_TRUE(ok(publish(rt_, pears, "too late")));
  ASSERT_TRUE(ok(mycelium_flush(rt_, patience_ns)));
  EXPECT_EQ(victim.got().size(), 0u);
}

TEST_P(callback_law, a_callback_may_request_asynchronously) {
  subscriber server{rt_, pears, delivery::message, [&](const MyceliumMessage* message) {
                      EXPECT_TRUE(ok(mycelium_reply(rt_, message, plums, bytes_of("answer").data(), 6)));
                    }};
  collector answers;
  subscriber sub{rt_, apples, kind(), [&](const MyceliumMessage*) {
                   MyceliumRequestOptions options{};
                   options.struct_size = sizeof options;
                   options.timeout_ns = patience_ns;
                   options.user_data = &answers;
                   options.on_reply = [](std::uint64_t, std::int32_t status, const MyceliumMessage* reply, void* to) {
                     EXPECT_TRUE(gives(MYCELIUM_SUCCESS, status));
                     static_cast<collector*>(to)->add(reply);
                   };
                   std::uint64_t id = 0;
                   EXPECT_TRUE(ok(mycelium_request_async(rt_, pears, bytes_of("question").data(), 8, &options, &id)));
                 }};
  ASSERT_TRUE(ok(publish(rt_, apples, "go")));
  ASSERT_TRUE(answers.wait_for(1));
  EXPECT_EQ(answers.payloads(), std::vector<std::string>{"answer"});
}

TEST_P(callback_law, a_callback_may_read_statistics_and_metrics) {
  std::atomic<bool> done{false};
  subscriber sub{rt_, apples, kind(), [&](const MyceliumMessage*) {
                   EXPECT_TRUE(adds_up(stats_of(rt_)));
                   char text[65536];
                   EXPECT_TRUE(ok(mycelium_metrics_text(rt_, text, sizeof text, nullptr)));
                   done = true;
                 }};
  ASSERT_TRUE(ok(publish(rt_, apples, "go")));
  ASSERT_TRUE(ok(mycelium_flush(rt_, patience_ns)));
  EXPECT_TRUE(done);
}

TEST_P(callback_law, a_callback_runs_under_no_lock) {
  // A thread that does everything which could need a lock gets through while the callback stands at the gate.
  gate stop;
  opens_at_end release{stop};
  subscriber sub{rt_, apples, kind(), [&](const MyceliumMessage*) { stop.pass(); }};
  std::thread publisher{[&] { publish(rt_, apples, "go"); }}; // an inline callback holds this one
  EXPECT_TRUE(stop.wait_for_arrivals());
  {
    subscriber other{rt_, pears, delivery::dedicated};
    EXPECT_TRUE(ok(publish(rt_, pears, "through")));
    EXPECT_TRUE(other.got().wait_for(1));
    EXPECT_TRUE(adds_up(stats_of(rt_)));
    EXPECT_TRUE(ok(mycelium_keep_history(rt_, pears, 2)));
    EXPECT_TRUE(ok(mycelium_wait_for_subscribers(rt_, pears, 1, 0)));
    std::uint64_t queue = 0;
    EXPECT_TRUE(ok(mycelium_queue_open(rt_, &queue)));
    EXPECT_TRUE(ok(mycelium_queue_close(rt_, queue)));
  }
  stop.open();
  publisher.join();
}

TEST_P(callback_law, destroy_in_a_callback_is_refused) {
  std::atomic<std::int32_t> status{MYCELIUM_SUCCESS};
  subscriber sub{rt_, apples, kind(), [&](const MyceliumMessage*) {
                   mycelium_runtime_destroy(rt_);
                   status = mycelium_last_status();
                 }};
  ASSERT_TRUE(ok(publish(rt_, apples, "go")));
  ASSERT_TRUE(ok(mycelium_flush(rt_, patience_ns)));
  EXPECT_EQ(status, MYCELIUM_ERROR_UNSUPPORTED);
  ASSERT_TRUE(ok(publish(rt_, apples, "still here")));
  EXPECT_TRUE(sub.got().wait_for(2));
}

TEST_P(callback_law, what_would_wait_for_the_callback_is_refused_in_it) {
  std::atomic<bool> done{false};
  subscriber sub{rt_, apples, kind(), [&](const MyceliumMessage*) {
                   EXPECT_TRUE(gives(MYCELIUM_ERROR_UNSUPPORTED, mycelium_runtime_close(rt_, patience_ns)));
                   EXPECT_TRUE(gives(MYCELIUM_ERROR_UNSUPPORTED, mycelium_flush(rt_, patience_ns)));
                   done = true;
                 }};
  ASSERT_TRUE(ok(publish(rt_, apples, "go")));
  ASSERT_TRUE(ok(mycelium_flush(rt_, patience_ns)));
  EXPECT_TRUE(done);
}

TEST_P(callback_law, a_callback_may_close_and_destroy_another_runtime) {
  std::atomic<bool> done{false};
  subscriber sub{rt_, apples, kind(), [&](const MyceliumMessage*) {
                   bus other{1};
                   subscriber theirs{other, pears};
                   EXPECT_TRUE(ok(publish(other, pears, "abroad")));
                   EXPECT_TRUE(theirs.got().wait_for(1));
                   done = true;
                 }};
  ASSERT_TRUE(ok(publish(rt_, apples, "go")));
  ASSERT_TRUE(ok(mycelium_flush(rt_, patience_ns)));
  EXPECT_TRUE(done);
}

TEST_P(callback_law, a_callback_may_destroy_later) {
  tally freed;
  auto options = new_options();
  struct destroyer {
    bus& rt;
    tally& freed;
    std::atomic<std::int32_t> status{MYCELIUM_ERROR_INTERNAL};
    std::atomic<std::int32_t> publish_after{MYCELIUM_SUCCESS};
  } self{rt_, freed};
  options.user_data = &self;
  options.flags = kind() == delivery::dedicated ? MYCELIUM_SUBSCRIBE_DEDICATED
                  : kind() == delivery::inlined ? MYCELIUM_SUBSCRIBE_INLINE
                                                : 0;
  options.on_message = [](const MyceliumMessage*, void* data) {
    auto& mine = *static_cast<destroyer*>(data);
    mine.status = mycelium_runtime_destroy_later(mine.rt);
    mine.publish_after = publish(mine.rt, pears, "refused at once");
  };
  options.user_data_free = [](void* data) { static_cast<destroyer*>(data)->freed.add(); };
  ASSERT_TRUE(ok(mycelium_subscribe_with_options(rt_, apples, &options, nullptr)));
  ASSERT_TRUE(ok(publish(rt_, apples, "go")));
  ASSERT_TRUE(freed.wait_for(1));
  EXPECT_EQ(self.status, MYCELIUM_SUCCESS);
  EXPECT_EQ(self.publish_after, MYCELIUM_ERROR_CLOSED);
  EXPECT_TRUE(gives(MYCELIUM_ERROR_CLOSED, publish(rt_, apples, "gone")));
  EXPECT_TRUE(eventually([&] { return thread_count() <= threads_before_; }));
}

class pooled_callback_law : public law_on_every_way {};
INSTANTIATE_TEST_SUITE_P(ways, pooled_callback_law,
                         testing::ValuesIn(ways_of({delivery::payload, delivery::message, delivery::batch})),
                         name_of_way);

TEST_P(pooled_callback_law, a_worker_may_not_wait_for_a_reply_or_a_subscriber) {
  std::atomic<bool> done{false};
  subscriber sub{
      rt_, apples, kind(), [&](const MyceliumMessage*) {
        MyceliumMessage* reply = nullptr;
        EXPECT_TRUE(gives(MYCELIUM_ERROR_UNSUPPORTED, mycelium_request(rt_, apples, nullptr, 0, patience_ns, &reply)));
        EXPECT_TRUE(gives(MYCELIUM_ERROR_UNSUPPORTED, mycelium_wait_for_subscribers(rt_, apples, 2, patience_ns)));
        EXPECT_TRUE(ok(mycelium_wait_for_subscribers(rt_, apples, 1, patience_ns))) << "it exists already";
        done = true;
      }};
  ASSERT_TRUE(ok(publish(rt_, apples, "go")));
  ASSERT_TRUE(ok(mycelium_flush(rt_, patience_ns)));
  EXPECT_TRUE(done);
}

TEST(callback_laws, a_dedicated_callback_may_wait_for_a_reply) {
  bus rt{1};
  subscriber server{rt, pears, delivery::message, [&](const MyceliumMessage* message) {
                      EXPECT_TRUE(ok(mycelium_reply(rt, message, plums, nullptr, 0)));
                    }};
  std::atomic<bool> answered{false};
  subscriber client{rt, apples, delivery::dedicated, [&](const MyceliumMessage*) {
                      MyceliumMessage* reply = nullptr;
                      EXPECT_TRUE(ok(mycelium_request(rt, pears, nullptr, 0, patience_ns, &reply)));
                      mycelium_message_release(reply);
                      answered = true;
                    }};
  ASSERT_TRUE(ok(publish(rt, apples, "go")));
  ASSERT_TRUE(ok(mycelium_flush(rt, patience_ns)));
  EXPECT_TRUE(answered);
}

TEST(callback_laws, a_dedicated_callback_has_a_thread_of_its_own) {
  bus rt{1};
  gate stop;
  opens_at_end release{stop};
  subscriber stuck{rt, apples, delivery::message, [&](const MyceliumMessage*) { stop.pass(); }}; // the only worker
  ASSERT_TRUE(ok(publish(rt, apples, "go")));
  ASSERT_TRUE(stop.wait_for_arrivals());
  subscriber dedicated{rt, pears, delivery::dedicated};
  ASSERT_TRUE(ok(publish(rt, pears, "runs all the same")));
  EXPECT_TRUE(dedicated.got().wait_for(1));
  stop.open();
}

} // namespace
} // namespace mycelium::laws
