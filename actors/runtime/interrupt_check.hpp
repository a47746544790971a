// What a thread is asked while its publish waits for room: has something come up that ends the wait?
#pragma once

#include <cstdint>

namespace mycelium::runtime {

struct interrupt_check {
  std::int32_t (*call)(void* user_data) = nullptr;
  void* user_data = nullptr;

  bool exists() const noexcept { return call != nullptr; }
  bool interrupted() const noexcept {
    try {
      return call != nullptr && call(user_data) != 0;
    } catch (...) {
      return true; // it has something to say, and the wait ends
    }
  }
};

inline constinit thread_local interrupt_check interrupt_check_of_thread;

} // namespace mycelium::runtime
