// The configuration of oversight behind the C interface.
#include "actors/oversight/config_json.hpp"
#include "ffi/backfire_border.hpp"

using namespace mycelium;
using namespace mycelium::ffi;
using namespace mycelium::oversight;

namespace mycelium::ffi {

backfire_config config_of(const BackfireConfig& c) noexcept {
  return {.coherence_threshold = c.coherence_threshold,
          .hard_limit = c.hard_limit,
          .soft_limit = c.soft_limit,
          .w_logic = c.w_logic,
          .w_fact = c.w_fact,
          .window_size = c.window_size,
          .window_threshold = c.window_threshold,
          .trend_window = c.trend_window,
          .trend_threshold = c.trend_threshold,
          .history_window = c.history_window,
          .deadline_ms = c.deadline_ms,
          .logit_entropy_limit = c.logit_entropy_limit};
}

BackfireConfig config_to_c(const backfire_config& c) noexcept {
  return {0,
          c.coherence_threshold,
          c.hard_limit,
          c.soft_limit,
          c.w_logic,
          c.w_fact,
          c.window_threshold,
          c.trend_threshold,
          c.deadline_ms,
          c.logit_entropy_limit,
          c.window_size,
          c.trend_window,
          c.history_window};
}

std::int32_t fail_length(const char* name, std::size_t expected, std::size_t found) noexcept {
  return fenced([&] {
    return fail(status::invalid_argument, std::string(name) + " length mismatch: expected " + std::to_string(expected) +
                                              ", got " + std::to_string(found));
  });
}

} // namespace mycelium::ffi

extern "C" {

void backfire_config_init(BackfireConfig* config) {
  if (config == nullptr)
    return;
  *config = config_to_c(backfire_config{});
  config->struct_size = sizeof *config;
}

int32_t backfire_config_check(const BackfireConfig* config) {
  if (config == nullptr)
    return fail_null("config");
  return fenced([&] {
    BackfireConfig ours;
    return read_over_defaults(ours, config, backfire_config_init) ? answer(config_of(ours).check())
                                                                  : fail_struct_size();
  });
}

int32_t backfire_config_from_json(const char* json, size_t len, BackfireConfig* out) {
  if (json == nullptr || out == nullptr)
    return fail_null(json == nullptr ? "json" : "out");
  return fenced([&] {
    const auto read = read_config({json, len});
    if (!read)
      return fail(read.error());
    auto ours = config_to_c(*read);
    return write_struct(out, ours);
  });
}

int32_t backfire_config_to_json(const BackfireConfig* config, char* buffer, size_t cap, size_t* out_len) {
  return fenced([&] {
    BackfireConfig ours;
    if (!read_over_defaults(ours, config, backfire_config_init))
      return fail_struct_size();
    if (const auto right = config_of(ours).check(); !right)
      return fail(right.error());
    return copy_text(write_config(config_of(ours)), buffer, cap, out_len);
  });
}

} // extern "C"
