#include "tools/schema_compiler/ocaml_codec.hpp"

#include "tools/schema_compiler/fill.hpp"
#include "tools/schema_compiler/ocaml_text.hpp"

#include <algorithm>
#include <set>

namespace mycelium::schema_compiler {
namespace {

std::string truth(bool value) { return value ? "true" : "false"; }
std::string at(std::uint32_t offset) { return offset == 0 ? "at" : "(at + " + std::to_string(offset) + ")"; }

// Writes the expressions of one record's codec.
class codec {
public:
  codec(const model& model, const ocaml_names& names, const declared_name& holder)
      : model_(model), names_(names), holder_(holder) {}

  std::string load(const field& field) const;
  std::string store(const field& field, const std::string& label) const;
  std::string read(const field& field) const;
  std::string write_child(const field& field, const std::string& label) const;
  std::string write_slot(const field& field, bool union_type, const std::string& label) const;

private:
  // "Colour.of_int (x)" for an enum that is a variant, else x. call is a function with its arguments.
  std::string held(const field_type& type, const std::string& call) const {
    return is_variant(type) ? conversion(type, "of_") + " (" + call + ")" : call;
  }
  // As an argument: "(Colour.to_int v.colour)".
  std::string raw(const field_type& type, const std::string& held) const {
    return is_variant(type) ? "(" + conversion(type, "to_") + " " + held + ")" : held;
  }
  std::string raw_option(const field_type& type, const std::string& held) const {
    return is_variant(type) ? "(Flat.map " + conversion(type, "to_") + " " + held + ")" : held;
  }
  bool is_variant(const field_type& type) const {
    return type.kind == value_kind::scalar && type.index != no_index && !model_.enums[type.index].bit_flags;
  }
  std::string conversion(const field_type& type, const char* way) const {
    return names_.enums[type.index] + "." + way + (is_wide(type.number) ? "int64" : "int");
  }

  // Functions that read or store one value where it stands inline.
  std::string loader(const field_type& type) const {
    if (type.kind == value_kind::structure)
      return names_.structs[type.index] + ".load";
    const auto get = "Flat.get_" + ocaml_number(type.number);
    return is_variant(type) ? "(fun r at -> " + held(type, get + " r at") + ")" : get;
  }
  std::string storer(const field& field) const {
    if (field.type.kind == value_kind::structure)
      return names_.structs[field.type.index] + ".store";
    return "(fun bytes at value -> Flat.store_" + ocaml_number(field.type.number) + " bytes at " + full_name(field) +
           " " + raw(field.type, "value") + ")";
  }

  std::string full_name(const field& field) const { return ocaml_string(holder_.full + "." + field.name); }
  static std::string layout(const field_type& type) {
    return std::to_string(type.size) + " " + std::to_string(type.alignment);
  }
  std::string vector_function(const field& field, const std::string& way) const;

