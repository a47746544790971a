// Requests that do not wait: the outcome comes once, to a handler or a queue, whatever happens.
#include "requests.hpp"

#include <optional>

namespace mycelium::laws {
namespace {

class async_request_law : public law_on_every_way {};
INSTANTIATE_TEST_SUITE_P(ways, async_request_law, testing::ValuesIn(every_way()), name_of_way);

TEST_P(async_request_law, many_requests_each_get_one_outcome) {
  outcomes got;
  subscriber server{rt_, apples, kind(), echo_server(rt_)};
  std::map<std::uint64_t, std::string> asked;
  for (auto& text : numbers(1, 1000)) {
    std::uint64_t id = 0;
    ASSERT_TRUE(ok(ask_async(rt_, apples, text, got, id)));
    EXPECT_TRUE(asked.emplace(id, text).second) << "ids are never reused";
  }
  ASSERT_TRUE(got.wait_for(1000));
  const auto all = got.all();
  ASSERT_EQ(all.size(), 1000u);
  for (auto& [id, text] : asked) {
    EXPECT_TRUE(ok(all.at(id).status));
    EXPECT_EQ(all.at(id).reply, "re: " + text);
    EXPECT_EQ(all.at(id).times, 1);
  }
  EXPECT_TRUE(eventually([&] { return stats_of(rt_).requests_pending == 0; }));
}

TEST_P(async_request_law, a_silent_server_gives_no_reply) {
  outcomes got;
  subscriber server{rt_, apples, kind()};
  std::uint64_t id = 0;
  ASSERT_TRUE(ok(ask_async(rt_, apples, "x", got, id)));
  ASSERT_TRUE(got.wait_for(1));
  EXPECT_EQ(got.all().at(id).status, MYCELIUM_ERROR_NO_REPLY);
}

TEST_P(async_request_law, an_outcome_may_come_to_a_queue) {
  subscriber server{rt_, apples, kind(), echo_server(rt_)};
  std::uint64_t queue = 0;
  ASSERT_TRUE(ok(mycelium_queue_open(rt_, &queue)));
  int mark = 0;
  MyceliumRequestOptions options{};
  options.struct_size = sizeof options;
  options.timeout_ns = patience_ns;
  options.queue_id = queue;
  options.user_data = &mark;
  std::uint64_t answered = 0;
  std::uint64_t unanswered = 0;
  ASSERT_TRUE(ok(mycelium_request_async(rt_, apples, bytes_of("x").data(), 1, &options, &answered)));
  subscriber silent{rt_, pears, kind()};
  ASSERT_TRUE(ok(mycelium_request_async(rt_, pears, bytes_of("x").data(), 1, &options, &unanswered)));
  for (int i = 0; i < 2; ++i) {
    MyceliumDelivery one{};
    std::size_t count = 0;
    ASSERT_TRUE(ok(mycelium_queue_receive(rt_, queue, &one, 1, patience_ns, &count)));
    ASSERT_EQ(count, 1u);
    EXPECT_EQ(one.kind, MYCELIUM_DELIVERY_REPLY);
    EXPECT_EQ(one.user_data, &mark);
    if (one.id == answered) {
      EXPECT_EQ(one.status, MYCELIUM_SUCCESS);
      EXPECT_EQ(text_of(one.message), "re: x");
    } else {
      EXPECT_EQ(one.id, unanswered);
      EXPECT_EQ(one.status, MYCELIUM_ERROR_NO_REPLY);
      EXPECT_EQ(one.message, nullptr);
    }
    mycelium_message_release(one.message);
  }
}

TEST(async_request_laws, nobody_to_ask_is_no_reply_either_at_once_or_as_the_outcome) {
  bus rt;
  outcomes got;
  std::uint64_t id = 0;
  const auto status = ask_async(rt, apples, "hello?", got, id);
  if (status == MYCELIUM_SUCCESS) {
    ASSERT_TRUE(got.wait_for(1));
    EXPECT_EQ(got.all().at(id).status, MYCELIUM_ERROR_NO_REPLY);
  } else {
    EXPECT_TRUE(gives(MYCELIUM_ERROR_NO_REPLY, status));
  }
  rt.destroy();
  EXPECT_EQ(got.all().size(), status == MYCELIUM_SUCCESS ? 1u : 0u) << "no outcome follows a failed call";
}

// Keeps every request, so that it stays pending until the test says otherwise.
class holder {
public:
  explicit holder(MyceliumRuntime* rt) {
    server_.emplace(rt, apples, delivery::message, [this](const MyceliumMessage* message) {
      std::lock_guard lock{mutex_};
      kept_.push_back(mycelium_message_retain(message));
      count_.add();
    });
  }
  ~holder() {
    server_.reset(); // after this nothing more is kept
    release();
  }
  holder(const holder&) = delete;
  holder& operator=(const holder&) = delete;

