// JSON written as a payload, in the canonical order of docs/schema.md: children depth first by ascending id, then the
// slots in the order of schema_compiler::table::writes.
#include "tools/json_payload/payload_json.hpp"
#include "tools/json_payload/scalars.hpp"

#include "schema/flat_reader.hpp"

#include <flatbuffers/flatbuffers.h>

#include <cstring>
#include <map>
#include <optional>

namespace mycelium::json_payload {
namespace {

using schema_compiler::container;
using schema_compiler::field;
using schema_compiler::field_type;
using schema_compiler::model;
using schema_compiler::structure;
using schema_compiler::table;
using schema_compiler::value_kind;
using written = flatbuffers::uoffset_t; // 0: nothing

// Where in the JSON value, for the words to a failure.
std::string below(const std::string& where, const std::string& name) {
  return where.empty() ? name : where + "." + name;
}
std::string at_index(const std::string& where, std::size_t i) { return where + "[" + std::to_string(i) + "]"; }

failure wrong(const std::string& where, const std::string& what) {
  return {status::invalid_argument, (where.empty() ? "" : where + ": ") + what};
}

template <class Fields>
failure unknown_key(const std::string& where, const std::string& key, const Fields& fields, const std::string& type) {
  std::string all;
  for (const auto& each : fields)
    all += (all.empty() ? "" : ", ") + each.name;
  return wrong(where, type + " has no field '" + key + "'; " + (all.empty() ? "it has none" : "there are: " + all));
}

class payload_writer {
public:
  explicit payload_writer(const model& of) : model_(of) {}

  result<std::vector<std::uint8_t>> write(const table& type, const json& value) {
    const auto root = write_table(type, value, "", 1);
    if (!root)
      return root.error();
    out_.Finish(flatbuffers::Offset<void>(*root));
    return std::vector<std::uint8_t>(out_.GetBufferPointer(), out_.GetBufferPointer() + out_.GetSize());
  }

private:
  // What a field refers to, written before its table, and what stands in the table itself.
  struct slot_value {
    written child = 0;
    std::uint8_t union_type = 0;
    std::optional<number> scalar;
    std::vector<std::uint8_t> structure;
  };

  static const json* find(const json& object, const std::string& key) {
    const auto found = object.find(key);
    return found == object.end() || found->is_null() ? nullptr : &*found;
  }

  result<written> write_table(const table& type, const json& value, const std::string& where, unsigned depth) {
    if (!value.is_object())
      return wrong(where, "a " + type.name.local + " is an object {...}");
    if (depth > flat1::max_depth)
      return wrong(where, "tables are nested deeper than " + std::to_string(flat1::max_depth));
    if (auto known = check_keys(type, value, where); !known)
      return known.error();
    std::vector<slot_value> slots(type.fields.size());
    for (std::size_t i = 0; i < slots.size(); ++i)
      if (auto prepared = prepare(type.fields[i], value, where, depth, slots[i]); !prepared)
        return prepared.error();
    const auto start = out_.StartTable();
    for (const auto& next : type.writes)
      add(type.fields[next.field], slots[next.field], next.union_type);
    return out_.EndTable(start);
  }

  static result<void> check_keys(const table& type, const json& value, const std::string& where) {
    for (const auto& item : value.items()) {
      const auto& key = item.key();
      const auto is_field = [&](const field& f) {
        return f.name == key || (f.type.kind == value_kind::union_value && f.name + "_type" == key);
      };
      if (std::ranges::none_of(type.fields, is_field))
        return unknown_key(where, key, type.fields, type.name.local);
    }
    return {};
  }

  result<void> prepare(const field& f, const json& holder, const std::string& where, unsigned depth, slot_value& out) {
    const auto place = below(where, f.name);
    const auto* value = find(holder, f.name);
    if (f.type.kind == value_kind::union_value)
      return prepare_union(f, holder, place, depth, out);
    if (value == nullptr)
      return f.required ? result<void>(wrong(place, "it is required")) : result<void>();
    if (f.type.holds == container::vector)
      return keep(write_vector(f, *value, place, depth), out.child);
    switch (f.type.kind) {
    case value_kind::scalar: {
      auto read = scalar_from_json(model_, f.type, *value);
      if (!read)
        return wrong(place, read.error().text);
      out.scalar = *read;
      return {};
    }
    case value_kind::structure:
      out.structure.resize(f.type.size);
      return fill_struct(model_.structs[f.type.index], *value, place, out.structure.data());
    case value_kind::string:
      return keep(write_string(*value, place, f.required), out.child);
    default:
      return keep(write_table(model_.tables[f.type.index], *value, place, depth + 1), out.child);
    }
  }

  static result<void> keep(result<written> made, written& out) {
    if (!made)
      return made.error();
    out = *made;
    return {};
  }

