// After fork the child's handles answer FORKED and touch nothing; the child exits cleanly and may start over.
#include "at_rest.hpp"
#include "handle_calls.hpp"
#include "subscriber.hpp"

#include <csignal>
#include <cstdio>
#include <sys/wait.h>
#include <unistd.h>

namespace mycelium::laws {
namespace {

#if defined(__SANITIZE_THREAD__)
constexpr bool threads_after_fork = false; // the thread sanitizer ends a forked process that starts a thread
#else
constexpr bool threads_after_fork = true;
#endif

// Runs child in a forked process, which must leave through exit(0) within patience; what it prints on failure is seen.
testing::AssertionResult in_child(const std::function<bool()>& child) {
  if (!eventually(may_fork))
    return testing::AssertionFailure()
           << "a thread never came to rest, and with one at work this allocator cannot fork";
  std::fflush(nullptr);
  const pid_t pid = fork();
  if (pid == 0) {
    alarm(static_cast<unsigned>(patience.count())); // a hang ends with SIGALRM
    std::exit(child() ? 0 : 1);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
    return testing::AssertionSuccess();
  if (WIFSIGNALED(status))
    return testing::AssertionFailure() << "the child died of signal " << WTERMSIG(status)
                                       << (WTERMSIG(status) == SIGALRM ? " (it hung)" : "");
  return testing::AssertionFailure() << "the child exited with " << WEXITSTATUS(status);
}

bool says(std::int32_t expected, std::int32_t actual, const std::string& what) {
  const auto result = gives(expected, actual);
  if (!result)
    std::fprintf(stderr, "%s: %s\n", what.c_str(), result.message());
  return bool{result};
}

class fork_law : public testing::TestWithParam<std::uint32_t> {};
INSTANTIATE_TEST_SUITE_P(threads, fork_law, testing::Values(1u, 2u));

TEST_P(fork_law, every_function_answers_forked_in_the_child) {
  call_arguments arguments;
  bus rt{GetParam()};
  subscriber sub{rt, apples, delivery::dedicated};
  EXPECT_TRUE(ok(publish(rt, apples, "before")));
  EXPECT_TRUE(sub.got().wait_for(1));
  const auto calls = every_handle_call(arguments);
  EXPECT_TRUE(in_child([&] {
    bool all = true;
    for (auto& each : calls)
      all = says(MYCELIUM_ERROR_FORKED, each.call(rt), each.name) && all;
    mycelium_runtime_destroy(rt); // ignored
    return all;
  }));
  EXPECT_TRUE(ok(publish(rt, apples, "after"))) << "the parent goes on";
  EXPECT_TRUE(sub.got().wait_for(2));
}

TEST_P(fork_law, a_child_exits_cleanly_without_touching_the_runtime) {
  bus rt{GetParam()};
  subscriber sub{rt, apples};
  subscriber dedicated{rt, apples, delivery::dedicated};
  EXPECT_TRUE(in_child([] { return true; }));
  EXPECT_TRUE(ok(publish(rt, apples, "after")));
  EXPECT_TRUE(sub.got().wait_for(1));
}

TEST_P(fork_law, a_child_forked_amid_traffic_exits_cleanly) {
  if (!forks_amid_work)
    GTEST_SKIP() << "the address sanitizer's allocator does not outlive a fork while threads are at work";
  bus rt{GetParam()};
  subscriber sub{
      rt, apples, delivery::message, {}, [](auto& options) { options.policy = MYCELIUM_POLICY_DROP_OLDEST; }};
  std::atomic<bool> stop{false};
  std::thread publisher{[&] {
    while (!stop)
      publish(rt, apples, "traffic");
  }};
  for (int i = 0; i < 20; ++i)
    EXPECT_TRUE(in_child([&] { return says(MYCELIUM_ERROR_FORKED, publish(rt, apples, "x"), "mycelium_publish"); }));
  stop = true;
  publisher.join();
}

TEST_P(fork_law, a_child_may_create_a_runtime_of_its_own) {
  if (!threads_after_fork)
    GTEST_SKIP() << "the thread sanitizer does not allow threads after fork";
  bus rt{GetParam()};
  subscriber sub{rt, apples};
  EXPECT_TRUE(ok(publish(rt, apples, "before")));
  EXPECT_TRUE(sub.got().wait_for(1));
  EXPECT_TRUE(in_child([&] {
    auto config = new_config(GetParam());
    auto* own = mycelium_runtime_create_with_config(&config);
    if (own == nullptr) {
      std::fprintf(stderr, "no runtime in the child: %s\n", mycelium_last_error());
      return false;
    }
    bool right = true;
    {
      subscriber theirs{own, apples};
      right = says(MYCELIUM_SUCCESS, publish(own, apples, "in the child"), "publish") && theirs.got().wait_for(1);
    }
    mycelium_runtime_destroy(own);
    return says(MYCELIUM_ERROR_FORKED, publish(rt, apples, "x"), "the parent's") && right;
  }));
}

TEST_P(fork_law, a_child_of_a_child_is_forked_too) {
  bus rt{GetParam()};
  EXPECT_TRUE(in_child([&] {
    return bool{in_child([&] { return says(MYCELIUM_ERROR_FORKED, publish(rt, apples, "x"), "mycelium_publish"); })};
  }));
}

TEST_P(fork_law, a_retained_message_can_still_be_read_in_the_child) {
  call_arguments arguments;
  EXPECT_TRUE(
      in_child([&] { return text_of(arguments.request).empty() && envelope_of(arguments.request).type_id == apples; }));
}

} // namespace
} // namespace mycelium::laws
