#include "tools/schema_compiler/ocaml_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace mycelium::schema_compiler {
namespace {

bool is_real(scalar number) { return number >= scalar::float32; }
bool is_plain(const field_type& type) { return type.kind == value_kind::scalar && type.index == no_index; }

std::string real(double value) {
  if (std::isnan(value))
    return "nan";
  if (std::isinf(value))
    return value > 0 ? "infinity" : "neg_infinity";
  std::array<char, 64> text{};
  std::string out(text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr);
  if (out.find_first_of(".e") == std::string::npos)
    out += ".";
  return out[0] == '-' ? "(" + out + ")" : out;
}

// The type of one value, without array or option.
std::string value_type(const ocaml_names& names, const field_type& type) {
  switch (type.kind) {
  case value_kind::scalar:
    if (type.index != no_index)
      return names.enums[type.index] + ".t";
    return type.number == scalar::boolean ? "bool"
           : is_real(type.number)         ? "float"
           : is_wide(type.number)         ? "int64"
                                          : "int";
  case value_kind::string:
    return "string";
  case value_kind::structure:
    return names.structs[type.index] + ".t";
  case value_kind::table:
    return names.tables[type.index] + ".t";
  case value_kind::union_value:
    break;
  }
  return names.unions[type.index] + ".t";
}

// A union is optional even where it is required: it may hold a member that a newer schema added.
bool may_be_absent(const field& field) {
  const auto kind = field.type.kind;
  if (kind == value_kind::scalar)
    return field.optional;
  return kind == value_kind::union_value || (kind != value_kind::string && !field.required);
}

// A scalar of the schema, given as it would stand in a payload, as a record holds it.
std::string held_scalar(const model& model, const ocaml_names& names, const field_type& type, const std::string& raw) {
  if (type.index == no_index || model.enums[type.index].bit_flags)
    return raw;
  const auto& named = model.enums[type.index];
  for (std::size_t i = 0; i < named.values.size(); ++i)
    if (ocaml_integer(type.number, named.values[i].value) == raw)
      return names.enums[type.index] + "." + names.enum_values[type.index][i];
  return "(" + names.enums[type.index] + ".Unknown " + raw + ")";
}

std::string zero(scalar number) {
  return number == scalar::boolean ? "false" : is_real(number) ? "0." : is_wide(number) ? "0L" : "0";
}

std::string initial_member(const model& model, const ocaml_names& names, const field_type& type) {
  const auto one = type.kind == value_kind::structure ? names.structs[type.index] + ".default"
                                                      : held_scalar(model, names, type, zero(type.number));
  if (type.holds != container::array)
    return one;
  const auto length = std::to_string(type.length);
  return is_plain(type) && type.number == scalar::uint8 ? "Flat.zeros " + length : "Flat.repeat " + length + " " + one;
}

// The tables that a default is being made of, the outermost first.
using path = std::vector<std::size_t>;

std::string table_default(const model& model, const ocaml_names& names, std::size_t which, path& inside);

std::string initial_field(const model& model, const ocaml_names& names, const field& field, path& inside) {
  if (field.type.holds == container::vector)
    return is_bigarray(field.type) ? "Flat.empty_" + ocaml_vector(field.type.number) : "[||]";
  if (may_be_absent(field))
    return "Flat.none";
  if (field.type.kind == value_kind::scalar)
    return held_scalar(model, names, field.type, ocaml_raw_default(field));
  if (field.type.kind == value_kind::string)
    return "\"\"";
  return field.type.kind == value_kind::structure ? names.structs[field.type.index] + ".default"
                                                  : table_default(model, names, field.type.index, inside);
}

std::string table_default(const model& model, const ocaml_names& names, std::size_t which, path& inside) {
  const auto depth = std::string(2 * inside.size() + 4, ' ');
  if (std::find(inside.begin(), inside.end(), which) != inside.end())
    return "";
  const auto& fields = model.tables[which].fields;
  const std::string module = inside.empty() ? "" : names.tables[which] + ".";
  inside.push_back(which);
  std::vector<std::string> items;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const auto value = initial_field(model, names, fields[i], inside);
    if (value.empty())
      return "";
    items.push_back((i == 0 ? module : "") + names.table_fields[which][i] + " = " + value);
  }
  inside.pop_back();
  return ocaml_record(items, depth);
}

std::string escaped(std::string_view bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      out += {'\\', c};
    else if (byte >= 0x20 && byte < 0x7f)
      out += c;
    else
      out += {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
  }
  return out;
}

// One text of the lines, as odoc reads it: what would be markup is escaped.
std::string odoc(const std::vector<std::string>& docs, std::string_view indent) {
  std::string out;
  for (const auto& line : docs) {
    if (!out.empty())
      out += "\n" + std::string(indent) + "    ";
    for (const char c : line.starts_with(' ') ? line.substr(1) : line) {
      if (std::string_view("{}[]@\\").find(c) != std::string_view::npos)
        out += '\\';
      out += c == '\r' || c == '\n' ? ' ' : c;
    }
  }
  return out;
}

