// Requests with an answer in return, later, never; with a handler that is told.
#include "waiting.hpp"

#include <thread>

namespace mycelium::cpp_tests {
namespace {

WordCountReply measure(const WordCountRequest& request) { return {.words = 1, .bytes = request.text.size()}; }

TEST(request, is_answered_by_a_server) {
  const auto bus = new_runtime();
  const auto serving = bus.serve<WordCountRequest>(measure).value();
  EXPECT_EQ(bus.request<WordCountReply>(WordCountRequest{.text = "four"}, patience).value().bytes, 4u);
}

TEST(request, without_a_server_fails_at_once) {
  const auto bus = new_runtime();
  EXPECT_EQ(bus.request<WordCountReply>(WordCountRequest{}, patience).code(), status::no_reply);
}

TEST(request, in_a_callback_is_refused) {
  const auto bus = new_runtime();
  const auto serving = bus.serve<WordCountRequest>(measure).value();
  collected<status> got;
  const auto asking =
      bus.subscribe(apples, [&](bytes) { got.add(bus.request<WordCountReply>(WordCountRequest{}, patience).code()); })
          .value();
  bus.publish(apples, {}).value();
  EXPECT_EQ(got.wait_for(1), std::vector{status::unsupported});
}

TEST(request, that_is_no_request_is_not_served) {
  const auto bus = new_runtime();
  std::atomic<int> calls{0};
  const auto serving = bus.serve<WordCountRequest>([&](const WordCountRequest& request) {
                            ++calls;
                            return measure(request);
                          })
                           .value();
  bus.publish(WordCountRequest{.text = "just so"}).value();
  bus.flush(patience).value();
  EXPECT_EQ(calls, 0);
  EXPECT_EQ(serving.stats()->callback_errors, 0u);
}

// A server may have no answer: the next one is asked, and the requester learns at once if there is none.
TEST(request, a_server_may_leave_it_unanswered) {
  const auto bus = new_runtime();
  const auto silent = bus.serve<WordCountRequest>([](const WordCountRequest& request) -> std::optional<WordCountReply> {
                           if (request.text.empty())
                             return std::nullopt;
                           return measure(request);
                         })
                          .value();
  EXPECT_EQ(bus.request<WordCountReply>(WordCountRequest{}, patience).code(), status::no_reply);
  EXPECT_EQ(bus.request<WordCountReply>(WordCountRequest{.text = "x"}, patience).value().bytes, 1u);
  EXPECT_EQ(silent.stats()->callback_errors, 0u);
}

TEST(request, a_server_that_fails_is_counted_and_the_requester_told) {
  const auto bus = new_runtime();
  auto failing = bus.serve<WordCountRequest>([](const WordCountRequest&) -> result<WordCountReply> {
                      return failure{status::full, "no memory left for words"};
                    })
                     .value();
  EXPECT_EQ(bus.request<WordCountReply>(WordCountRequest{}, patience).code(), status::no_reply);
  bus.flush(patience).value();
  EXPECT_EQ(failing.stats()->callback_errors, 1u);
  failing = bus.serve<WordCountRequest>([](WordCountRequest) -> WordCountReply { throw 7; }).value();
  EXPECT_EQ(bus.request<WordCountReply>(WordCountRequest{}, patience).code(), status::no_reply);
  bus.flush(patience).value();
  EXPECT_EQ(failing.stats()->callback_errors, 1u);
}

TEST(request, with_a_payload_that_is_none_is_counted_and_unanswered) {
  const auto bus = new_runtime();
  const auto serving = bus.serve<WordCountRequest>(measure).value();
  EXPECT_EQ(bus.request(WordCountRequest::type_id, bytes_of("rubbish"), patience).code(), status::no_reply);
  bus.flush(patience).value();
  EXPECT_EQ(serving.stats()->callback_errors, 1u);
}

TEST(request, a_reply_of_another_type_is_an_error) {
  const auto bus = new_runtime();
  const auto serving =
      bus.serve<WordCountRequest>([](const WordCountRequest&) { return TextMessage{.content = "what?"}; }).value();
  const auto refused = bus.request<WordCountReply>(WordCountRequest{}, patience);
  EXPECT_EQ(refused.code(), status::invalid_payload);
  EXPECT_NE(refused.error().text.find("1001, not 1005"), std::string::npos) << refused.error().text;
  EXPECT_EQ(bus.request<TextMessage>(WordCountRequest{}, patience).value().content, "what?");
}

TEST(request, may_be_answered_later_from_another_thread) {
  const auto bus = new_runtime();
  std::vector<std::jthread> answering;
  const auto serving = bus.serve<WordCountRequest>([&](responder<WordCountRequest> open) {
                            answering.emplace_back([open = std::move(open)]() mutable {
                              EXPECT_TRUE(open.request().is_request());
                              EXPECT_TRUE(open.reply(measure(open.decode().value())));
                              EXPECT_EQ(open.reply(WordCountReply{}).code(), status::subscription) << "twice";
                            });
                          })
                           .value();
  EXPECT_EQ(bus.request<WordCountReply>(WordCountRequest{.text = "later"}, patience).value().bytes, 5u);
}

TEST(request, a_responder_that_is_dropped_is_no_reply) {
  const auto bus = new_runtime();
  const auto serving = bus.serve<WordCountRequest>([](responder<WordCountRequest>) {}).value();
  EXPECT_EQ(bus.request<WordCountReply>(WordCountRequest{}, patience).code(), status::no_reply);
}

TEST(request, times_out) {
  const auto bus = new_runtime();
  collected<int> asked;
  std::vector<responder<WordCountRequest>> kept;
  const auto serving = bus.serve<WordCountRequest>([&](responder<WordCountRequest> open) {
                            kept.push_back(std::move(open));
                            asked.add(1);
                          })
                           .value();
  EXPECT_EQ(bus.request<WordCountReply>(WordCountRequest{}, 1ms).code(), status::timeout);
  ASSERT_EQ(asked.wait_for(1).size(), 1u);
  EXPECT_EQ(kept[0].reply(WordCountReply{}).code(), status::subscription) << "nobody waits any more";
}

TEST(request, bytes_are_answered_with_a_message) {
  const auto bus = new_runtime();
  const auto serving =
      bus.subscribe(apples,
                    [&](const any_message& each) {
                      const auto text = std::string(text_of(each.payload())) + "?";
                      mycelium_reply(bus.handle(), each.handle(), apples, bytes_of(text).data(), text.size());
                    })
          .value();
  const auto reply = bus.request(apples, bytes_of("really"), patience).value();
  EXPECT_EQ(text_of(reply->payload()), "really?");
  EXPECT_EQ(reply->type_id(), apples);
}

TEST(request_async, tells_the_handler_and_destroys_it) {
  const auto bus = new_runtime();
  const auto serving = bus.serve<WordCountRequest>(measure).value();
  collected<std::uint64_t> got;
  std::atomic<int> living{0};
  const auto pending = bus.request_async<WordCountReply>(
                              WordCountRequest{.text = "three"},
                              [&, one = counted(living)](result<WordCountReply> reply) {
                                got.add(reply.value().bytes);
                                EXPECT_GE(living, 1);
                              },
                              patience)
                           .value();
  EXPECT_NE(pending.id(), 0u);
  EXPECT_EQ(got.wait_for(1), std::vector<std::uint64_t>{5});
  bus.flush(patience).value();
  runtime_ref(bus).close(patience).value();
  EXPECT_EQ(living, 0);
}

TEST(request_async, tells_the_handler_what_went_wrong) {
  auto bus = new_runtime();
  collected<std::pair<status, std::string>> got;
  const auto tell = [&](result<WordCountReply> reply) { got.add({reply.code(), reply.error().text}); };
  bus.request_async<WordCountReply>(WordCountRequest{}, tell, patience).value();
  ASSERT_EQ(got.wait_for(1).size(), 1u);
  std::vector<responder<WordCountRequest>> kept;
  gate asked;
  asked.open();
  const auto serving = bus.serve<WordCountRequest>([&](responder<WordCountRequest> open) {
                            kept.push_back(std::move(open));
                            asked.pass();
                          })
                           .value();
  bus.request_async<WordCountReply>(WordCountRequest{}, tell, 0ns).value();
  ASSERT_EQ(got.wait_for(2).size(), 2u);
  bus.request_async<WordCountReply>(WordCountRequest{}, tell, patience).value();
  ASSERT_TRUE(asked.wait_for_arrivals(2));
  bus.close(patience).value();
  const auto all = got.wait_for(3);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].first, status::no_reply);
  EXPECT_EQ(all[1].first, status::timeout);
  EXPECT_EQ(all[2].first, status::closed);
  for (const auto& [code, text] : all)
    EXPECT_FALSE(text.empty());
}

