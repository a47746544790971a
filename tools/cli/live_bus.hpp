// The bus of other processes, as the verbs that show it and publish on it use it: linked, with its types by name, and
// left when a signal comes.
#pragma once

#include "tools/cli/bus_source.hpp"
#include "tools/cli/bus_types.hpp"
#include "tools/cli/stop_signal.hpp"

#include <cstdint>
#include <functional>
#include <span>

namespace mycelium::cli {

class live_bus {
public:
  // Creates the runtime; link() joins the others.
  static result<live_bus> open(const source_options& options, const char* name);

  MyceliumRuntime* runtime() const noexcept { return source_.runtime(); }
  const bus_types& types() const noexcept { return types_; }
  const stop_signal& stop() const noexcept { return stop_; }
  // Dials, and waits until all are linked. False: a signal came. timeout after 10 s.
  result<bool> link();
  // Until somebody subscribes to the type. False: a signal came. timeout.
  result<bool> wait_for_subscriber(std::uint16_t type_id, std::int64_t timeout_ns) const;
  // Both are bus_source's.
  result<void> wait_until_taken(std::int64_t timeout_ns) const { return source_.wait_until_taken(timeout_ns, stop_); }
  void leave() { source_.leave(); }
  // mycelium_bridge_json.
  result<json_payload::json> neighbourhood() const;

private:
  live_bus(stop_signal stop, bus_source source, bus_types types)
      : stop_(std::move(stop)), source_(std::move(source)), types_(std::move(types)) {}
  result<bool> in_slices(std::int64_t timeout_ns, const std::function<result<void>(std::int64_t)>& wait) const;

  stop_signal stop_; // first: the runtime's threads inherit what it blocks
  bus_source source_;
  bus_types types_;
};

// What comes of some types, through one queue.
class inflow {
public:
  struct options {
    std::int32_t policy = MYCELIUM_POLICY_DROP_OLDEST; // who looks on must not slow down who is looked at
    std::uint32_t capacity = 65536;                    // messages of each type
  };
  static result<inflow> open(MyceliumRuntime* runtime, std::span<const std::uint16_t> types, const options& how);
  ~inflow();
  inflow(inflow&& other) noexcept;
  inflow& operator=(inflow&&) = delete;

  // Hands out what is there, at most max; waits up to timeout_ns for the first, or until a signal comes. How many. What
  // was taken is delivered when take returns, but not where that fails: then it is never released.
  result<std::size_t> receive(const stop_signal& stop, std::int64_t timeout_ns, std::size_t max,
                              const std::function<result<void>(std::span<MyceliumMessage* const>)>& take) const;
  std::uint64_t dropped() const;
  // Readable while there may be messages.
  int fd() const noexcept { return fd_; }

private:
  explicit inflow(MyceliumRuntime* runtime) : runtime_(runtime) {}

  MyceliumRuntime* runtime_;
  std::uint64_t queue_ = 0;
  int fd_ = -1;
  std::vector<std::uint64_t> subscriptions_;
};

MyceliumEnvelope envelope_of(const MyceliumMessage* message);
schema::bytes payload_of(const MyceliumMessage* message);

std::int64_t now_ns();                               // monotonic
std::int64_t ns_of(double seconds);                  // at most 292 years
int fail(const char* verb, const std::string& text); // prints, exit_failed

} // namespace mycelium::cli
