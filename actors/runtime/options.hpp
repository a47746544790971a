// How a runtime is configured. Each option comes, in order of strength, from the host's struct, from the environment,
// or is the default.
#pragma once

#include "actors/runtime/lane.hpp"
#include "schema/registry.hpp"
#include "schema/status.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace mycelium::runtime {

enum class log_level : std::int32_t { error = 0, warning = 1, info = 2 };

// Zero or empty: not given.
struct runtime_options {
  std::string name;
  std::uint32_t threads = 0;
  std::uint32_t mailbox_capacity = 0;
  std::int32_t when_full = 0; // policy
  std::int32_t verify = 0;    // schema::verify_level
  std::int64_t block_timeout_ns = 0;
  std::int64_t close_timeout_ns = 0;
  std::uint64_t max_payload = 0;
  bool strict = false;
  std::function<void(log_level, const char*)> log;
};

// One option as it stands: for `mycelium doctor` and bug reports.
struct option_report {
  std::string name;
  std::string variable;
  std::string value;
  bool from_environment = false;
};

constexpr std::uint32_t max_capacity = 1u << 24;

// Fills in what is not given. invalid_argument names the option or variable, its value and what it may be.
result<runtime_options> complete(runtime_options given);
result<std::vector<option_report>> report_options();

} // namespace mycelium::runtime
