// What the bus has to say goes to logging.getLogger("mycelium"). It may speak on any thread, and none of its threads
// ever takes the GIL: its lines wait here until the dispatcher, or a call from Python, passes them on.
#pragma once

#include "python.hpp"

#include "mycelium.h"

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>

namespace mycelium::python {

class log_lines {
public:
  // The callback for MyceliumRuntimeConfig, whose user_data is the log_lines.
  static void on_log(MyceliumLogLevel level, const char* text, void* user_data);

  // From now on a line wakes the dispatcher.
  void wake_with(MyceliumRuntime* handle, std::uint64_t queue);
  // Hands what waits to Python's logging. Needs the GIL; leaves no exception.
  void pass_on();

private:
  struct line {
    MyceliumLogLevel level;
    std::string text;
  };
  static constexpr std::size_t most = 256;

  std::mutex mutex_;
  std::deque<line> waiting_;
  std::uint64_t left_out_ = 0;
  MyceliumRuntime* handle_ = nullptr;
  std::atomic<std::uint64_t> queue_ = 0; // set after handle_
};

} // namespace mycelium::python
