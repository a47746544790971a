// co_await on a request: where it goes on, how it ends, and that it may be destroyed while it waits.
#include "waiting.hpp"

#include <coroutine>
#include <thread>

namespace mycelium::cpp_tests {
namespace {

// A coroutine that starts at once and is destroyed with its handle, wherever it stands then.
class routine {
public:
  struct promise_type {
    routine get_return_object() { return routine(std::coroutine_handle<promise_type>::from_promise(*this)); }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() { throw; }
  };

  explicit routine(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  routine(routine&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  ~routine() { destroy(); }

  void destroy() {
    if (auto handle = std::exchange(handle_, nullptr))
      handle.destroy();
  }

private:
  std::coroutine_handle<promise_type> handle_;
};

struct answer {
  result<WordCountReply> reply;
  std::thread::id thread;
};

routine ask(runtime_ref bus, std::string text, collected<answer*>& got, answer& into, duration timeout = patience) {
  const WordCountRequest question{.text = std::move(text)};
  into.reply = co_await bus.request_async<WordCountReply>(question, timeout);
  into.thread = std::this_thread::get_id();
  got.add(&into);
}

result<WordCountReply> nothing_yet() { return failure{status::internal, "nothing yet"}; }

TEST(coroutine, goes_on_with_the_reply_on_another_thread) {
  const auto bus = new_runtime();
  std::vector<responder<WordCountRequest>> kept;
  gate asked;
  asked.open();
  const auto serving = bus.serve<WordCountRequest>([&](responder<WordCountRequest> open) {
                            kept.push_back(std::move(open));
                            asked.pass();
                          })
                           .value();
  collected<answer*> got;
  answer one{nothing_yet(), {}};
  const auto asking = ask(bus, "abc", got, one);
  ASSERT_TRUE(asked.wait_for_arrivals());
  EXPECT_EQ(got.size(), 0u);
  kept[0].reply(WordCountReply{.bytes = kept[0].decode().value().text.size()}).value();
  ASSERT_EQ(got.wait_for(1).size(), 1u);
  EXPECT_EQ(one.reply.value().bytes, 3u);
  EXPECT_NE(one.thread, std::this_thread::get_id()) << "a worker goes on with it";
  bus.close(patience).value(); // the worker has left the coroutine
}

TEST(coroutine, learns_what_went_wrong) {
  const auto bus = new_runtime();
  collected<answer*> got;
  answer nobody{nothing_yet(), {}};
  const auto first = ask(bus, "", got, nobody);
  ASSERT_EQ(got.wait_for(1).size(), 1u);
  EXPECT_EQ(nobody.reply.code(), status::no_reply);
  EXPECT_FALSE(nobody.reply.error().text.empty());
  bus.close(patience).value();
  answer closed{nothing_yet(), {}};
  const auto second = ask(bus, "", got, closed);
  ASSERT_EQ(got.size(), 2u) << "refused at once, so it never waited";
  EXPECT_EQ(closed.reply.code(), status::closed);
  EXPECT_EQ(closed.thread, std::this_thread::get_id());
}

TEST(coroutine, times_out) {
  const auto bus = new_runtime();
  std::vector<responder<WordCountRequest>> kept;
  const auto serving =
      bus.serve<WordCountRequest>([&](responder<WordCountRequest> open) { kept.push_back(std::move(open)); }).value();
  collected<answer*> got;
  answer late{nothing_yet(), {}};
  const auto asking = ask(bus, "", got, late, 1ms);
  ASSERT_EQ(got.wait_for(1).size(), 1u);
  EXPECT_EQ(late.reply.code(), status::timeout);
  bus.close(patience).value();
}

TEST(coroutine, a_wrong_reply_is_an_error) {
  const auto bus = new_runtime();
  const auto serving = bus.serve<WordCountRequest>([](const WordCountRequest&) { return TextMessage{}; }).value();
  collected<answer*> got;
  answer wrong{nothing_yet(), {}};
  const auto asking = ask(bus, "", got, wrong);
  ASSERT_EQ(got.wait_for(1).size(), 1u);
  EXPECT_EQ(wrong.reply.code(), status::invalid_payload);
  bus.close(patience).value();
}

TEST(coroutine, destroyed_while_it_waits_cancels_the_request) {
  const auto bus = new_runtime();
  collected<answer*> got;
  gate asked;
  asked.open();
  std::vector<responder<WordCountRequest>> kept;
  const auto serving = bus.serve<WordCountRequest>([&](responder<WordCountRequest> open) {
                            kept.push_back(std::move(open));
                            asked.pass();
                          })
                           .value();
  answer never{nothing_yet(), {}};
  auto asking = ask(bus, "", got, never);
  ASSERT_TRUE(asked.wait_for_arrivals());
  EXPECT_EQ(bus.stats()->requests_pending, 1u);
  asking.destroy();
  EXPECT_EQ(bus.stats()->requests_pending, 0u);
  EXPECT_EQ(kept[0].reply(WordCountReply{}).code(), status::subscription);
  bus.close(patience).value();
  EXPECT_EQ(got.size(), 0u);
}

TEST(coroutine, destroyed_by_the_end_of_its_request_is_freed) {
  collected<answer*> got;
  answer closed{nothing_yet(), {}};
  std::vector<responder<WordCountRequest>> kept;
  const auto bus = new_runtime();
  const auto serving =
      bus.serve<WordCountRequest>([&](responder<WordCountRequest> open) { kept.push_back(std::move(open)); }).value();
  const auto asking = ask(bus, "", got, closed);
  bus.close(patience).value();
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(closed.reply.code(), status::closed);
}

// Requests one after the other in one coroutine, which worker threads pass on to each other.
routine ask_often(runtime_ref bus, int times, collected<int>& done) {
  for (int i = 0; i < times; ++i) {
    const WordCountRequest question{.text = std::string(static_cast<std::size_t>(i % 50), 'x')};
    const auto reply = co_await bus.request_async<WordCountReply>(question, patience);
    if (reply.value().bytes != question.text.size())
      throw std::logic_error("another's reply");
  }
  done.add(times);
}

TEST(coroutine, many_ask_at_once_and_in_a_row) {
  const auto bus = new_runtime();
  const auto serving = bus.serve<WordCountRequest>([](const WordCountRequest& request) {
                            return WordCountReply{.bytes = request.text.size()};
                          })
                           .value();
  collected<int> done;
  std::vector<routine> routines;
  for (int i = 0; i < 20; ++i)
    routines.push_back(ask_often(bus, 100, done));
  EXPECT_EQ(done.wait_for(20).size(), 20u);
  bus.close(patience).value();
  EXPECT_EQ(bus.stats()->callback_errors, 0u);
}

TEST(coroutine, an_exception_that_leaves_it_is_counted) {
  const auto bus = new_runtime();
  collected<int> entered;
  const auto fail = [&]() -> routine {
    const WordCountRequest question;
    const auto reply = co_await bus.request_async<WordCountReply>(question, patience);
    entered.add(1);
    static_cast<void>(reply.value()); // there is no server
  };
  gate asked;
  asked.open();
  std::vector<responder<WordCountRequest>> kept;
  auto serving = bus.serve<WordCountRequest>([&](responder<WordCountRequest> open) {
                      kept.push_back(std::move(open));
                      asked.pass();
                    })
                     .value();
  const auto failing = fail();
  ASSERT_TRUE(asked.wait_for_arrivals());
  kept.clear(); // unanswered
  ASSERT_EQ(entered.wait_for(1).size(), 1u);
  bus.close(patience).value();
  EXPECT_EQ(bus.stats()->callback_errors, 1u);
}

} // namespace
} // namespace mycelium::cpp_tests
