// What may be chosen when a runtime is made, a message is published, or a subscription begins. Plain values; a field
// that is left alone means its default. ffi/include/mycelium.h describes each in full.
#pragma once

#include <mycelium/status.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <iterator>

namespace mycelium {
inline namespace cpp1 {

using duration = std::chrono::nanoseconds;
inline constexpr duration forever{MYCELIUM_FOREVER};

// What happens to a message that finds the mailbox of a subscription full.
enum class policy : std::int32_t {
  by_runtime = MYCELIUM_POLICY_DEFAULT, // what the runtime's options, or MYCELIUM_POLICY, say: else block
  block = MYCELIUM_POLICY_BLOCK,        // the publisher waits, at most block_timeout
  drop_oldest = MYCELIUM_POLICY_DROP_OLDEST,
  drop_newest = MYCELIUM_POLICY_DROP_NEWEST,
  fail = MYCELIUM_POLICY_FAIL, // publish returns status::full
};

// How payloads are checked against their schema before anyone sees them.
enum class verification : std::int32_t {
  by_environment = MYCELIUM_VERIFY_DEFAULT, // MYCELIUM_VERIFY, else none
  none = MYCELIUM_VERIFY_NONE,
  size = MYCELIUM_VERIFY_SIZE,
  full = MYCELIUM_VERIFY_FULL,
};

enum class log_level { error = MYCELIUM_LOG_ERROR, warning = MYCELIUM_LOG_WARNING, info = MYCELIUM_LOG_INFO };

struct runtime_options {
  std::string name{}; // shown in metrics and logs
  std::uint32_t threads = 0;
  std::uint32_t mailbox_capacity = 0; // messages per subscription
  policy when_full = policy::by_runtime;
  verification verify = verification::by_environment;
  duration block_timeout{0};
  duration close_timeout{0}; // how long the end of a runtime delivers what was accepted
  std::size_t max_payload = 0;
  bool strict = false; // refuse types without a schema
  // Runs on any thread, also on one that is publishing. The text is valid during the call. Exceptions are swallowed.
  std::function<void(log_level, std::string_view)> log{};
};

// Whose thread runs a callback.
enum class placement : std::uint32_t {
  worker = 0,                                      // one of the runtime's: the callback should not block
  dedicated_thread = MYCELIUM_SUBSCRIBE_DEDICATED, // one of its own: the callback may block
  publisher_thread = MYCELIUM_SUBSCRIBE_INLINE,    // the publisher's when the subscription is idle: for short callbacks
};

enum class drop_reason : std::int32_t {
  oldest = MYCELIUM_DROP_OLDEST,
  newest = MYCELIUM_DROP_NEWEST,
  timeout = MYCELIUM_DROP_TIMEOUT,
  full = MYCELIUM_DROP_FULL,
  unsubscribed = MYCELIUM_DROP_UNSUBSCRIBED,
  closed = MYCELIUM_DROP_CLOSED,
};

// The first drop of a subscription that kept up before, and its recovery.
struct drop_event {
  std::uint64_t subscription_id = 0;
  std::uint64_t dropped = 0; // until the recovery
  drop_reason reason = drop_reason::oldest;
  bool recovered = false;
};

struct subscribe_options {
  std::string name{}; // shown in metrics, logs and close's complaint
  placement on = placement::worker;
  policy when_full = policy::by_runtime;
  std::uint32_t capacity = 0;  // messages; a power of two or rounded up
  std::uint32_t history = 0;   // kept messages to deliver first: see keep_history
  std::uint32_t batch_max = 0; // most messages in one batch
  duration block_timeout{0};
  std::function<void(const drop_event&)> on_drop{}; // runs like the callback, never beside it
  std::function<void()> on_complete{};              // once, after the last callback
};

enum class destination : std::int32_t {
  all = MYCELIUM_TO_ALL,
  subscription = MYCELIUM_TO_SUBSCRIPTION, // the one whose id is destination_key
  key = MYCELIUM_TO_KEY,                   // one of them, the same for the same destination_key
};

// W3C trace context; an id of zeros means that there is none.
struct trace_context {
  std::array<std::uint8_t, 16> trace_id{};
  std::array<std::uint8_t, 8> span_id{};
  std::uint8_t flags = 0;

  explicit operator bool() const noexcept { return trace_id != decltype(trace_id){}; }
  friend bool operator==(const trace_context&, const trace_context&) = default;
};

// What a publisher may say beside the payload.
struct headers {
  std::uint8_t priority = 0; // carried; mailboxes stay first in, first out
  destination to = destination::all;
  std::uint64_t destination_key = 0;
  std::uint64_t correlation_id = 0;
  trace_context trace{};

  friend bool operator==(const headers&, const headers&) = default;
};

// What a subscriber learns beside the payload.
struct envelope {
  std::uint16_t type_id = 0;
  headers given;                  // by the publisher
  std::uint64_t sequence = 0;     // 1, 2, 3 ... per publisher
  std::uint64_t publisher_id = 0; // one per publishing thread; no linked process has the same
  std::chrono::sys_time<std::chrono::nanoseconds> timestamp{};
};

using runtime_stats = MyceliumRuntimeStats;
using subscription_stats = MyceliumSubscriptionStats;

namespace detail {

inline MyceliumEnvelope to_c(std::uint16_t type_id, const headers& from) noexcept {
  MyceliumEnvelope to{};
  to.struct_size = sizeof to;
  to.type_id = type_id;
  to.priority = from.priority;
  to.destination = static_cast<std::int32_t>(from.to);
  to.destination_key = from.destination_key;
  to.correlation_id = from.correlation_id;
  to.has_trace = from.trace ? 1 : 0;
  std::copy(from.trace.trace_id.begin(), from.trace.trace_id.end(), to.trace_id);
  std::copy(from.trace.span_id.begin(), from.trace.span_id.end(), to.span_id);
  to.trace_flags = from.trace.flags;
  return to;
}

inline envelope from_c(const MyceliumEnvelope& from) noexcept {
  envelope to;
  to.type_id = from.type_id;
  to.given.priority = from.priority;
  to.given.to = static_cast<destination>(from.destination);
  to.given.destination_key = from.destination_key;
  to.given.correlation_id = from.correlation_id;
  to.sequence = from.sequence;
  to.publisher_id = from.publisher_id;
  to.timestamp = std::chrono::sys_time<std::chrono::nanoseconds>(std::chrono::nanoseconds(from.timestamp_ns));
  if (from.has_trace != 0) {
    auto& trace = to.given.trace;
    std::copy(std::begin(from.trace_id), std::end(from.trace_id), trace.trace_id.begin());
    std::copy(std::begin(from.span_id), std::end(from.span_id), trace.span_id.begin());
    trace.flags = from.trace_flags;
  }
  return to;
}

// name and log_user_data point into *from.
inline MyceliumRuntimeConfig to_c(const runtime_options& from) noexcept {
  MyceliumRuntimeConfig to;
  mycelium_runtime_config_init(&to);
  to.name = from.name.empty() ? nullptr : from.name.c_str();
  to.threads = from.threads;
  to.mailbox_capacity = from.mailbox_capacity;
  to.policy = static_cast<std::int32_t>(from.when_full);
  to.verify = static_cast<std::int32_t>(from.verify);
  to.block_timeout_ns = from.block_timeout.count();
  to.close_timeout_ns = from.close_timeout.count();
  to.max_payload = from.max_payload;
  to.strict = from.strict ? 1 : 0;
  return to;
}

// name points into *from; receivers and handlers are the caller's to set.
inline MyceliumSubscribeOptions to_c(const subscribe_options& from) noexcept {
  MyceliumSubscribeOptions to;
  mycelium_subscribe_options_init(&to);
  to.name = from.name.empty() ? nullptr : from.name.c_str();
  to.flags = static_cast<std::uint32_t>(from.on);
  to.policy = static_cast<std::int32_t>(from.when_full);
  to.capacity = from.capacity;
  to.history = from.history;
  to.batch_max = from.batch_max;
  to.block_timeout_ns = from.block_timeout.count();
  return to;
}

} // namespace detail
} // namespace cpp1
} // namespace mycelium
