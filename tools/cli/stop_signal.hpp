// SIGINT, SIGTERM and SIGHUP as something to poll for, so that a verb ends its work and not in the middle of it. To be
// made before the runtime and plug-ins, whose threads inherit that these signals are blocked. One at a time.
#pragma once

#include "schema/status.hpp"

#include <cstdint>

namespace mycelium::cli {

class stop_signal {
public:
  // Also ignores SIGPIPE and SIGXFSZ from here on: writes then fail with a reason.
  static result<stop_signal> block();
  ~stop_signal();
  stop_signal(stop_signal&& other) noexcept;
  stop_signal& operator=(stop_signal&&) = delete;

  int fd() const noexcept { return fd_; } // readable once a signal came; stays so
  bool came() const noexcept;
  // Waits until fd or `other` (-1: none) is readable, or timeout_ns has passed (below 0: never). True if a signal came.
  bool wait(int other, std::int64_t timeout_ns) const noexcept;

private:
  explicit stop_signal(int fd) : fd_(fd) {}
  int fd_;
};

} // namespace mycelium::cli
