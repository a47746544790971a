// Scalars between JSON and the bytes of a payload.
#pragma once

#include "schema/status.hpp"
#include "tools/schema_compiler/model.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>

namespace mycelium::json_payload {

using schema_compiler::scalar;

// Calls use(T()) for the C++ type of a scalar; a boolean stands in a payload as a byte.
template <class Use>
decltype(auto) with_scalar(scalar kind, Use use) {
  switch (kind) {
  case scalar::boolean:
    return use(bool());
  case scalar::int8:
    return use(std::int8_t());
  case scalar::uint8:
    return use(std::uint8_t());
  case scalar::int16:
    return use(std::int16_t());
  case scalar::uint16:
    return use(std::uint16_t());
  case scalar::int32:
    return use(std::int32_t());
  case scalar::uint32:
    return use(std::uint32_t());
  case scalar::int64:
    return use(std::int64_t());
  case scalar::uint64:
    return use(std::uint64_t());
  case scalar::float32:
    return use(float());
  case scalar::float64:
    break;
  }
  return use(double());
}

// How a scalar stands in a payload.
template <class T>
using stored = std::conditional_t<std::is_same_v<T, bool>, std::uint8_t, T>;

// A scalar whatever its type: an integer or bool as its 64 bits, or a real number.
struct number {
  std::int64_t integer = 0;
  double real = 0;

  template <class T>
  T as() const {
    if constexpr (std::is_floating_point_v<T>)
      return static_cast<T>(real);
    else
      return static_cast<T>(integer);
  }
};

template <class T>
number number_of(T value) {
  if constexpr (std::is_floating_point_v<T>)
    return {0, static_cast<double>(value)};
  else
    return {static_cast<std::int64_t>(value), 0};
}

// An enum's values by name, bit flags as names with spaces between them, one without a name as a number.
nlohmann::ordered_json scalar_to_json(const schema_compiler::model& model, const schema_compiler::field_type& type,
                                      number value);
// The failure has no place in front yet.
result<number> scalar_from_json(const schema_compiler::model& model, const schema_compiler::field_type& type,
                                const nlohmann::ordered_json& value);

} // namespace mycelium::json_payload
