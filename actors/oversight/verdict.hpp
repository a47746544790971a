// What oversight says of a token.
#pragma once

#include <cstdint>
#include <string>

namespace mycelium::oversight {

// Numbers equal those of schema/oversight.fbs.
enum class halt_kind : std::uint8_t {
  none = 0,
  hard_limit = 1,
  window_average = 2,
  downward_trend = 3,
  entropy = 4,
  deadline = 5,
  ewma = 6,
  cusum = 7,
  kernel_inactive = 8,
  invalid_score = 9,
};

enum class action : std::uint8_t {
  release = 0,
  warn = 1,   // released, with a score under the soft limit
  finish = 2, // released to finish the sentence of a stream that has halted softly
  halt = 3,   // not released, and no token after it
};

struct verdict {
  std::uint64_t index = 0; // of the token
  oversight::action action = oversight::action::release;
  halt_kind kind = halt_kind::none;
  double score = 0;    // as it counted: 0 where it was invalid
  double measured = 0; // by the check that fired, and its limit
  double limit = 0;
  std::uint64_t released = 0; // tokens 0 ... released - 1 of the stream may be shown
};

// "hard_limit (0.1000 < 0.5)", "kernel_inactive"; "" for none.
std::string reason_text(halt_kind kind, double measured, double limit);

} // namespace mycelium::oversight