TEST(request_async, a_cancelled_one_never_runs_its_handler) {
  const auto bus = new_runtime();
  std::vector<responder<WordCountRequest>> kept;
  const auto serving =
      bus.serve<WordCountRequest>([&](responder<WordCountRequest> open) { kept.push_back(std::move(open)); }).value();
  std::atomic<int> living{0};
  auto pending =
      bus.request_async<WordCountReply>(
             WordCountRequest{}, [one = counted(living)](result<WordCountReply>) { ADD_FAILURE(); }, patience)
          .value();
  bus.flush(patience).value();
  EXPECT_TRUE(pending.cancel());
  EXPECT_EQ(living, 0);
  EXPECT_FALSE(pending.cancel());
}

TEST(request_async, a_refused_one_destroys_its_handler) {
  auto bus = new_runtime();
  bus.close(patience).value();
  std::atomic<int> living{0};
  const auto refused = bus.request_async<WordCountReply>(
      WordCountRequest{}, [one = counted(living)](result<WordCountReply>) { ADD_FAILURE(); }, patience);
  EXPECT_EQ(refused.code(), status::closed);
  EXPECT_EQ(living, 0);
}

TEST(request_async, an_exception_in_the_handler_is_counted) {
  const auto bus = new_runtime();
  bus.request_async<WordCountReply>(
         WordCountRequest{}, [](result<WordCountReply> reply) { (void)reply.value(); }, patience)
      .value();
  runtime_ref(bus).close(patience).value(); // after the handler
  EXPECT_EQ(bus.stats()->callback_errors, 1u);
}

} // namespace
} // namespace mycelium::cpp_tests
