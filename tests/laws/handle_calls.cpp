#include "handle_calls.hpp"

#include "gate.hpp"

#include <fstream>
#include <iterator>

namespace mycelium::laws {

call_arguments::call_arguments() {
  std::uint8_t* data = nullptr;
  EXPECT_TRUE(ok(mycelium_loan(home_, 64, &loan, &data)));
  tally kept;
  struct keeper {
    MyceliumMessage*& request;
    tally& kept;
  } self{request, kept};
  auto options = new_options();
  options.user_data = &self;
  options.on_message = [](const MyceliumMessage* message, void* data_of) {
    auto& mine = *static_cast<keeper*>(data_of);
    mine.request = mycelium_message_retain(message);
    mine.kept.add();
  };
  std::uint64_t id = 0;
  EXPECT_TRUE(ok(mycelium_subscribe_with_options(home_, apples, &options, &id)));
  MyceliumRequestOptions asking{};
  asking.struct_size = sizeof asking;
  asking.timeout_ns = MYCELIUM_FOREVER;
  asking.on_reply = [](std::uint64_t, std::int32_t, const MyceliumMessage*, void*) {};
  std::uint64_t request_id = 0;
  EXPECT_TRUE(ok(mycelium_request_async(home_, apples, nullptr, 0, &asking, &request_id)));
  EXPECT_TRUE(kept.wait_for(1));
  EXPECT_TRUE(ok(mycelium_unsubscribe(home_, id)));
}

call_arguments::~call_arguments() {
  mycelium_loan_discard(loan);
  mycelium_message_release(request);
}

namespace {

std::int32_t subscribe_with(MyceliumRuntime* rt) {
  auto options = new_options();
  options.on_message = [](const MyceliumMessage*, void*) {};
  std::uint64_t id = 0;
  return mycelium_subscribe_with_options(rt, apples, &options, &id);
}

std::int32_t request_async(MyceliumRuntime* rt) {
  MyceliumRequestOptions options{};
  options.struct_size = sizeof options;
  options.on_reply = [](std::uint64_t, std::int32_t, const MyceliumMessage*, void*) {};
  std::uint64_t id = 0;
  return mycelium_request_async(rt, apples, nullptr, 0, &options, &id);
}

void add_runtime_and_schema_calls(std::vector<handle_call>& calls) {
  calls.push_back({"mycelium_runtime_destroy_later", mycelium_runtime_destroy_later});
  calls.push_back({"mycelium_runtime_close", [](auto* rt) { return mycelium_runtime_close(rt, 0); }});
  calls.push_back({"mycelium_verify_schema_digest", [](auto* rt) {
                     std::array<std::uint8_t, MYCELIUM_DIGEST_SIZE> digest{};
                     return mycelium_verify_schema_digest(rt, digest.data(), digest.size());
                   }});
  calls.push_back({"mycelium_register_schema", [](auto* rt) {
                     const std::array<std::uint8_t, 8> no_schema{};
                     return mycelium_register_schema(rt, no_schema.data(), no_schema.size(), nullptr);
                   }});
  calls.push_back({"mycelium_type_digest", [](auto* rt) {
                     std::array<std::uint8_t, MYCELIUM_DIGEST_SIZE> digest{};
                     return mycelium_type_digest(rt, 1001, digest.data());
                   }});
  calls.push_back({"mycelium_verify_payload", [](auto* rt) {
                     const std::uint8_t byte = 0;
                     return mycelium_verify_payload(rt, 1001, &byte, 1);
                   }});
  calls.push_back({"mycelium_runtime_stats", [](auto* rt) {
                     MyceliumRuntimeStats stats{};
                     stats.struct_size = sizeof stats;
                     return mycelium_runtime_stats(rt, &stats);
                   }});
  calls.push_back({"mycelium_subscription_stats", [](auto* rt) {
                     MyceliumSubscriptionStats stats{};
                     stats.struct_size = sizeof stats;
                     return mycelium_subscription_stats(rt, 1, &stats);
                   }});
  calls.push_back({"mycelium_metrics_text", [](auto* rt) {
                     std::size_t len = 0;
                     return mycelium_metrics_text(rt, nullptr, 0, &len);
                   }});
}

void add_publish_calls(std::vector<handle_call>& calls, call_arguments& arguments) {
  calls.push_back({"mycelium_publish", [](auto* rt) { return publish(rt, apples, "x"); }});
  calls.push_back({"mycelium_publish_envelope", [](auto* rt) {
                     const auto envelope = new_envelope(apples);
                     return mycelium_publish_envelope(rt, &envelope, nullptr, 0);
                   }});
  calls.push_back({"mycelium_publish_batch", [](auto* rt) {
                     const MyceliumPayload one{apples, nullptr, 0};
                     return mycelium_publish_batch(rt, &one, 1, nullptr);
                   }});
  calls.push_back({"mycelium_loan", [](auto* rt) {
                     MyceliumLoan* loan = nullptr;
                     std::uint8_t* data = nullptr;
                     return mycelium_loan(rt, 16, &loan, &data);
                   }});
  calls.push_back({"mycelium_publish_loan",
                   [&arguments](auto* rt) { return mycelium_publish_loan(rt, apples, arguments.loan, 0, 16); }});
  calls.push_back({"mycelium_request", [](auto* rt) {
                     MyceliumMessage* reply = nullptr;
                     return mycelium_request(rt, apples, nullptr, 0, 0, &reply);
                   }});
  calls.push_back({"mycelium_request_async", request_async});
  calls.push_back({"mycelium_request_cancel", [](auto* rt) { return mycelium_request_cancel(rt, 1); }});
  calls.push_back(
      {"mycelium_reply", [&arguments](auto* rt) { return mycelium_reply(rt, arguments.request, pears, nullptr, 0); }});
}

void add_subscribe_calls(std::vector<handle_call>& calls) {
  calls.push_back({"mycelium_subscribe", [](auto* rt) {
                     std::uint64_t id = 0;
                     return mycelium_subscribe(
                         rt, apples, [](std::uint16_t, const std::uint8_t*, std::size_t, void*) {}, nullptr, &id);
                   }});
  calls.push_back({"mycelium_subscribe_with_options", subscribe_with});
  calls.push_back({"mycelium_unsubscribe", [](auto* rt) { return mycelium_unsubscribe(rt, 1); }});
  calls.push_back({"mycelium_wait_for_subscribers",
                   [](auto* rt) { return mycelium_wait_for_subscribers(rt, apples, 1, patience_ns); }});
  calls.push_back({"mycelium_flush", [](auto* rt) { return mycelium_flush(rt, patience_ns); }});
  calls.push_back({"mycelium_keep_history", [](auto* rt) { return mycelium_keep_history(rt, apples, 4); }});
  calls.push_back({"mycelium_queue_open", [](auto* rt) {
                     std::uint64_t queue = 0;
                     return mycelium_queue_open(rt, &queue);
                   }});
  calls.push_back({"mycelium_queue_receive", [](auto* rt) {
                     MyceliumDelivery out{};
                     std::size_t count = 0;
                     return mycelium_queue_receive(rt, 1, &out, 1, patience_ns, &count);
                   }});
  calls.push_back({"mycelium_queue_fd", [](auto* rt) {
                     int fd = -1;
                     return mycelium_queue_fd(rt, 1, &fd);
                   }});
  calls.push_back({"mycelium_queue_wake", [](auto* rt) { return mycelium_queue_wake(rt, 1); }});
  calls.push_back({"mycelium_queue_close", [](auto* rt) { return mycelium_queue_close(rt, 1); }});
}

} // namespace

std::vector<handle_call> every_handle_call(call_arguments& arguments) {
  std::vector<handle_call> calls;
  add_runtime_and_schema_calls(calls);
  add_publish_calls(calls, arguments);
  add_subscribe_calls(calls);
  return calls;
}

std::vector<std::string> functions_with_a_handle() {
  std::ifstream file{MYCELIUM_HEADER};
  const std::string header{std::istreambuf_iterator<char>{file}, {}};
  constexpr std::string_view parameter = "(MyceliumRuntime* rt";
  std::vector<std::string> names;
  for (auto at = header.find(parameter); at != header.npos; at = header.find(parameter, at + 1)) {
    const auto before_name = header.find_last_of(" *", at);
    names.push_back(header.substr(before_name + 1, at - before_name - 1));
  }
  return names;
}

} // namespace mycelium::laws
