#include "schema/canonical.hpp"

#include <algorithm>
#include <bit>
#include <string_view>

namespace mycelium::schema {
namespace {

// FlatBuffers' own attributes: what they change of the format is said elsewhere in the form (id, default, alignment,
// ...), the others steer code generators. flatc keeps them in a .bfbs only when asked to.
bool is_built_in(std::string_view attribute) {
  static constexpr std::string_view names[] = {
      "bit_flags", "csharp_partial", "deprecated", "flexbuffer",        "force_align",    "hash",
      "id",        "idempotent",     "key",        "nested_flatbuffer", "original_order", "private",
      "required",  "shared",         "streaming"};
  return attribute.starts_with("cpp_") || attribute.starts_with("native_") ||
         std::find(std::begin(names), std::end(names), attribute) != std::end(names);
}

void append_quoted(std::string& out, std::string_view text) {
  static constexpr char digits[] = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\x";
      out += digits[byte >> 4];
      out += digits[byte & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

void append_attributes(std::string& out, const std::vector<attribute>& attributes, std::string_view indent) {
  for (const auto& each : attributes) {
    if (is_built_in(each.key))
      continue;
    out.append(indent).append("attribute ").append(each.key).append(" ");
    append_quoted(out, each.value);
    out += '\n';
  }
}

const char* scalar_name(base_type base) {
  static constexpr const char* names[] = {"",    "",     "bool", "byte",  "ubyte", "short", "ushort",
                                          "int", "uint", "long", "ulong", "float", "double"};
  return names[static_cast<std::size_t>(base)];
}

std::string item_text(const declarations& all, const type& type) {
  const auto item = type.item();
  const auto index = static_cast<std::size_t>(type.index);
  if (item == base_type::string)
    return "string";
  if (item == base_type::object)
    return (all.objects[index].is_struct ? "struct " : "table ") + all.objects[index].name;
  if (item == base_type::union_type)
    return "uniontype " + all.enums[index].name;
  if (item == base_type::union_value)
    return "union " + all.enums[index].name;
  return type.index < 0 ? scalar_name(item) : "enum " + all.enums[index].name;
}

// The bits of the double that holds the default as the field's type holds it; one NaN stands for all.
std::string real_text(const field& field) {
  const double value = field.type.base == base_type::float32
                           ? static_cast<double>(static_cast<float>(field.default_real))
                           : field.default_real;
  auto bits = value != value ? 0x7ff8000000000000u : std::bit_cast<std::uint64_t>(value);
  std::string out = "0x0000000000000000";
  for (std::size_t i = out.size(); bits != 0; bits >>= 4)
    out[--i] = "0123456789abcdef"[bits & 15];
  return out;
}

} // namespace

std::string type_text(const declarations& all, const type& type) {
  const auto item = item_text(all, type);
  if (type.base == base_type::vector)
    return "[" + item + "]";
  if (type.base == base_type::array)
    return "[" + item + ":" + std::to_string(type.length) + "]";
  return item;
}

std::string default_text(const field& field) {
  if (is_float(field.type.base))
    return real_text(field);
  if (field.type.base == base_type::uint64)
    return std::to_string(static_cast<std::uint64_t>(field.default_integer));
  return std::to_string(field.default_integer);
}

namespace {

void append_field(std::string& out, const declarations& all, const object& object, const field& field) {
  out += "  field " + std::to_string(field.id) + " " + field.name + " " + type_text(all, field.type);
  if (object.is_struct)
    out += " at " + std::to_string(field.slot);
  else if (is_scalar(field.type.base))
    out += field.optional ? " optional" : " default " + default_text(field);
  if (field.required)
    out += " required";
  if (field.key)
    out += " key";
  if (field.deprecated)
    out += " deprecated";
  out += '\n';
  append_attributes(out, field.attributes, "    ");
}

std::string object_text(const declarations& all, const object& object) {
  auto out = (object.is_struct ? "struct " : "table ") + object.name;
  if (object.is_struct)
    out += " size " + std::to_string(object.size) + " align " + std::to_string(object.alignment);
  out += '\n';
  append_attributes(out, object.attributes, "  ");
  for (const auto& field : object.fields)
    append_field(out, all, object, field);
  return out;
}

std::string enum_text(const declarations& all, const enumeration& each) {
  auto out = each.is_union ? "union " + each.name : "enum " + each.name + " " + scalar_name(each.underlying);
  out += '\n';
  append_attributes(out, each.attributes, "  ");
  for (const auto& value : each.values) {
    const bool is_unsigned = each.underlying == base_type::uint64;
    const auto number =
        is_unsigned ? std::to_string(static_cast<std::uint64_t>(value.value)) : std::to_string(value.value);
    out += (each.is_union ? "  member " : "  value ") + number + " " + value.name;
    if (value.member.base != base_type::none)
      out += " " + item_text(all, value.member);
    out += '\n';
  }
  return out;
}

// The declarations of a set in one row: objects, then enums.
class rows {
public:
  explicit rows(const declarations& all) : all_(all) {}

  std::size_t count() const { return all_.objects.size() + all_.enums.size(); }

  const std::string& name(std::size_t row) const {
    return row < all_.objects.size() ? all_.objects[row].name : all_.enums[row - all_.objects.size()].name;
  }

  // Calls visit(row) for every declaration that this one names.
  template <class Visit>
  void each_reference(std::size_t row, Visit visit) const {
    const auto refer = [&](const type& type) {
      if (type.index >= 0)
        visit(static_cast<std::size_t>(type.index) + (type.item() == base_type::object ? 0 : all_.objects.size()));
    };
    if (row < all_.objects.size()) {
      for (const auto& field : all_.objects[row].fields)
        refer(field.type);
    } else {
      for (const auto& value : all_.enums[row - all_.objects.size()].values)
        refer(value.member);
    }
  }

  std::string join(std::string head, std::vector<std::size_t> chosen, const std::vector<std::string>& texts) const {
    std::sort(chosen.begin(), chosen.end(), [&](std::size_t a, std::size_t b) { return name(a) < name(b); });
    for (const auto row : chosen)
      head += texts[row];
    return head;
  }

private:
  const declarations& all_;
};

} // namespace

std::vector<std::string> canonical_texts(const declarations& all) {
  std::vector<std::string> texts;
  for (const auto& each : all.objects)
    texts.push_back(object_text(all, each));
  for (const auto& each : all.enums)
    texts.push_back(enum_text(all, each));
  return texts;
}

std::string canonical_set(const declarations& all, const std::vector<std::string>& texts) {
  const rows rows(all);
  std::vector<std::size_t> chosen;
  for (std::size_t row = 0; row < rows.count(); ++row)
    chosen.push_back(row);
  return rows.join("mycelium schema 1\n", std::move(chosen), texts);
}

std::string canonical_type(const declarations& all, const std::vector<std::string>& texts, std::size_t root) {
  const rows rows(all);
  std::vector<bool> seen(rows.count());
  std::vector<std::size_t> chosen = {root};
  seen[root] = true;
  for (std::size_t next = 0; next < chosen.size(); ++next)
    rows.each_reference(chosen[next], [&](std::size_t row) {
      if (!seen[row]) {
        seen[row] = true;
        chosen.push_back(row);
      }
    });
  return rows.join("mycelium type 1 " + rows.name(root) + "\n", std::move(chosen), texts);
}

} // namespace mycelium::schema