  const model& model_;
  const ocaml_names& names_;
  const declared_name& holder_;
};

bool is_bytes(const field_type& type) { return is_bigarray(type) && type.number == scalar::uint8; }

std::string codec::load(const field& field) const {
  const auto& type = field.type;
  const auto where = at(field.slot);
  const auto length = std::to_string(type.length);
  if (type.holds == container::array)
    return is_bytes(type)
               ? "Flat.load_bytes " + length + " r " + where
               : "Flat.load_array " + loader(type) + " " + std::to_string(type.size) + " " + length + " r " + where;
  if (type.kind == value_kind::structure)
    return loader(type) + " r " + where;
  return held(type, "Flat.get_" + ocaml_number(type.number) + " r " + where);
}

std::string codec::store(const field& field, const std::string& label) const {
  const auto& type = field.type;
  const auto where = at(field.slot);
  const auto length = std::to_string(type.length);
  if (type.holds == container::array)
    return (is_bytes(type) ? "Flat.store_bytes " + length
                           : "Flat.store_array " + storer(field) + " " + std::to_string(type.size) + " " + length) +
           " bytes " + where + " " + full_name(field) + " v." + label;
  if (type.kind == value_kind::structure)
    return storer(field) + " bytes " + where + " v." + label;
  return "Flat.store_" + ocaml_number(type.number) + " bytes " + where + " " + full_name(field) + " " +
         raw(type, "v." + label);
}

// "Flat.read_offsets Node.read" or, for way "write", "Flat.write_offsets Node.write".
std::string codec::vector_function(const field& field, const std::string& way) const {
  const auto& type = field.type;
  const auto function = "Flat." + way + "_";
  if (is_bigarray(type))
    return function + ocaml_vector(type.number);
  if (type.kind == value_kind::string)
    return function + "strings";
  if (type.kind == value_kind::table)
    return function + "offsets " + names_.tables[type.index] + "." + way;
  return function + "array " + (way == "read" ? loader(type) : storer(field)) + " " + layout(type);
}

std::string codec::read(const field& field) const {
  const auto& type = field.type;
  const auto place = " r table " + std::to_string(field.slot);
  const auto required = " " + truth(field.required);
  if (type.holds == container::vector)
    return vector_function(field, "read") + place + required;
  switch (type.kind) {
  case value_kind::scalar:
    if (field.optional) {
      const auto call =
          "Flat.read_option Flat.get_" + ocaml_number(type.number) + " " + std::to_string(type.size) + place;
      return is_variant(type) ? "Flat.map " + conversion(type, "of_") + " (" + call + ")" : call;
    }
    return held(type, "Flat.read_" + ocaml_number(type.number) + place + " " + ocaml_raw_default(field));
  case value_kind::string:
    return "Flat.read_string" + place + required;
  case value_kind::structure:
    return std::string("Flat.read_") + (field.required ? "required_struct " : "struct ") + loader(type) + " " +
           layout(type) + place;
  case value_kind::table:
    return std::string("Flat.read_") + (field.required ? "required_table " : "table ") + names_.tables[type.index] +
           ".read" + place;
  case value_kind::union_value:
    break;
  }
  return "Flat.read_union " + names_.unions[type.index] + ".read" + place + required;
}

std::string codec::write_child(const field& field, const std::string& label) const {
  const auto& type = field.type;
  const auto value = " v." + label;
  const auto required = " " + truth(field.required);
  if (type.kind == value_kind::string)
    return std::string("Flat.write_string") + (type.holds == container::vector ? "s b " : " b ") + full_name(field) +
           value + required;
  if (type.holds == container::vector)
    return vector_function(field, "write") + " b" + value + required;
  if (type.kind == value_kind::table)
    return field.required ? names_.tables[type.index] + ".write b" + value
                          : "Flat.write_option " + names_.tables[type.index] + ".write b" + value;
  const auto write = names_.unions[type.index] + ".write b";
  return field.required ? "Flat.write_required " + write + " " + full_name(field) + value
                        : "Flat.write_option " + write + value;
}

std::string codec::write_slot(const field& field, bool union_type, const std::string& label) const {
  const auto& type = field.type;
  const auto id = std::to_string(field.id);
  if (union_type)
    return "Flat.add_uint8 b " + std::to_string(field.id - 1) + " \"\" (Flat.union_type " + names_.unions[type.index] +
           ".number v." + label + ") 0";
  const bool one = type.holds == container::one;
  if (one && type.kind == value_kind::structure)
    return std::string("Flat.add_struct") + (field.required ? " " : "_option ") + storer(field) + " " + layout(type) +
           " b " + id + " v." + label;
  if (!one || type.kind != value_kind::scalar)
    return "Flat.add_offset b " + id + " child_" + id;
  const auto number = ocaml_number(type.number);
  if (field.optional)
    return "Flat.add_option Flat.store_" + number + " " + std::to_string(type.size) + " b " + id + " " +
           full_name(field) + " " + raw_option(type, "v." + label);
  return "Flat.add_" + number + " b " + id + " " + full_name(field) + " " + raw(type, "v." + label) + " " +
         ocaml_raw_default(field);
}

bool stands_inline(const field& field) {
  return field.type.holds == container::one &&
         (field.type.kind == value_kind::scalar || field.type.kind == value_kind::structure);
}

} // namespace

std::string ocaml_enum_codec(const enumeration& each, const std::vector<std::string>& constructors) {
  if (each.bit_flags)
    return "";
  const std::string type = is_wide(each.underlying) ? "int64" : "int";
  std::string to = "  let to_" + type + " = function\n";
  std::string of = "  let of_" + type + " = function\n";
  std::set<std::int64_t> seen;
  for (std::size_t i = 0; i < each.values.size(); ++i) {
    const auto number = ocaml_integer(each.underlying, each.values[i].value);
    to += "    | " + constructors[i] + " -> " + number + "\n";
    if (seen.insert(each.values[i].value).second)
      of += "    | " + number + " -> " + constructors[i] + "\n";
  }
  return to + "    | Unknown number -> number\n\n" + of + "    | number -> Unknown number\n";
}

std::string ocaml_struct_codec(const model& model, const ocaml_names& names, std::size_t which) {
  const auto& each = model.structs[which];
  const codec write(model, names, each.name);
  std::string loads;
  std::string stores;
  for (std::size_t i = 0; i < each.fields.size(); ++i) {
    const auto& label = names.struct_fields[which][i];
    loads += "      " + label + " = " + write.load(each.fields[i]) + ";\n";
    stores += (i == 0 ? "    " : ";\n    ") + write.store(each.fields[i], label);
  }
  return "  let load r at : t =\n    {\n" + loads + "    }\n\n  let store bytes at (v : t) =\n" + stores + "\n";
}

std::string ocaml_union_codec(const model& model, const ocaml_names& names, std::size_t which) {
  const auto& each = model.unions[which];
  if (each.members.empty())
    return "  let write _ (v : t) = match v with _ -> .\n  let number (v : t) = match v with _ -> .\n"
           "  let read _ _ _ = Flat.none\n";
  std::string writes = "  let write b = function\n";
  std::string numbers = "  let number = function\n";
  std::string reads = "  let read r number at =\n    match number with\n";
  for (std::size_t i = 0; i < each.members.size(); ++i) {
    const auto& member = each.members[i];
    const auto& constructor = names.union_members[which][i];
    const auto& table = names.tables[member.table];
    const auto value = std::to_string(member.value);
    writes += "    | " + constructor + " v -> " + table + ".write b v\n";
    numbers += "    | " + constructor + " _ -> " + value + "\n";
    reads += "    | " + value + " -> Flat.some (" + constructor + " (" + table + ".read r at))\n";
  }
  return writes + "\n" + numbers + "\n" + reads + "    | _ -> Flat.none\n";
}

std::string ocaml_table_codec(const model& model, const ocaml_names& names, std::size_t which) {
  const auto& each = model.tables[which];
  const auto& labels = names.table_fields[which];
  const codec write(model, names, each.name);
  std::string children;
  std::string slots;
  std::string reads;
  std::vector<std::string> record;
  unsigned count = 0;
  for (std::size_t i = 0; i < each.fields.size(); ++i) {
    const auto& field = each.fields[i];
    const auto id = std::to_string(field.id);
    count = std::max(count, field.id + 1u);
    if (!stands_inline(field))
      children += "    let child_" + id + " = " + write.write_child(field, labels[i]) + " in\n";
    reads += "    let field_" + id + " = " + write.read(field) + " in\n";
    record.push_back(labels[i] + " = field_" + id);
  }
  for (const auto& slot : each.writes)
    slots += "    " + write.write_slot(each.fields[slot.field], slot.union_type, labels[slot.field]) + ";\n";
  return fill(R"(  let write b ($v : t) =
    Flat.deeper b;
$children    Flat.start_table b $count;
$slots    Flat.end_table b $count

  let read r at : t =
    let $table = Flat.enter_table r at in
$reads    Flat.leave r;
    $record
)",
              {{"v", each.fields.empty() ? "()" : "v"},
               {"children", children},
               {"count", std::to_string(count)},
               {"slots", slots},
               {"table", each.fields.empty() ? "_" : "table"},
               {"reads", reads},
               {"record", ocaml_record(record, "    ")}});
}

} // namespace mycelium::schema_compiler
