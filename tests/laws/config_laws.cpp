// Configuration: the struct is stronger than the environment, the environment stronger than the default. And the
// threads that a runtime starts: named, deaf to signals, gone with it.
#include "gate.hpp"
#include "subscriber.hpp"

#include <cstdlib>
#include <dirent.h>
#include <fstream>
#include <set>
#include <sys/types.h>

namespace mycelium::laws {
namespace {

// Sets a variable for the time of a test.
class environment {
public:
  environment(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
  ~environment() { unsetenv(name_); }
  environment(const environment&) = delete;
  environment& operator=(const environment&) = delete;

private:
  const char* name_;
};

std::set<std::string> entries_of(const char* directory) {
  std::set<std::string> names;
  DIR* dir = opendir(directory);
  while (const auto* entry = readdir(dir))
    if (entry->d_name[0] != '.')
      names.insert(entry->d_name);
  closedir(dir);
  return names;
}

// The value of a line "Key:\tvalue" in a thread's status file; "" if the thread is gone.
std::string status_of(const std::string& thread, const std::string& key) {
  std::ifstream file{"/proc/self/task/" + thread + "/status"};
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(key + ":"))
      return line.substr(line.find_first_not_of(" \t", key.size() + 1));
  return "";
}

// A configuration that leaves everything to the environment.
MyceliumRuntimeConfig empty_config() {
  MyceliumRuntimeConfig config;
  mycelium_runtime_config_init(&config);
  return config;
}

TEST(config_laws, every_variable_of_the_environment_is_heard) {
  const environment threads{"MYCELIUM_THREADS", "3"};
  const environment capacity{"MYCELIUM_MAILBOX_CAPACITY", "8"};
  const environment policy{"MYCELIUM_POLICY", "drop_newest"};
  const environment max_payload{"MYCELIUM_MAX_PAYLOAD", "100"};
  const environment strict{"MYCELIUM_STRICT", "1"};
  const environment name{"MYCELIUM_NAME", "from-the-environment"};
  bus rt{empty_config()};
  EXPECT_EQ(stats_of(rt).threads, 3u);
  const unread mailbox{rt};
  EXPECT_EQ(stats_of(rt, mailbox.id()).capacity, 8u);
  EXPECT_TRUE(gives(MYCELIUM_ERROR_UNKNOWN_TYPE, publish(rt, apples, "no schema")));
  EXPECT_TRUE(gives(MYCELIUM_ERROR_TOO_LARGE, publish(rt, 1001, std::string(101, 'x'))));
  std::string metrics(65536, '\0');
  EXPECT_TRUE(ok(mycelium_metrics_text(rt, metrics.data(), metrics.size(), nullptr)));
  EXPECT_NE(metrics.find("\"from-the-environment\""), std::string::npos);
}

TEST(config_laws, each_policy_of_the_environment_is_obeyed) {
  const environment capacity{"MYCELIUM_MAILBOX_CAPACITY", "4"};
  const environment timeout{"MYCELIUM_BLOCK_TIMEOUT_MS", "1"};
  const std::map<std::string, std::pair<std::int32_t, MyceliumDropReason>> expected{
      {"block", {MYCELIUM_ERROR_TIMEOUT, MYCELIUM_DROP_TIMEOUT}},
      {"drop_oldest", {MYCELIUM_SUCCESS, MYCELIUM_DROP_OLDEST}},
      {"drop_newest", {MYCELIUM_SUCCESS, MYCELIUM_DROP_NEWEST}},
      {"fail", {MYCELIUM_ERROR_FULL, MYCELIUM_DROP_FULL}}};
  for (auto& [name, then] : expected) {
    const environment policy{"MYCELIUM_POLICY", name.c_str()};
    bus rt{empty_config()};
    const unread mailbox{rt};
    for (int i = 0; i < 4; ++i)
      EXPECT_TRUE(ok(publish(rt, apples, "fits")));
    EXPECT_TRUE(gives(then.first, publish(rt, apples, "does not"))) << name;
    EXPECT_EQ(stats_of(rt, mailbox.id()).dropped[then.second], 1u) << name;
  }
}

TEST(config_laws, the_struct_is_stronger_than_the_environment) {
  const environment threads{"MYCELIUM_THREADS", "3"};
  const environment capacity{"MYCELIUM_MAILBOX_CAPACITY", "8"};
  const environment policy{"MYCELIUM_POLICY", "drop_newest"};
  const environment max_payload{"MYCELIUM_MAX_PAYLOAD", "100"};
  auto config = new_config(1);
  config.mailbox_capacity = 16;
  config.policy = MYCELIUM_POLICY_FAIL;
  config.max_payload = 1000;
  bus rt{config};
  EXPECT_EQ(stats_of(rt).threads, 1u);
  const unread mailbox{rt};
  EXPECT_EQ(stats_of(rt, mailbox.id()).capacity, 16u);
  EXPECT_TRUE(ok(publish(rt, apples, std::string(1000, 'x'))));
  EXPECT_TRUE(gives(MYCELIUM_ERROR_TOO_LARGE, publish(rt, apples, std::string(1001, 'x'))));
  for (int i = 1; i < 16; ++i)
    EXPECT_TRUE(ok(publish(rt, apples, "fits")));
  EXPECT_TRUE(gives(MYCELIUM_ERROR_FULL, publish(rt, apples, "does not")));
}

TEST(config_laws, the_options_of_a_subscription_are_stronger_than_the_runtimes) {
  auto config = new_config(1);
  config.policy = MYCELIUM_POLICY_BLOCK;
  config.mailbox_capacity = 16;
  bus rt{config};
  const unread mailbox{rt, apples, MYCELIUM_POLICY_FAIL, 2};
  EXPECT_EQ(stats_of(rt, mailbox.id()).capacity, 2u);
  EXPECT_TRUE(ok(publish(rt, apples, "1")));
  EXPECT_TRUE(ok(publish(rt, apples, "2")));
  EXPECT_TRUE(gives(MYCELIUM_ERROR_FULL, publish(rt, apples, "3")));
}

TEST(config_laws, the_defaults_are_those_of_the_header) {
  MyceliumRuntime* rt = mycelium_runtime_create();
  ASSERT_NE(rt, nullptr) << mycelium_last_error();
  const unsigned cores = std::thread::hardware_concurrency();
  EXPECT_EQ(stats_of(rt).threads, cores > 1 ? cores - 1 : 1);
  {
    subscriber sub{rt, apples};
    EXPECT_EQ(stats_of(rt, sub.id()).capacity, 4096u);
    EXPECT_TRUE(ok(publish(rt, apples, std::string(std::size_t{16} << 20, 'x'))));
    EXPECT_TRUE(gives(MYCELIUM_ERROR_TOO_LARGE, publish(rt, apples, std::string((std::size_t{16} << 20) + 1, 'x'))));
    EXPECT_TRUE(sub.got().wait_for(1));
  }
  mycelium_runtime_destroy(rt);
  rt = mycelium_runtime_create_with_config(nullptr);
  EXPECT_NE(rt, nullptr);
  mycelium_runtime_destroy(rt);
}

TEST(config_laws, nothing_of_the_configuration_is_kept_but_the_log) {
  bus rt = [] {
    std::string name = "a name of its own, not to be kept by pointer";
    auto config = new_config();
    config.name = name.c_str();
    return bus{config};
  }();
  std::string subscription_name = "another one";
  subscriber sub{rt, apples, delivery::message, {}, [&](auto& options) { options.name = subscription_name.c_str(); }};
  subscription_name.assign(subscription_name.size(), '?');
  std::string metrics(65536, '\0');
  EXPECT_TRUE(ok(mycelium_metrics_text(rt, metrics.data(), metrics.size(), nullptr)));
  EXPECT_NE(metrics.find("a name of its own"), std::string::npos);
  EXPECT_NE(metrics.find("another one"), std::string::npos);
}

TEST(config_laws, two_runtimes_share_nothing) {
  bus one;
  bus two;
  subscriber in_one{one, apples};
  subscriber in_two{two, apples};
  ASSERT_TRUE(ok(publish(one, apples, "only here")));
  ASSERT_TRUE(ok(mycelium_flush(one, patience_ns)));
  ASSERT_TRUE(ok(mycelium_flush(two, patience_ns)));
  EXPECT_EQ(in_one.got().size(), 1u);
  EXPECT_EQ(in_two.got().size(), 0u);
  one.destroy();
  EXPECT_TRUE(ok(publish(two, apples, "alive")));
  EXPECT_TRUE(in_two.got().wait_for(1));
}

TEST(thread_laws, every_thread_of_the_runtime_has_a_name_and_blocks_all_signals) {
  thread_count_before();
  const auto before = entries_of("/proc/self/task");
  const std::string ours = status_of(std::to_string(getpid()), "Name");
  bus rt{2};
  subscriber dedicated{rt, apples, delivery::dedicated, {}, [](auto& options) { options.name = "own"; }};
  ASSERT_TRUE(ok(publish(rt, apples, "so that all have started")));
  ASSERT_TRUE(dedicated.got().wait_for(1));
  // Every signal but SIGKILL and SIGSTOP, which nobody can block, and the two that glibc keeps for itself.
  constexpr std::uint64_t kill_and_stop = (1ull << 8) | (1ull << 18);
  constexpr std::uint64_t reserved = (1ull << 31) | (1ull << 32);
  constexpr std::uint64_t all = ~(kill_and_stop | reserved);
  int started = 0;
  for (auto& thread : entries_of("/proc/self/task")) {
    if (before.contains(thread))
      continue;
    ++started;
    EXPECT_TRUE(eventually([&] { // a thread may still be setting itself up
      return status_of(thread, "Name") != ours &&
             (std::stoull("0" + status_of(thread, "SigBlk"), nullptr, 16) & all) == all;
    })) << "thread "
        << status_of(thread, "Name") << " blocks " << status_of(thread, "SigBlk");
  }
  EXPECT_GE(started, 3) << "two workers and the dedicated one";
}

TEST(thread_laws, every_thread_and_descriptor_is_gone_after_destroy) {
  const auto threads = thread_count_before();
  { bus warm_up{1}; } // what is kept for the next runtime, such as memory, is kept once
  const auto descriptors = entries_of("/proc/self/fd");
  {
    bus rt{3};
    subscriber dedicated{rt, apples, delivery::dedicated};
    subscriber queue{rt, apples, delivery::queue};
    int fd = -1;
    EXPECT_TRUE(ok(mycelium_queue_fd(rt, queue.queue_id(), &fd)));
    EXPECT_TRUE(ok(publish(rt, apples, "x")));
    EXPECT_TRUE(dedicated.got().wait_for(1));
  }
  EXPECT_TRUE(eventually([&] { return thread_count() <= threads; })) << thread_count() << ", before " << threads;
  EXPECT_EQ(entries_of("/proc/self/fd"), descriptors);
}

TEST(thread_laws, a_thousand_runtimes_leak_nothing) {
  const auto live = [] {
    bus rt{1};
    subscriber sub{rt, apples};
    EXPECT_TRUE(ok(publish(rt, apples, "x")));
  };
  const auto threads = thread_count_before();
  for (int i = 0; i < 10; ++i)
    live();
  const auto descriptors = entries_of("/proc/self/fd");
  for (int i = 0; i < 1000; ++i)
    live();
  EXPECT_TRUE(eventually([&] { return thread_count() <= threads; }));
  EXPECT_EQ(entries_of("/proc/self/fd"), descriptors);
}

} // namespace
} // namespace mycelium::laws