// OCaml reads strings and comments inside comments, too: text that holds half of one stands in an attribute.
bool fits_comment(std::string_view text) {
  return text.find_first_of("\"|") == std::string_view::npos && text.find("(*") == std::string_view::npos &&
         text.find("*)") == std::string_view::npos;
}

} // namespace

std::string ocaml_number(scalar number) {
  static constexpr std::array<const char*, 11> names{"bool",   "int8",  "uint8", "int16",   "uint16", "int32",
                                                     "uint32", "int64", "int64", "float32", "float64"};
  return names[static_cast<std::size_t>(number)];
}

bool is_wide(scalar number) { return number == scalar::int64 || number == scalar::uint64; }

bool is_bigarray(const field_type& type) { return is_plain(type) && type.number != scalar::boolean; }

std::string ocaml_vector(scalar number) {
  return number == scalar::uint32 ? "int32s" : ocaml_number(number) + "s"; // no Bigarray has unsigned 32 bits
}

std::string ocaml_struct_field(const ocaml_names& names, const field& field) {
  const auto& type = field.type;
  if (type.holds == container::one)
    return value_type(names, type);
  return is_plain(type) && type.number == scalar::uint8 ? "string" : value_type(names, type) + " array";
}

std::string ocaml_table_field(const ocaml_names& names, const field& field) {
  if (field.type.holds == container::vector)
    return is_bigarray(field.type) ? ocaml_vector(field.type.number) : value_type(names, field.type) + " array";
  return value_type(names, field.type) + (may_be_absent(field) ? " option" : "");
}

std::string ocaml_integer(scalar number, std::int64_t value) {
  if (number == scalar::boolean)
    return value != 0 ? "true" : "false";
  const auto text = std::to_string(value) + (is_wide(number) ? "L" : "");
  return value < 0 ? "(" + text + ")" : text;
}

std::string ocaml_raw_default(const field& field) {
  return is_real(field.type.number) ? real(field.default_real)
                                    : ocaml_integer(field.type.number, field.default_integer);
}

std::string ocaml_record(const std::vector<std::string>& items, std::string_view indent) {
  if (items.empty())
    return "()";
  std::string line;
  std::string lines;
  for (const auto& item : items) {
    line += (line.empty() ? "{ " : "; ") + item;
    lines += std::string(indent) + "  " + item + ";\n";
  }
  return line.size() < 100 ? line + " }" : "{\n" + lines + std::string(indent) + "}";
}

std::string ocaml_struct_default(const model& model, const ocaml_names& names, std::size_t which) {
  const auto& fields = model.structs[which].fields;
  std::string out;
  for (std::size_t i = 0; i < fields.size(); ++i)
    out +=
        (i == 0 ? "{ " : "; ") + names.struct_fields[which][i] + " = " + initial_member(model, names, fields[i].type);
  return out + " }";
}

std::string ocaml_table_default(const model& model, const ocaml_names& names, std::size_t which) {
  path inside;
  return table_default(model, names, which, inside);
}

std::string ocaml_string(std::string_view bytes) { return "\"" + escaped(bytes) + "\""; }

std::string ocaml_bytes(schema::bytes bytes) {
  static constexpr std::size_t line = 32;
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.size() <= line)
    return ocaml_string(text);
  std::string out = "\"";
  for (std::size_t at = 0; at < text.size(); at += line) {
    const auto part = escaped(text.substr(at, line));
    // Blanks at the start of a continued line are left out.
    out += "\\\n     " + (part.starts_with(' ') ? "\\x20" + part.substr(1) : part);
  }
  return out + "\"";
}

std::string ocaml_digest(const schema::digest& digest) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out = "\"";
  for (std::size_t i = 0; i < digest.size(); ++i) {
    out += i % 16 == 0 ? "\\\n     \\x" : "\\x";
    out += {digits[digest[i] >> 4], digits[digest[i] & 15]};
  }
  return out + "\"";
}

std::string ocaml_comment(const std::vector<std::string>& docs, std::string_view indent) {
  const auto text = odoc(docs, indent);
  return text.empty() || !fits_comment(text) ? "" : std::string(indent) + "(** " + text + " *)\n";
}

std::string ocaml_attribute(const std::vector<std::string>& docs) {
  const auto text = odoc(docs, "");
  return fits_comment(text) ? "" : " [@@ocaml.doc " + ocaml_string(text) + "]";
}

std::string ocaml_part(const std::string& part, std::string_view end, const std::vector<std::string>& docs) {
  const auto text = odoc(docs, "    ");
  if (text.empty())
    return "    " + part + std::string(end) + "\n";
  return fits_comment(text) ? "    " + part + std::string(end) + "  (** " + text + " *)\n"
                            : "    " + part + " [@ocaml.doc " + ocaml_string(text) + "]" + std::string(end) + "\n";
}

} // namespace mycelium::schema_compiler
