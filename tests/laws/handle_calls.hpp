// Every function that takes a runtime handle, once, with arguments that are otherwise right: what a NULL, stale, closed
// or forked handle answers is then asked of all of them.
#pragma once

#include "bus.hpp"

#include <array>
#include <functional>
#include <string>
#include <vector>

namespace mycelium::laws {

// Things that a call needs besides its handle. They belong to another, living runtime.
class call_arguments {
public:
  call_arguments();
  ~call_arguments();
  call_arguments(const call_arguments&) = delete;
  call_arguments& operator=(const call_arguments&) = delete;

  MyceliumLoan* loan = nullptr;
  MyceliumMessage* request = nullptr; // retained, so that it may still be answered

private:
  bus home_{1};
};

struct handle_call {
  std::string name; // of the C function
  std::function<std::int32_t(MyceliumRuntime*)> call;
};

// All but mycelium_runtime_destroy, which returns nothing.
std::vector<handle_call> every_handle_call(call_arguments& arguments);

// The functions in the header whose first parameter is a runtime handle.
std::vector<std::string> functions_with_a_handle();

} // namespace mycelium::laws
