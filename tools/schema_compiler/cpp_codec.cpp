#include "tools/schema_compiler/cpp_codec.hpp"

#include "tools/schema_compiler/cpp_names.hpp"
#include "tools/schema_compiler/fill.hpp"

#include <algorithm>

namespace mycelium::schema_compiler {
namespace {

constexpr std::string_view table_functions = R"(
inline bool flat_read($support::reader& in, std::size_t start, $name& out) {
  $support::table_view table;
  if (!in.enter(start, table))
    return false;
$reads  in.leave();
  return true;
}

inline $support::written flat_write($support::builder& out, const $name& value) {
  static_cast<void>(value);
$children  const auto start = out.StartTable();
$writes  return out.EndTable(start);
}

inline std::span<const std::uint8_t> $name::encode($support::builder& flat_out) const {
  return $support::encode(flat_out, *this);
}

inline std::vector<std::uint8_t> $name::encode() const {
  return $support::encode(*this);
}

inline std::optional<$name> $name::decode(std::span<const std::uint8_t> flat_in, $support::flaw* flat_why) {
  return $support::decode<$name>(flat_in, flat_why);
}
)";

constexpr std::string_view union_functions = R"(
inline std::uint8_t flat_type_$name(const $name& value) {
  static constexpr std::uint8_t types[] = {$types};
  return types[value.index()];
}

inline bool flat_read_$name($support::reader& in, std::uint8_t type, std::size_t target, $name& out) {
  switch (type) {
$reads  default:
    return true;
  }
}

inline $support::written flat_write_$name($support::builder& out, const $name& value) {
  switch (value.index()) {
$writes  default:
    return {};
  }
}
)";

std::string truth(bool value) { return value ? "true" : "false"; }

// "::a::flat_read_Shape" for verb "read".
std::string union_function(const union_type& each, std::string_view verb) {
  const auto space = cpp_space(each.name);
  return "::" + (space.empty() ? "" : space + "::") + "flat_" + std::string(verb) + "_" + cpp_local(each.name);
}

bool stands_inline(const field& field) {
  return field.type.holds == container::one &&
         (field.type.kind == value_kind::scalar || field.type.kind == value_kind::structure);
}

std::string many_suffix(value_kind kind) {
  switch (kind) {
  case value_kind::scalar:
    return "numbers";
  case value_kind::string:
    return "strings";
  case value_kind::structure:
    return "structs";
  default:
    return "tables";
  }
}

std::string check(const std::string& call) { return "  if (!" + call + ")\n    return false;\n"; }

std::string read_field(const model& model, const field& field, const declared_name& holder) {
  const auto slot = std::to_string(field.slot);
  const auto name = cpp_field(field, holder);
  const auto required = truth(field.required);
  const auto call = [&](std::string_view pattern) {
    return check(fill(pattern, {{"support", cpp_support},
                                {"many", many_suffix(field.type.kind)},
                                {"type", cpp_value(model, field.type)},
                                {"slot", slot},
                                {"required", required},
                                {"name", name}}));
  };
  if (field.type.holds == container::vector)
    return call("$support::read_$many(in, table, $slot, $required, out.$name)");
  switch (field.type.kind) {
  case value_kind::scalar:
    return call("$support::read_number(in, table, $slot, out.$name)");
  case value_kind::string:
    return call("$support::read_string(in, table, $slot, $required, out.$name)");
  case value_kind::structure:
    return call("$support::read_struct<$type>(in, table, $slot, $required, out.$name)");
  case value_kind::table:
    return field.required && !field.recursive ? call("$support::read_required_table(in, table, $slot, out.$name)")
                                              : call("$support::read_table(in, table, $slot, $required, out.$name)");
  case value_kind::union_value:
    break;
  }
  return fill(R"(  {
    std::uint8_t type = 0;
    std::size_t target = 0;
    if (!in.locate_union(table, $slot, $required, type, target) || !$read(in, type, target, out.$name))
      return false;
  }
)",
              {{"slot", slot},
               {"required", required},
               {"read", union_function(model.unions[field.type.index], "read")},
               {"name", name}});
}

// What stands outside the table, written before it: "const auto child_2 = ...;".
std::string write_child(const model& model, const field& field, const declared_name& holder) {
  const auto name = "value." + cpp_field(field, holder);
  const auto child = "  const auto child_" + std::to_string(field.id) + " = ";
  const auto required = truth(field.required);
  const auto line = [&](std::string_view pattern) {
    return child +
           fill(pattern, {{"support", cpp_support},
                          {"many", many_suffix(field.type.kind)},
                          {"name", name},
                          {"required", required}}) +
           ";\n";
  };
  const auto demand = [&](const std::string& present) {
    return fill("  $support::require($present, \"$full.$field\");\n",
                {{"support", cpp_support}, {"present", present}, {"full", holder.full}, {"field", field.name}});
  };
  if (field.type.holds == container::vector)
    return line("$support::write_$many(out, $name, $required)");
  if (field.type.kind == value_kind::string)
    return line("$support::write_string(out, $name, $required)");
  if (field.type.kind == value_kind::union_value) {
    const auto write = union_function(model.unions[field.type.index], "write");
    return (field.required ? demand(name + ".index() != 0") : "") + child + write + "(out, " + name + ");\n";
  }
  if (field.required)
    return field.recursive ? demand(name + ".has_value()") + line("flat_write(out, *$name)")
                           : line("flat_write(out, $name)");
  return line("$name ? flat_write(out, *$name) : $support::written()");
}

