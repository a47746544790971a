// What `mycelium doctor` looks at. Each check returns its findings and touches nothing that it did not make.
#pragma once

#include "mycelium.h"

#include <string>
#include <vector>

namespace mycelium::cli {

enum class verdict { ok, warn, fail };

struct finding {
  verdict how = verdict::ok;
  std::string subject; // "eventfd"
  std::string text;    // what was seen
  std::string advice;  // what to do about it; empty if ok
};

using findings = std::vector<finding>;

// The loaded library is the one that this program was compiled for, and its built-in schema is whole.
findings check_library();
// A runtime starts; a message arrives through every way to publish and every way to subscribe; requests are answered; a
// queue's descriptor wakes a poll; hostile bytes are refused; nothing is lost on close.
findings check_bus();
// Clock, cores, cgroup limits, open files.
findings check_machine();
// Every option with its value and where the value came from.
findings check_options();
// CUDA devices, through the driver if there is one. A machine without is in order.
findings check_cuda();

} // namespace mycelium::cli
