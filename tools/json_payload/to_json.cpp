// A payload read into JSON. Like the schema compiler's generated readers it checks what it touches.
#include "tools/json_payload/payload_json.hpp"
#include "tools/json_payload/scalars.hpp"

#include "schema/flat_reader.hpp"

#include <cstring>

namespace mycelium::json_payload {
namespace {

using schema_compiler::container;
using schema_compiler::field;
using schema_compiler::field_type;
using schema_compiler::model;
using schema_compiler::structure;
using schema_compiler::table;
using schema_compiler::value_kind;

class payload_reader {
public:
  payload_reader(const model& of, schema::bytes payload) : model_(of), in_(payload) {}

  result<json> read(const table& type) {
    json out;
    std::size_t start = 0;
    if (in_.root(start) && read_table(type, start, out))
      return out;
    return failure{status::invalid_payload, "no valid " + type.name.local + ": byte " +
                                                std::to_string(in_.found().offset) + ": " + in_.found().what};
  }

private:
  bool read_table(const table& type, std::size_t start, json& out) {
    flat1::table_view view;
    if (!in_.enter(start, view))
      return false;
    out = json::object();
    for (const auto& each : type.fields)
      if (!read_field(each, view, out))
        return false;
    in_.leave();
    return true;
  }

  bool read_field(const field& f, const flat1::table_view& view, json& out) {
    if (f.type.holds == container::vector)
      return read_vector(f, view, out);
    switch (f.type.kind) {
    case value_kind::scalar:
      return read_number(f, view, out);
    case value_kind::structure:
      return read_struct(f, view, out);
    case value_kind::union_value:
      return read_union(f, view, out);
    case value_kind::string:
    case value_kind::table:
      break;
    }
    std::size_t target = 0;
    if (!in_.locate_target(view, f.slot, f.required, target))
      return false;
    if (f.type.kind == value_kind::table)
      return target == 0 || read_table(model_.tables[f.type.index], target, out[f.name]);
    return read_string(target, out[f.name]);
  }

  bool read_number(const field& f, const flat1::table_view& view, json& out) {
    std::size_t where = 0;
    if (!in_.locate(view, f.slot, f.type.size, f.type.alignment, where))
      return false;
    if (where != 0)
      out[f.name] = scalar_to_json(model_, f.type, load(f.type, in_.at(where)));
    else if (!f.optional)
      out[f.name] = scalar_to_json(model_, f.type, {f.default_integer, f.default_real});
    return true;
  }

  bool read_string(std::size_t start, json& out) {
    flat1::vector_view text;
    if (start == 0) {
      out = "";
      return true;
    }
    if (!in_.string(start, text))
      return false;
    out = std::string(reinterpret_cast<const char*>(in_.at(text.first)), text.count);
    return true;
  }

  bool read_struct(const field& f, const flat1::table_view& view, json& out) {
    std::size_t where = 0;
    if (!in_.locate(view, f.slot, f.type.size, f.type.alignment, where))
      return false;
    if (where == 0)
      return !f.required || in_.fail("required field is missing", view.start);
    out[f.name] = struct_at(model_.structs[f.type.index], in_.at(where));
    return true;
  }

  bool read_union(const field& f, const flat1::table_view& view, json& out) {
    std::uint8_t type = 0;
    std::size_t target = 0;
    if (!in_.locate_union(view, f.slot, f.required, type, target))
      return false;
    for (const auto& member : model_.unions[f.type.index].members)
      if (type != 0 && member.value == type) {
        out[f.name + "_type"] = member.name;
        return read_table(model_.tables[member.table], target, out[f.name]);
      }
    return true; // none, or one of a newer schema
  }

  bool read_vector(const field& f, const flat1::table_view& view, json& out) {
    std::size_t target = 0;
    if (!in_.locate_target(view, f.slot, f.required, target))
      return false;
    auto& items = out[f.name] = json::array();
    if (target == 0)
      return true;
    if (f.type.kind == value_kind::string || f.type.kind == value_kind::table)
      return in_.targets(target, [&](std::size_t start) {
        items.emplace_back();
        return f.type.kind == value_kind::string ? read_string(start, items.back())
                                                 : read_table(model_.tables[f.type.index], start, items.back());
      });
    flat1::vector_view vector;
    if (!in_.elements(target, f.type.size, f.type.alignment, vector))
      return false;
    for (std::size_t i = 0; i < vector.count; ++i)
      items.push_back(item_at(f.type, in_.at(vector.first + i * f.type.size)));
    return true;
  }

  // Inside structs and vectors everything is where it has to be by now.
  json item_at(const field_type& type, const std::uint8_t* from) const {
    if (type.kind == value_kind::structure)
      return struct_at(model_.structs[type.index], from);
    return scalar_to_json(model_, type, load(type, from));
  }

  json struct_at(const structure& type, const std::uint8_t* from) const {
    auto out = json::object();
    for (const auto& f : type.fields) {
      const auto* at = from + f.slot;
      if (f.type.holds != container::array) {
        out[f.name] = item_at(f.type, at);
        continue;
      }
      auto& items = out[f.name] = json::array();
      for (std::uint32_t i = 0; i < f.type.length; ++i)
        items.push_back(item_at(f.type, at + std::size_t{i} * f.type.size));
    }
    return out;
  }

  static number load(const field_type& type, const std::uint8_t* from) {
    return with_scalar(type.number, [&](auto kind) {
      stored<decltype(kind)> raw;
      std::memcpy(&raw, from, sizeof raw);
      return number_of(raw);
    });
  }

  const model& model_;
  flat1::reader in_;
};

} // namespace

result<json> to_json(const model& model, const table& type, schema::bytes payload) {
  return payload_reader(model, payload).read(type);
}

result<json> parse(std::string_view text) {
  try {
    return json::parse(text);
  } catch (const json::parse_error& error) {
    std::string words = error.what(); // "[json.exception.parse_error.101] parse error at line 1, column 2: ..."
    if (const auto end = words.find("] "); end != std::string::npos)
      words = words.substr(end + 2);
    return failure{status::invalid_argument, "no JSON: " + words};
  }
}

} // namespace mycelium::json_payload
