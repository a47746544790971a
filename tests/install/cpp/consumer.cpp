// A stranger's C++20 program: publishes to itself, through what was installed.
#include <mycelium.h>

#include <atomic>
#include <iostream>
#include <memory>
#include <string_view>

int main() {
  const std::unique_ptr<MyceliumRuntime, decltype(&mycelium_runtime_destroy)> rt{mycelium_runtime_create(),
                                                                                 &mycelium_runtime_destroy};
  std::atomic<int> greetings{0};
  const auto on_greeting = [](std::uint16_t, const std::uint8_t* payload, std::size_t len, void* user_data) {
    if (std::string_view{reinterpret_cast<const char*>(payload), len} == "hello")
      static_cast<std::atomic<int>*>(user_data)->fetch_add(1);
  };
  constexpr std::string_view text = "hello";
  if (mycelium_subscribe(rt.get(), 20001, on_greeting, &greetings, nullptr) != MYCELIUM_SUCCESS ||
      mycelium_publish(rt.get(), 20001, reinterpret_cast<const std::uint8_t*>(text.data()), text.size()) !=
          MYCELIUM_SUCCESS ||
      mycelium_runtime_close(rt.get(), MYCELIUM_FOREVER) != MYCELIUM_SUCCESS) {
    std::cerr << mycelium_last_error() << '\n';
    return 1;
  }
  std::cout << "mycelium " << mycelium_version() << ": " << greetings << '\n';
  return greetings == 1 ? 0 : 1;
}
