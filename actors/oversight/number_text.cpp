#include "actors/oversight/number_text.hpp"

#include <charconv>
#include <cmath>

namespace mycelium::oversight {
namespace {

// The longest double in fixed notation has 309 digits before the point or 1074 after it.
using room = char[1100];

std::string not_finite(double value) { return std::isnan(value) ? "nan" : value < 0 ? "-inf" : "inf"; }

} // namespace

std::string four_decimals(double value) {
  if (!std::isfinite(value))
    return not_finite(value);
  room text;
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::fixed, 4).ptr;
  return {text, end};
}

std::string shortest(double value) {
  if (!std::isfinite(value))
    return not_finite(value);
  room text;
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::fixed).ptr;
  return {text, end};
}

} // namespace mycelium::oversight
