#include "actors/oversight/verdict.hpp"
#include "actors/oversight/number_text.hpp"

namespace mycelium::oversight {

std::string reason_text(halt_kind kind, double measured, double limit) {
  const auto compared = [&](const char* name, const char* sign, const char* unit = "") {
    return std::string(name) + " (" + four_decimals(measured) + unit + " " + sign + " " + shortest(limit) + unit + ")";
  };
  switch (kind) {
  case halt_kind::none:
    return "";
  case halt_kind::hard_limit:
    return compared("hard_limit", "<");
  case halt_kind::window_average:
    return compared("window_avg", "<");
  case halt_kind::downward_trend:
    return compared("downward_trend", ">");
  case halt_kind::entropy:
    return compared("entropy", ">");
  case halt_kind::deadline:
    return compared("deadline", ">", " ms");
  case halt_kind::ewma:
    return compared("ewma", "<");
  case halt_kind::cusum:
    return compared("cusum", ">");
  case halt_kind::kernel_inactive:
    return "kernel_inactive";
  case halt_kind::invalid_score:
    return "invalid_score";
  }
  return "";
}

} // namespace mycelium::oversight
