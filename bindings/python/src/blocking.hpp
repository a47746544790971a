// Waiting with the GIL released, in slices, so that Ctrl-C reaches Python code.
#pragma once

#include "python.hpp"

#include "mycelium.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace mycelium::python {

// What a wait returns in place of a status when a signal handler has raised: a Python exception is set.
inline constexpr std::int32_t interrupted = INT32_MIN;
inline constexpr std::int64_t slice_ns = 50'000'000;

// Seconds as a number, None for ever. False with an error for anything else and for negative numbers.
bool read_timeout(PyObject* seconds, std::int64_t& nanoseconds);

class deadline {
public:
  explicit deadline(std::int64_t nanoseconds)
      : at_(now() + std::min(nanoseconds, MYCELIUM_FOREVER - now())), forever_(nanoseconds == MYCELIUM_FOREVER) {}

  std::int64_t left() const { return forever_ ? MYCELIUM_FOREVER : std::max<std::int64_t>(at_ - now(), 0); }
  std::int64_t slice() const { return std::min(left(), slice_ns); }

private:
  static std::int64_t now() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }

  std::int64_t at_;
  bool forever_;
};

// Calls wait(nanoseconds), which returns a status and may be repeated after MYCELIUM_ERROR_TIMEOUT, until it returns
// another one or the time is over.
template <class Wait>
std::int32_t wait_in_slices(std::int64_t timeout_ns, Wait wait) {
  const deadline end(timeout_ns);
  for (;;) {
    const std::int64_t slice = end.slice();
    const std::int32_t status = without_gil([&] { return wait(slice); });
    if (status != MYCELIUM_ERROR_TIMEOUT)
      return status;
    if (PyErr_CheckSignals() < 0)
      return interrupted;
    if (end.left() == 0)
      return status;
  }
}

struct outcome {
  std::int32_t status = 0;
  std::string text;
};

// For a call that must not be repeated: makes it on a thread of its own and waits for that. When a signal handler
// raises, the call goes on without us and nothing of it is lost.
outcome wait_aside(std::function<std::int32_t()> call);

} // namespace mycelium::python