std::string write_slot(const model& model, const table& table, const slot_write& write) {
  const auto& field = table.fields[write.field];
  const auto slot = std::to_string(field.slot);
  const auto name = "value." + cpp_field(field, table.name);
  if (write.union_type) {
    const auto type = union_function(model.unions[field.type.index], "type");
    return fill("  out.AddElement($slot, $type($name), std::uint8_t{0});\n",
                {{"slot", std::to_string(field.slot - 2)}, {"type", type}, {"name", name}});
  }
  if (!stands_inline(field))
    return fill("  out.AddOffset($slot, child_$id);\n", {{"slot", slot}, {"id", std::to_string(field.id)}});
  const bool number = field.type.kind == value_kind::scalar;
  const auto standard = number && !field.optional ? ", " + cpp_default(model, field) : "";
  return fill("  $support::add_$what(out, $slot, $name$standard);\n", {{"support", cpp_support},
                                                                       {"what", number ? "number" : "struct"},
                                                                       {"slot", slot},
                                                                       {"name", name},
                                                                       {"standard", standard}});
}

} // namespace

std::string cpp_struct_codec(const model& model, const structure& each) {
  std::string loads;
  std::string stores;
  for (const auto& field : each.fields) {
    const bool array = field.type.holds == container::array;
    const auto name = cpp_field(field, each.name) + (array ? "[i]" : "");
    const auto at = std::to_string(field.slot) + (array ? " + i * " + std::to_string(field.type.size) : "");
    const auto loop =
        array ? fill("  for (std::size_t i = 0; i < $length; ++i)\n  ", {{"length", std::to_string(field.type.length)}})
              : std::string();
    const bool number = field.type.kind == value_kind::scalar;
    const auto load =
        number ? "  out.$name = $support::load_number<$type>(from + $at);\n" : "  flat_load(from + $at, out.$name);\n";
    const auto store =
        number ? "  $support::store_number(value.$name, to + $at);\n" : "  flat_store(value.$name, to + $at);\n";
    const auto type = cpp_value(model, field.type);
    loads += loop + fill(load, {{"support", cpp_support}, {"type", type}, {"name", name}, {"at", at}});
    stores += loop + fill(store, {{"support", cpp_support}, {"name", name}, {"at", at}});
  }
  return fill(R"(
inline void flat_load(const std::uint8_t* from, $name& out) {
$loads}

inline void flat_store(const $name& value, std::uint8_t* to) {
$stores}
)",
              {{"name", cpp_local(each.name)}, {"loads", loads}, {"stores", stores}});
}

std::string cpp_union_codec_declaration(const union_type& each) {
  return fill(R"(std::uint8_t flat_type_$name(const $name& value);
bool flat_read_$name($support::reader& in, std::uint8_t type, std::size_t target, $name& out);
$support::written flat_write_$name($support::builder& out, const $name& value);
)",
              {{"name", cpp_local(each.name)}, {"support", cpp_support}});
}

std::string cpp_table_codec_declaration(const table& each) {
  return fill(R"(bool flat_read($support::reader& in, std::size_t start, $name& out);
$support::written flat_write($support::builder& out, const $name& value);
)",
              {{"name", cpp_local(each.name)}, {"support", cpp_support}});
}

std::string cpp_union_codec(const union_type& each) {
  std::string types = "0";
  std::string reads;
  std::string writes;
  for (std::size_t i = 0; i < each.members.size(); ++i) {
    const auto& member = each.members[i];
    const auto index = std::to_string(i + 1);
    const auto value = std::to_string(member.value);
    types += ", " + value;
    const auto read = member.recursive
                          ? "  case $value:\n    return flat_read(in, target, out.emplace<$index>().emplace());\n"
                          : "  case $value:\n    return flat_read(in, target, out.emplace<$index>());\n";
    const auto write = member.recursive
                           ? "  case $index:\n    $support::require(std::get<$index>(value).has_value(), \"$full\");\n"
                             "    return flat_write(out, *std::get<$index>(value));\n"
                           : "  case $index:\n    return flat_write(out, std::get<$index>(value));\n";
    reads += fill(read, {{"value", value}, {"index", index}});
    writes += fill(write, {{"support", cpp_support}, {"index", index}, {"full", each.name.full + "." + member.name}});
  }
  return fill(union_functions, {{"name", cpp_local(each.name)},
                                {"support", cpp_support},
                                {"types", types},
                                {"reads", reads},
                                {"writes", writes}});
}

std::string cpp_table_codec(const model& model, const table& each) {
  std::string reads;
  std::string children;
  std::string writes;
  for (const auto& field : each.fields) {
    reads += read_field(model, field, each.name);
    if (!stands_inline(field))
      children += write_child(model, field, each.name);
  }
  for (const auto& write : each.writes)
    writes += write_slot(model, each, write);
  if (each.fields.empty())
    reads = "  static_cast<void>(out);\n";
  return fill(table_functions, {{"name", cpp_local(each.name)},
                                {"support", cpp_support},
                                {"reads", reads},
                                {"children", children},
                                {"writes", writes}});
}

} // namespace mycelium::schema_compiler
