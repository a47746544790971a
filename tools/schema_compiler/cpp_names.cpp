#include "tools/schema_compiler/cpp_names.hpp"

#include "tools/schema_compiler/fill.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>

namespace mycelium::schema_compiler {
namespace {

// Keywords of C++20, and what every generated struct has for itself.
constexpr std::string_view taken[] = {"alignas",
                                      "alignof",
                                      "and",
                                      "and_eq",
                                      "asm",
                                      "auto",
                                      "bitand",
                                      "bitor",
                                      "bool",
                                      "break",
                                      "case",
                                      "catch",
                                      "char",
                                      "char16_t",
                                      "char32_t",
                                      "char8_t",
                                      "class",
                                      "co_await",
                                      "co_return",
                                      "co_yield",
                                      "compl",
                                      "concept",
                                      "const",
                                      "const_cast",
                                      "consteval",
                                      "constexpr",
                                      "constinit",
                                      "continue",
                                      "decltype",
                                      "decode",
                                      "default",
                                      "delete",
                                      "do",
                                      "double",
                                      "dynamic_cast",
                                      "else",
                                      "encode",
                                      "enum",
                                      "explicit",
                                      "export",
                                      "extern",
                                      "false",
                                      "float",
                                      "for",
                                      "friend",
                                      "goto",
                                      "if",
                                      "inline",
                                      "int",
                                      "long",
                                      "mutable",
                                      "namespace",
                                      "new",
                                      "noexcept",
                                      "not",
                                      "not_eq",
                                      "nullptr",
                                      "operator",
                                      "or",
                                      "or_eq",
                                      "private",
                                      "protected",
                                      "public",
                                      "register",
                                      "reinterpret_cast",
                                      "requires",
                                      "return",
                                      "short",
                                      "signed",
                                      "sizeof",
                                      "static",
                                      "static_assert",
                                      "static_cast",
                                      "struct",
                                      "switch",
                                      "template",
                                      "this",
                                      "thread_local",
                                      "throw",
                                      "topic",
                                      "true",
                                      "try",
                                      "type_digest",
                                      "type_id",
                                      "type_name",
                                      "typedef",
                                      "typeid",
                                      "typename",
                                      "union",
                                      "unsigned",
                                      "using",
                                      "virtual",
                                      "void",
                                      "volatile",
                                      "wchar_t",
                                      "while",
                                      "wire_alignment",
                                      "wire_dense",
                                      "wire_size",
                                      "xor",
                                      "xor_eq"};

std::string escape(std::string_view word, std::string_view also_taken = {}) {
  std::string out(word);
  // "topic" becomes "topic_"; so that it meets no other, "topic_" becomes "topic__".
  const auto stem = word.substr(0, word.find_last_not_of('_') + 1);
  if (stem == also_taken || std::find(std::begin(taken), std::end(taken), stem) != std::end(taken))
    out += '_';
  return out;
}

std::string real(double value, bool single) {
  const std::string type = single ? "float" : "double";
  if (std::isnan(value))
    return "std::numeric_limits<" + type + ">::quiet_NaN()";
  if (std::isinf(value))
    return (value < 0 ? "-std::numeric_limits<" : "std::numeric_limits<") + type + ">::infinity()";
  char text[40];
  const auto end = single ? std::to_chars(text, std::end(text), static_cast<float>(value)).ptr
                          : std::to_chars(text, std::end(text), value).ptr;
  std::string out(text, end);
  if (out.find_first_of(".e") == std::string::npos)
    out += ".0";
  return single ? out + "f" : out;
}

std::string integer(std::int64_t value, scalar number) {
  if (number == scalar::boolean)
    return value != 0 ? "true" : "false";
  if (number == scalar::uint64)
    return std::to_string(static_cast<std::uint64_t>(value)) + "u";
  if (value == std::numeric_limits<std::int64_t>::min()) // its digits alone are no number of any type
    return "-9223372036854775807 - 1";
  return std::to_string(value);
}

} // namespace

std::string cpp_space(const declared_name& name) {
  std::string out;
  for (std::string_view rest = name.space; !rest.empty();) {
    const auto dot = std::min(rest.find('.'), rest.size());
    out += (out.empty() ? "" : "::") + escape(rest.substr(0, dot));
    rest.remove_prefix(std::min(dot + 1, rest.size()));
  }
  return out;
}

std::string cpp_local(const declared_name& name) { return escape(name.local); }

std::string cpp_full(const declared_name& name) {
  const auto space = cpp_space(name);
  return "::" + (space.empty() ? "" : space + "::") + cpp_local(name);
}

std::string cpp_field(const field& field, const declared_name& holder) {
  return escape(field.name, holder.local); // a member cannot be named as its struct
}

std::string cpp_enum_value(const enum_value& value) { return escape(value.name); }

std::string cpp_scalar(scalar number) {
  static constexpr std::string_view names[] = {"bool",          "std::int8_t",  "std::uint8_t",  "std::int16_t",
                                               "std::uint16_t", "std::int32_t", "std::uint32_t", "std::int64_t",
                                               "std::uint64_t", "float",        "double"};
  return std::string(names[static_cast<std::size_t>(number)]);
}

std::string cpp_value(const model& model, const field_type& type) {
  switch (type.kind) {
  case value_kind::scalar:
    return type.index == no_index ? cpp_scalar(type.number) : cpp_full(model.enums[type.index].name);
  case value_kind::string:
    return "std::string";
  case value_kind::structure:
    return cpp_full(model.structs[type.index].name);
  case value_kind::table:
    return cpp_full(model.tables[type.index].name);
  case value_kind::union_value:
    break;
  }
  return cpp_full(model.unions[type.index].name);
}

std::string cpp_struct_member(const model& model, const field& field) {
  const auto value = cpp_value(model, field.type);
  const bool array = field.type.holds == container::array;
  return array ? "std::array<" + value + ", " + std::to_string(field.type.length) + ">" : value;
}

std::string cpp_table_member(const model& model, const field& field) {
  const auto value = cpp_value(model, field.type);
  if (field.type.holds == container::vector)
    return "std::vector<" + value + ">";
  if (field.recursive)
    return std::string(cpp_support) + "::box<" + value + ">";
  const bool may_be_absent = field.type.kind == value_kind::structure || field.type.kind == value_kind::table;
  return field.optional || (may_be_absent && !field.required) ? "std::optional<" + value + ">" : value;
}

std::string cpp_default(const model& model, const field& field) {
  const auto number = field.type.number;
  if (number == scalar::float32 || number == scalar::float64)
    return real(field.default_real, number == scalar::float32);
  if (field.type.index == no_index)
    return integer(field.default_integer, number);
  const auto& named = model.enums[field.type.index];
  for (const auto& value : named.values)
    if (value.value == field.default_integer)
      return cpp_full(named.name) + "::" + cpp_enum_value(value);
  return "static_cast<" + cpp_full(named.name) + ">(" + integer(field.default_integer, number) + ")";
}

std::string cpp_docs(const std::vector<std::string>& docs, std::string_view indent) {
  std::string out;
  for (auto line : docs) {
    // A backslash at the end would join the next line to the comment.
    while (!line.empty() && (line.back() == '\\' || line.back() == ' ' || line.back() == '\r' || line.back() == '\n'))
      line.pop_back();
    std::replace_if(
        line.begin(), line.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
    out += fill("$indent///$line\n", {{"indent", indent}, {"line", line}});
  }
  return out;
}

std::string cpp_digest(const schema::digest& digest) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < digest.size(); ++i) {
    out += i == 0 ? "0x" : i % 16 == 0 ? ",\n      0x" : ", 0x";
    out += digits[digest[i] >> 4];
    out += digits[digest[i] & 15];
  }
  return out;
}

} // namespace mycelium::schema_compiler
