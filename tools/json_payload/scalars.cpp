#include "tools/json_payload/scalars.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <sstream>
#include <utility>

namespace mycelium::json_payload {
namespace {

using json = nlohmann::ordered_json;
using schema_compiler::enumeration;

failure wrong(std::string text) { return {status::invalid_argument, std::move(text)}; }

const char* name_of(scalar kind) {
  constexpr const char* names[] = {"bool", "byte", "ubyte", "short", "ushort", "int",
                                   "uint", "long", "ulong", "float", "double"};
  return names[static_cast<std::size_t>(kind)];
}

json integer_to_json(scalar kind, std::int64_t value) {
  if (kind == scalar::boolean)
    return value != 0;
  return kind == scalar::uint64 ? json(static_cast<std::uint64_t>(value)) : json(value);
}

// All of the value's bits by their names; "" if one has none.
std::string flags_of(const enumeration& names, std::int64_t value) {
  auto rest = static_cast<std::uint64_t>(value);
  std::string text;
  for (const auto& each : names.values) {
    const auto bit = static_cast<std::uint64_t>(each.value);
    if (bit == 0 || (rest & bit) != bit)
      continue;
    rest &= ~bit;
    text += (text.empty() ? "" : " ") + each.name;
  }
  return rest == 0 ? text : "";
}

json enum_to_json(const enumeration& names, std::int64_t value) {
  for (const auto& each : names.values)
    if (each.value == value)
      return each.name;
  if (names.bit_flags && value != 0)
    if (const auto text = flags_of(names, value); !text.empty())
      return text;
  return integer_to_json(names.underlying, value);
}

// The number with the fewest digits that still means the float: 0.1, not 0.10000000149011612.
double shortest(float value) {
  std::array<char, 64> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  double read = 0;
  std::from_chars(text.data(), end, read);
  return static_cast<float>(read) == value ? read : static_cast<double>(value);
}

json real_to_json(scalar kind, double value) {
  if (std::isnan(value))
    return "nan";
  if (std::isinf(value))
    return value > 0 ? "inf" : "-inf";
  return kind == scalar::float32 ? shortest(static_cast<float>(value)) : value;
}

result<number> enum_from_text(const enumeration& names, const std::string& text) {
  std::istringstream words(text);
  std::uint64_t sum = 0;
  std::size_t count = 0;
  for (std::string word; words >> word; ++count) {
    const auto found = std::ranges::find(names.values, word, &schema_compiler::enum_value::name);
    if (found == names.values.end()) {
      std::string all;
      for (const auto& each : names.values)
        all += (all.empty() ? "" : ", ") + each.name;
      return wrong("'" + word + "' is none of " + all);
    }
    sum |= static_cast<std::uint64_t>(found->value);
  }
  if (count == 0 || (count > 1 && !names.bit_flags))
    return wrong("'" + text + "' is no value of " + names.name.local);
  return number{static_cast<std::int64_t>(sum), 0};
}

template <class T>
result<number> integer_from_json(scalar kind, const json& value) {
  const auto beyond = [&] { return wrong(value.dump() + " is no " + name_of(kind)); };
  if (value.is_number_unsigned()) {
    const auto given = value.get<std::uint64_t>();
    return std::in_range<T>(given) ? result<number>(number_of(static_cast<T>(given))) : beyond();
  }
  if (value.is_number_integer()) {
    const auto given = value.get<std::int64_t>();
    return std::in_range<T>(given) ? result<number>(number_of(static_cast<T>(given))) : beyond();
  }
  return beyond();
}

result<number> real_from_json(scalar kind, const json& value) {
  double real = 0;
  if (value.is_number())
    real = value.get<double>();
  else if (value == "nan")
    real = std::numeric_limits<double>::quiet_NaN();
  else if (value == "inf" || value == "-inf")
    real = value == "inf" ? std::numeric_limits<double>::infinity() : -std::numeric_limits<double>::infinity();
  else
    return wrong(value.dump() + " is no " + name_of(kind) + "; beside numbers there are \"nan\", \"inf\" and \"-inf\"");
  constexpr double rounds_to_infinity = 0x1.ffffffp127; // half way from the largest float to the next that there were
  if (kind == scalar::float32 && std::isfinite(real) && std::abs(real) >= rounds_to_infinity)
    return wrong(value.dump() + " is no float");
  return number{0, real};
}

} // namespace

json scalar_to_json(const schema_compiler::model& model, const schema_compiler::field_type& type, number value) {
  if (type.index != schema_compiler::no_index)
    return enum_to_json(model.enums[type.index], value.integer);
  if (type.number == scalar::float32 || type.number == scalar::float64)
    return real_to_json(type.number, value.real);
  return integer_to_json(type.number, value.integer);
}

result<number> scalar_from_json(const schema_compiler::model& model, const schema_compiler::field_type& type,
                                const json& value) {
  if (type.index != schema_compiler::no_index && value.is_string())
    return enum_from_text(model.enums[type.index], value.get<std::string>());
  return with_scalar(type.number, [&](auto kind) -> result<number> {
    using T = decltype(kind);
    if constexpr (std::is_floating_point_v<T>)
      return real_from_json(type.number, value);
    else if constexpr (std::is_same_v<T, bool>)
      return value.is_boolean() ? result<number>(number_of(value.get<bool>()))
                                : wrong(value.dump() + " is neither true nor false");
    else
      return integer_from_json<T>(type.number, value);
  });
}

} // namespace mycelium::json_payload
