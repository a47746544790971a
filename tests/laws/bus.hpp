// A runtime that a test owns, and how a test states what a call must return. Every expected error is also checked to
// leave its status and a text behind on the calling thread.
#pragma once

#include "mycelium.h"

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <gtest/gtest.h>
#include <span>
#include <string>
#include <string_view>
#include <thread>

namespace mycelium::laws {

using namespace std::chrono_literals;

// How long a test waits for something that must happen; passing tests never wait that long.
inline constexpr std::chrono::seconds patience = 20s;
inline constexpr std::int64_t patience_ns = std::chrono::nanoseconds{patience}.count();

inline constexpr std::uint16_t apples = 20001; // types without a schema: opaque bytes
inline constexpr std::uint16_t pears = 20002;
inline constexpr std::uint16_t plums = 20003;

inline testing::AssertionResult gives(std::int32_t expected, std::int32_t actual) {
  if (actual != expected)
    return testing::AssertionFailure() << "expected " << mycelium_status_name(expected) << ", got "
                                       << mycelium_status_name(actual) << ": " << mycelium_last_error();
  if (actual >= 0)
    return testing::AssertionSuccess();
  if (mycelium_last_status() != actual)
    return testing::AssertionFailure() << mycelium_status_name(actual) << " but mycelium_last_status() is "
                                       << mycelium_status_name(mycelium_last_status());
  if (std::string_view{mycelium_last_error()}.empty())
    return testing::AssertionFailure() << mycelium_status_name(actual) << " without a text";
  return testing::AssertionSuccess();
}

inline testing::AssertionResult ok(std::int32_t actual) { return gives(MYCELIUM_SUCCESS, actual); }

inline std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

inline std::string text_of(const std::uint8_t* payload, std::size_t len) {
  return len == 0 ? std::string{} : std::string{reinterpret_cast<const char*>(payload), len};
}

inline std::string text_of(const MyceliumMessage* message) {
  std::size_t len = 0;
  const auto* payload = mycelium_message_payload(message, &len);
  return text_of(payload, len);
}

inline MyceliumEnvelope envelope_of(const MyceliumMessage* message) {
  MyceliumEnvelope envelope{};
  envelope.struct_size = sizeof envelope;
  EXPECT_TRUE(ok(mycelium_message_envelope(message, &envelope)));
  return envelope;
}

inline MyceliumEnvelope new_envelope(std::uint16_t type_id) {
  MyceliumEnvelope envelope{};
  envelope.struct_size = sizeof envelope;
  envelope.type_id = type_id;
  return envelope;
}

inline MyceliumRuntimeConfig new_config(std::uint32_t threads = 2) {
  MyceliumRuntimeConfig config;
  mycelium_runtime_config_init(&config);
  config.threads = threads;
  config.close_timeout_ns = patience_ns;
  config.block_timeout_ns = patience_ns;
  return config;
}

inline MyceliumSubscribeOptions new_options() {
  MyceliumSubscribeOptions options;
  mycelium_subscribe_options_init(&options);
  return options;
}

// Publishes text; the call under test in nearly every law.
inline std::int32_t publish(MyceliumRuntime* rt, std::uint16_t type_id, std::string_view text) {
  return mycelium_publish(rt, type_id, bytes_of(text).data(), text.size());
}

inline MyceliumRuntimeStats stats_of(MyceliumRuntime* rt) {
  MyceliumRuntimeStats stats{};
  stats.struct_size = sizeof stats;
  EXPECT_TRUE(ok(mycelium_runtime_stats(rt, &stats)));
  return stats;
}

inline MyceliumSubscriptionStats stats_of(MyceliumRuntime* rt, std::uint64_t subscription) {
  MyceliumSubscriptionStats stats{};
  stats.struct_size = sizeof stats;
  EXPECT_TRUE(ok(mycelium_subscription_stats(rt, subscription, &stats)));
  return stats;
}

// offered = delivered + dropped + waiting, for a subscription or the whole runtime.
template <class Stats>
testing::AssertionResult adds_up(const Stats& stats) {
  std::uint64_t dropped = 0;
  for (auto count : stats.dropped)
    dropped += count;
  if (stats.offered == stats.delivered + dropped + stats.waiting)
    return testing::AssertionSuccess();
  return testing::AssertionFailure() << "offered " << stats.offered << " is not delivered " << stats.delivered
                                     << " + dropped " << dropped << " + waiting " << stats.waiting;
}

// For what no callback can tell, such as the threads that the kernel lists: asks until it is so or patience ends.
inline bool eventually(const std::function<bool()>& is_so) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!is_so()) {
    if (std::chrono::steady_clock::now() > deadline)
      return false;
    std::this_thread::yield();
  }
  return true;
}

// How many threads the kernel lists. It may list one for a moment after it was joined.
inline std::size_t thread_count() {
  const std::filesystem::directory_iterator threads{"/proc/self/task"};
  return static_cast<std::size_t>(std::distance(begin(threads), end(threads)));
}

// The count before a test starts a runtime, to compare with at its end.
inline std::size_t thread_count_before() {
  std::thread{[] {}}.join(); // with the first thread a sanitizer starts one of its own
  return thread_count();
}

class bus {
public:
  explicit bus(std::uint32_t threads = 2) : bus(new_config(threads)) {}
  explicit bus(const MyceliumRuntimeConfig& config) : rt_(mycelium_runtime_create_with_config(&config)) {
    EXPECT_NE(rt_, nullptr) << mycelium_last_error();
  }
  ~bus() { mycelium_runtime_destroy(rt_); }
  bus(const bus&) = delete;
  bus& operator=(const bus&) = delete;

  operator MyceliumRuntime*() const { return rt_; }
  // The handle stays, stale, so that a test can use it.
  void destroy() { mycelium_runtime_destroy(rt_); }

private:
  MyceliumRuntime* rt_;
};

} // namespace mycelium::laws
