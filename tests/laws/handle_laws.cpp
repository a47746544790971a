// A runtime handle is checked on each call: NULL, destroyed and closed ones are statuses, in every function.
#include "handle_calls.hpp"
#include "subscriber.hpp"

#include <algorithm>
#include <set>

namespace mycelium::laws {
namespace {

TEST(handle_laws, the_table_of_calls_is_complete) {
  call_arguments arguments;
  std::set<std::string> in_table;
  for (auto& each : every_handle_call(arguments))
    in_table.insert(each.name);
  in_table.insert("mycelium_runtime_destroy");
  const auto declared = functions_with_a_handle();
  EXPECT_GE(declared.size(), 30u) << "the header was not understood";
  EXPECT_EQ(in_table, (std::set<std::string>{declared.begin(), declared.end()}));
}

TEST(handle_laws, a_null_handle_is_a_status_everywhere) {
  call_arguments arguments;
  for (auto& each : every_handle_call(arguments))
    EXPECT_TRUE(gives(MYCELIUM_ERROR_NULL, each.call(nullptr))) << each.name;
}

TEST(handle_laws, a_stale_handle_is_a_status_everywhere) {
  call_arguments arguments;
  bus rt{1};
  rt.destroy();
  for (auto& each : every_handle_call(arguments))
    EXPECT_TRUE(gives(MYCELIUM_ERROR_CLOSED, each.call(rt))) << each.name;
}

TEST(handle_laws, a_pointer_that_never_was_a_handle_is_a_status_everywhere) {
  call_arguments arguments;
  for (auto bits : {std::uintptr_t{1}, std::uintptr_t{16}, std::uintptr_t{4096}, UINTPTR_MAX, UINTPTR_MAX / 2})
    for (auto& each : every_handle_call(arguments))
      EXPECT_TRUE(gives(MYCELIUM_ERROR_CLOSED, each.call(reinterpret_cast<MyceliumRuntime*>(bits)))) << each.name;
}

TEST(handle_laws, a_loan_or_request_survives_a_call_with_a_bad_handle) {
  call_arguments arguments;
  bus rt{1};
  rt.destroy();
  EXPECT_TRUE(gives(MYCELIUM_ERROR_CLOSED, mycelium_publish_loan(rt, apples, arguments.loan, 0, 16)));
  EXPECT_TRUE(gives(MYCELIUM_ERROR_NULL, mycelium_publish_loan(nullptr, apples, arguments.loan, 0, 16)));
  // Still the caller's: discarded by the arguments' destructor, where the address sanitizer would see a double release.
  EXPECT_EQ(mycelium_message_is_request(arguments.request), 1);
}

TEST(handle_laws, a_closed_runtime_refuses_work_but_keeps_its_statistics) {
  call_arguments arguments;
  bus rt{1};
  ASSERT_TRUE(ok(mycelium_runtime_close(rt, patience_ns)));
  const std::set<std::string> refused{"mycelium_publish",
                                      "mycelium_publish_envelope",
                                      "mycelium_publish_batch",
                                      "mycelium_subscribe",
                                      "mycelium_subscribe_with_options",
                                      "mycelium_queue_open",
                                      "mycelium_request",
                                      "mycelium_request_async",
                                      "mycelium_publish_loan",
                                      "mycelium_wait_for_subscribers"};
  for (auto& each : every_handle_call(arguments)) {
    if (each.name == "mycelium_runtime_destroy_later")
      continue;
    if (refused.contains(each.name)) {
      EXPECT_TRUE(gives(MYCELIUM_ERROR_CLOSED, each.call(rt))) << each.name;
    } else {
      each.call(rt); // whatever it answers, it neither hangs nor crashes
    }
  }
  EXPECT_TRUE(adds_up(stats_of(rt)));
  std::size_t len = 0;
  EXPECT_TRUE(ok(mycelium_metrics_text(rt, nullptr, 0, &len)));
  EXPECT_GT(len, 0u);
}

TEST(handle_laws, the_last_error_belongs_to_its_thread) {
  std::thread{[] {
    EXPECT_STREQ(mycelium_last_error(), "") << "before the first failure";
    EXPECT_EQ(mycelium_last_status(), 0);
    EXPECT_TRUE(gives(MYCELIUM_ERROR_NULL, mycelium_flush(nullptr, 0)));
    const std::string mine = mycelium_last_error();
    std::thread{[] {
      EXPECT_STREQ(mycelium_last_error(), "");
      bus rt{1};
      EXPECT_TRUE(gives(MYCELIUM_ERROR_SUBSCRIPTION, mycelium_unsubscribe(rt, 77)));
    }}.join();
    EXPECT_EQ(mycelium_last_error(), mine);
    EXPECT_EQ(mycelium_last_status(), MYCELIUM_ERROR_NULL);
    bus rt{1};
    EXPECT_TRUE(ok(publish(rt, apples, "fine")));
    EXPECT_EQ(mycelium_last_error(), mine) << "success does not clear it";
  }}.join();
}

TEST(handle_laws, every_status_has_a_name) {
  const std::vector<std::pair<std::int32_t, const char*>> names{{0, "MYCELIUM_SUCCESS"},
                                                                {1, "MYCELIUM_DEFERRED"},
                                                                {-1, "MYCELIUM_ERROR_NULL"},
                                                                {-2, "MYCELIUM_ERROR_DIGEST"},
                                                                {-3, "MYCELIUM_ERROR_RUNTIME"},
                                                                {-4, "MYCELIUM_ERROR_SUBSCRIPTION"},
                                                                {-5, "MYCELIUM_ERROR_TOPOLOGY"},
                                                                {-6, "MYCELIUM_ERROR_SERVICE_NOT_FOUND"},
                                                                {-7, "MYCELIUM_ERROR_UNKNOWN_TYPE"},
                                                                {-8, "MYCELIUM_ERROR_TOO_LARGE"},
                                                                {-9, "MYCELIUM_ERROR_INVALID_PAYLOAD"},
                                                                {-10, "MYCELIUM_ERROR_FULL"},
                                                                {-11, "MYCELIUM_ERROR_TIMEOUT"},
                                                                {-12, "MYCELIUM_ERROR_CLOSED"},
                                                                {-13, "MYCELIUM_ERROR_INVALID_ARGUMENT"},
                                                                {-14, "MYCELIUM_ERROR_FORKED"},
                                                                {-15, "MYCELIUM_ERROR_NO_REPLY"},
                                                                {-16, "MYCELIUM_ERROR_UNSUPPORTED"},
                                                                {-99, "MYCELIUM_ERROR_INTERNAL"}};
  for (auto& [status, name] : names)
    EXPECT_STREQ(mycelium_status_name(status), name);
  for (std::int32_t unknown : {2, 99, -17, -98, -100, INT32_MIN, INT32_MAX})
    EXPECT_STREQ(mycelium_status_name(unknown), "MYCELIUM_UNKNOWN_STATUS");
}

} // namespace
} // namespace mycelium::laws