  result<void> prepare_union(const field& f, const json& holder, const std::string& place, unsigned depth,
                             slot_value& out) {
    const auto* kind = find(holder, f.name + "_type");
    const auto* value = find(holder, f.name);
    if (kind == nullptr && value == nullptr)
      return f.required ? result<void>(wrong(place, "it is required")) : result<void>();
    const auto& members = model_.unions[f.type.index].members;
    for (const auto& member : members)
      if (kind != nullptr && value != nullptr && *kind == member.name) {
        out.union_type = member.value;
        return keep(write_table(model_.tables[member.table], *value, place, depth + 1), out.child);
      }
    std::string all;
    for (const auto& each : members)
      all += (all.empty() ? "" : ", ") + each.name;
    return wrong(place, "a union needs its value and, in '" + f.name + "_type', one of " + all);
  }

  result<written> write_string(const json& value, const std::string& where, bool required) {
    if (!value.is_string())
      return wrong(where, value.dump() + " is no string");
    const auto& text = value.get_ref<const std::string&>();
    return text.empty() && !required ? written() : out_.CreateString(text).o;
  }

  result<written> write_vector(const field& f, const json& items, const std::string& where, unsigned depth) {
    if (!items.is_array())
      return wrong(where, "a vector is an array [...]");
    if (items.empty() && !f.required)
      return written();
    if (f.type.kind == value_kind::string || f.type.kind == value_kind::table)
      return write_offsets(f, items, where, depth);
    std::vector<std::uint8_t> raw(items.size() * f.type.size);
    for (std::size_t i = 0; i < items.size(); ++i)
      if (auto filled = fill_item(f.type, items[i], at_index(where, i), raw.data() + i * f.type.size); !filled)
        return filled.error();
    out_.StartVector(raw.size() / f.type.alignment, f.type.alignment);
    out_.PushBytes(raw.data(), raw.size());
    return out_.EndVector(items.size());
  }

  result<written> write_offsets(const field& f, const json& items, const std::string& where, unsigned depth) {
    std::vector<flatbuffers::Offset<void>> all;
    for (std::size_t i = 0; i < items.size(); ++i) {
      const auto place = at_index(where, i);
      const auto made = f.type.kind == value_kind::string
                            ? write_string(items[i], place, true)
                            : write_table(model_.tables[f.type.index], items[i], place, depth + 1);
      if (!made)
        return made.error();
      all.emplace_back(*made);
    }
    return out_.CreateVector(all).o;
  }

  result<void> fill_item(const field_type& type, const json& value, const std::string& where, std::uint8_t* to) {
    if (type.kind == value_kind::structure)
      return fill_struct(model_.structs[type.index], value, where, to);
    const auto read = scalar_from_json(model_, type, value);
    if (!read)
      return wrong(where, read.error().text);
    with_scalar(type.number, [&](auto kind) {
      const auto raw = static_cast<stored<decltype(kind)>>(read->as<decltype(kind)>());
      std::memcpy(to, &raw, sizeof raw);
    });
    return {};
  }

  // What is left out stays 0.
  result<void> fill_struct(const structure& type, const json& value, const std::string& where, std::uint8_t* to) {
    if (!value.is_object())
      return wrong(where, "a " + type.name.local + " is an object {...}");
    for (const auto& [key, each] : value.items()) {
      const auto f = std::ranges::find(type.fields, key, &field::name);
      if (f == type.fields.end())
        return unknown_key(where, key, type.fields, type.name.local);
      if (auto filled = fill_member(*f, each, below(where, key), to + f->slot); !filled)
        return filled;
    }
    return {};
  }

  result<void> fill_member(const field& f, const json& value, const std::string& where, std::uint8_t* to) {
    if (f.type.holds != container::array)
      return fill_item(f.type, value, where, to);
    if (!value.is_array() || value.size() != f.type.length)
      return wrong(where, "it is an array of " + std::to_string(f.type.length));
    for (std::size_t i = 0; i < value.size(); ++i)
      if (auto filled = fill_item(f.type, value[i], at_index(where, i), to + i * f.type.size); !filled)
        return filled;
    return {};
  }

  void add(const field& f, const slot_value& value, bool union_type) {
    if (union_type) {
      if (value.child != 0)
        out_.AddElement(static_cast<flatbuffers::voffset_t>(f.slot - 2), value.union_type, std::uint8_t{0});
    } else if (value.scalar) {
      add_number(f, *value.scalar);
    } else if (!value.structure.empty()) {
      out_.Align(f.type.alignment);
      out_.PushBytes(value.structure.data(), value.structure.size());
      out_.TrackField(f.slot, out_.GetSize());
    } else if (value.child != 0) {
      out_.AddOffset(f.slot, flatbuffers::Offset<void>(value.child));
    }
  }

  void add_number(const field& f, const number& value) {
    with_scalar(f.type.number, [&](auto kind) {
      using T = decltype(kind);
      const auto given = static_cast<stored<T>>(value.as<T>());
      if (f.optional)
        out_.AddElement(f.slot, given);
      else
        out_.AddElement(f.slot, given, static_cast<stored<T>>(number{f.default_integer, f.default_real}.as<T>()));
    });
  }

  const model& model_;
  flatbuffers::FlatBufferBuilder out_;
};

} // namespace

result<std::vector<std::uint8_t>> from_json(const model& model, const table& type, const json& value) {
  return payload_writer(model).write(type, value);
}

} // namespace mycelium::json_payload