  bool wait_for(std::size_t count) { return count_.wait_for(count); }
  MyceliumMessage* at(std::size_t i) {
    std::lock_guard lock{mutex_};
    return kept_[i];
  }
  void release() {
    std::lock_guard lock{mutex_};
    for (auto* each : kept_)
      mycelium_message_release(each);
    kept_.clear();
  }

private:
  std::mutex mutex_;
  std::vector<MyceliumMessage*> kept_;
  tally count_;
  std::optional<subscriber> server_;
};

class pending_request_law : public testing::TestWithParam<std::uint32_t> {
protected:
  outcomes got_; // outlives the runtime: an outcome may come as late as its end
  bus rt_{GetParam()};
  holder held_{rt_};
};
INSTANTIATE_TEST_SUITE_P(threads, pending_request_law, testing::Values(1u, 2u));

TEST_P(pending_request_law, a_deadline_passes) {
  std::uint64_t id = 0;
  const auto start = std::chrono::steady_clock::now();
  ASSERT_TRUE(ok(ask_async(rt_, apples, "x", got_, id, 5'000'000)));
  ASSERT_TRUE(got_.wait_for(1));
  EXPECT_GE(std::chrono::steady_clock::now() - start, 5ms);
  EXPECT_EQ(got_.all().at(id).status, MYCELIUM_ERROR_TIMEOUT);
  ASSERT_TRUE(held_.wait_for(1));
  EXPECT_TRUE(gives(MYCELIUM_ERROR_SUBSCRIPTION, answer(rt_, held_.at(0), "too late")));
  held_.release();
  rt_.destroy();
  EXPECT_EQ(got_.all().at(id).times, 1);
}

TEST_P(pending_request_law, deadlines_pass_in_their_own_order) {
  std::uint64_t longer = 0;
  std::uint64_t shorter = 0;
  ASSERT_TRUE(ok(ask_async(rt_, apples, "longer", got_, longer, patience_ns)));
  ASSERT_TRUE(ok(ask_async(rt_, apples, "shorter", got_, shorter, 1'000'000)));
  ASSERT_TRUE(got_.wait_for(1));
  EXPECT_TRUE(got_.all().contains(shorter)) << "the timer slept until the first deadline it knew";
  EXPECT_FALSE(got_.all().contains(longer));
}

TEST_P(pending_request_law, a_cancelled_request_has_no_outcome) {
  std::uint64_t id = 0;
  ASSERT_TRUE(ok(ask_async(rt_, apples, "never mind", got_, id)));
  ASSERT_TRUE(held_.wait_for(1));
  EXPECT_EQ(stats_of(rt_).requests_pending, 1u);
  ASSERT_TRUE(ok(mycelium_request_cancel(rt_, id)));
  EXPECT_EQ(stats_of(rt_).requests_pending, 0u);
  EXPECT_TRUE(gives(MYCELIUM_ERROR_SUBSCRIPTION, mycelium_request_cancel(rt_, id)));
  EXPECT_TRUE(gives(MYCELIUM_ERROR_SUBSCRIPTION, answer(rt_, held_.at(0), "for nobody")));
  held_.release();
  rt_.destroy();
  EXPECT_EQ(got_.all().size(), 0u);
}

TEST_P(pending_request_law, a_request_that_ended_cannot_be_cancelled) {
  std::uint64_t id = 0;
  ASSERT_TRUE(ok(ask_async(rt_, apples, "x", got_, id)));
  ASSERT_TRUE(held_.wait_for(1));
  ASSERT_TRUE(ok(answer(rt_, held_.at(0), "done")));
  ASSERT_TRUE(got_.wait_for(1));
  EXPECT_TRUE(gives(MYCELIUM_ERROR_SUBSCRIPTION, mycelium_request_cancel(rt_, id)));
  for (std::uint64_t unknown : {std::uint64_t{0}, id + 1000, UINT64_MAX})
    EXPECT_TRUE(gives(MYCELIUM_ERROR_SUBSCRIPTION, mycelium_request_cancel(rt_, unknown)));
}

TEST_P(pending_request_law, close_completes_what_is_pending) {
  constexpr std::size_t count = 10;
  for (std::size_t i = 0; i < count; ++i) {
    std::uint64_t id = 0;
    ASSERT_TRUE(ok(ask_async(rt_, apples, "x", got_, id, MYCELIUM_FOREVER)));
  }
  ASSERT_TRUE(held_.wait_for(count));
  ASSERT_TRUE(ok(mycelium_runtime_close(rt_, patience_ns)));
  const auto all = got_.all();
  ASSERT_EQ(all.size(), count) << "before close returned";
  for (auto& [id, one] : all) {
    EXPECT_EQ(one.status, MYCELIUM_ERROR_CLOSED);
    EXPECT_EQ(one.times, 1);
  }
  held_.release(); // releasing it unanswered now has no second outcome
  rt_.destroy();
  for (auto& [id, one] : got_.all())
    EXPECT_EQ(one.times, 1);
}

TEST_P(pending_request_law, a_reply_handler_may_ask_again) {
  subscriber server{rt_, pears, delivery::message, echo_server(rt_)};
  struct chain {
    MyceliumRuntime* rt;
    tally done{};
    std::atomic<int> left{100};
    static void take(std::uint64_t, std::int32_t status, const MyceliumMessage*, void* data) {
      auto& mine = *static_cast<chain*>(data);
      EXPECT_TRUE(status == MYCELIUM_SUCCESS);
      if (mine.left.fetch_sub(1) == 1)
        mine.done.add();
      else
        mine.ask();
    }
    void ask() {
      MyceliumRequestOptions options{};
      options.struct_size = sizeof options;
      options.timeout_ns = patience_ns;
      options.on_reply = take;
      options.user_data = this;
      std::uint64_t id = 0;
      EXPECT_TRUE(ok(mycelium_request_async(rt, pears, nullptr, 0, &options, &id)));
    }
  } links{rt_};
  links.ask();
  EXPECT_TRUE(links.done.wait_for(1));
}

TEST_P(pending_request_law, the_reply_and_the_deadline_race_to_one_outcome) {
  std::uint64_t last = 0;
  constexpr std::size_t count = 200;
  std::thread answerer{[&] {
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_TRUE(held_.wait_for(i + 1));
      const auto status = answer(rt_, held_.at(i), "just in time?");
      EXPECT_TRUE(status == MYCELIUM_SUCCESS || status == MYCELIUM_ERROR_SUBSCRIPTION);
    }
  }};
  for (std::size_t i = 0; i < count; ++i)
    EXPECT_TRUE(ok(ask_async(rt_, apples, "x", got_, last, 50'000))); // about as long as a reply takes
  answerer.join();
  EXPECT_TRUE(got_.wait_for(count));
  held_.release();
  rt_.destroy();
  const auto all = got_.all();
  EXPECT_EQ(all.size(), count);
  for (auto& [id, one] : all) {
    EXPECT_EQ(one.times, 1);
    EXPECT_TRUE(one.status == MYCELIUM_SUCCESS || one.status == MYCELIUM_ERROR_TIMEOUT);
  }
}

} // namespace
} // namespace mycelium::laws
