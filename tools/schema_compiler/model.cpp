#include "tools/schema_compiler/model.hpp"

#include "schema/messages.hpp"
#include "tools/schema_compiler/order.hpp"

#include <algorithm>

namespace mycelium::schema_compiler {
namespace {

using schema::base_type;

declared_name split(const std::string& full) {
  const auto dot = full.rfind('.');
  if (dot == std::string::npos)
    return {"", full, full};
  return {full.substr(0, dot), full.substr(dot + 1), full};
}

scalar scalar_of(base_type base) {
  return static_cast<scalar>(static_cast<int>(base) - static_cast<int>(base_type::boolean));
}

failure unsupported(const std::string& what) { return {status::unsupported, what}; }

// Turns declarations, which refer to each other by their place there, into a model, which has a row for each kind.
class builder {
public:
  builder(const schema::declarations& all, const schema::messages& messages) : all_(all), messages_(messages) {}

  result<model> build(std::string name) {
    if (auto wrong = check(); !wrong)
      return wrong.error();
    out_.name = std::move(name);
    out_.set_digest = messages_.set_digest;
    place();
    for (const auto& each : all_.enums)
      each.is_union ? add_union(each) : add_enum(each);
    for (const auto i : structs_)
      add_struct(all_.objects[i]);
    for (const auto i : tables_)
      add_table(i);
    for (const auto& each : messages_.tables)
      out_.messages.push_back(objects_[each.object]);
    return std::move(out_);
  }

private:
  // Offsets in a table are 16 bits: FlatBuffers' builder would write nonsense once it is full.
  result<void> check_size(const schema::object& table) const {
    std::size_t size = 4;
    for (const auto& field : table.fields) {
      const bool is_struct = field.type.base == base_type::object && !is_table(field.type);
      const auto* structure = is_struct ? &all_.objects[static_cast<std::size_t>(field.type.index)] : nullptr;
      size += structure ? structure->size + structure->alignment : schema::size_of(field.type.base);
    }
    if (!table.is_struct && size > 65535)
      return unsupported(table.name + ": its fields need more than 65535 bytes; put some into tables of their own");
    return {};
  }

  result<void> check() const {
    for (const auto& object : all_.objects)
      if (auto fits = check_size(object); !fits)
        return fits;
    for (const auto& object : all_.objects)
      for (const auto& field : object.fields)
        if (!field.deprecated && field.type.base == base_type::vector && field.type.element == base_type::union_value)
          return unsupported(object.name + "." + field.name +
                             ": a vector of unions is not supported; make it a vector of tables that hold the union");
    for (const auto& each : all_.enums)
      for (const auto& value : each.values)
        if (each.is_union && value.value != 0 && !is_table(value.member))
          return unsupported(each.name + "." + value.name +
                             ": a union's member has to be a table; put the struct or string into one");
    return {};
  }

  bool is_table(const schema::type& type) const {
    return type.item() == base_type::object && !all_.objects[static_cast<std::size_t>(type.index)].is_struct;
  }

  // Decides where in the model each declaration goes, so that fields can refer to it before it is there.
  void place() {
    structs_ = struct_order(all_);
    tables_ = table_order(all_);
    objects_.resize(all_.objects.size());
    enums_.resize(all_.enums.size());
    for (std::size_t i = 0; i < structs_.size(); ++i)
      objects_[structs_[i]] = i;
    for (std::size_t i = 0; i < tables_.size(); ++i)
      objects_[tables_[i]] = i;
    std::size_t unions = 0;
    std::size_t enums = 0;
    for (std::size_t i = 0; i < all_.enums.size(); ++i)
      enums_[i] = all_.enums[i].is_union ? unions++ : enums++;
  }

  field_type type_of(const schema::type& from) const {
    field_type out;
    const auto item = from.item();
    const auto index = static_cast<std::size_t>(from.index);
    out.holds = from.base == base_type::vector  ? container::vector
                : from.base == base_type::array ? container::array
                                                : container::one;
    out.length = from.length;
    out.size = static_cast<std::uint32_t>(schema::size_of(item));
    out.alignment = out.size;
    if (item == base_type::string) {
      out.kind = value_kind::string;
    } else if (item == base_type::union_value) {
      out.kind = value_kind::union_value;
      out.index = enums_[index];
    } else if (item == base_type::object) {
      const auto& object = all_.objects[index];
      out.kind = object.is_struct ? value_kind::structure : value_kind::table;
      out.index = objects_[index];
      if (object.is_struct) {
        out.size = object.size;
        out.alignment = object.alignment;
      }
    } else {
      out.number = scalar_of(item);
      out.index = from.index < 0 ? no_index : enums_[index];
    }
    return out;
  }

  field field_of(const schema::field& from) const {
    field out;
    out.name = from.name;
    out.id = from.id;
    out.slot = from.slot;
    out.type = type_of(from.type);
    out.default_integer = from.default_integer;
    out.default_real = from.type.base == base_type::float32 ? static_cast<double>(static_cast<float>(from.default_real))
                                                            : from.default_real;
    out.optional = from.optional && schema::is_scalar(from.type.base);
    out.required = from.required;
    out.docs = from.docs;
    return out;
  }

  void add_enum(const schema::enumeration& from) {
    enumeration out{split(from.name),
                    scalar_of(from.underlying),
                    schema::find_attribute(from.attributes, "bit_flags") != nullptr,
                    {},
                    from.docs};
    for (const auto& value : from.values)
      out.values.push_back({value.name, value.value, value.docs});
    out_.enums.push_back(std::move(out));
  }

  void add_union(const schema::enumeration& from) {
    union_type out{split(from.name), {}, from.docs};
    const auto self = all_.objects.size() + static_cast<std::size_t>(&from - all_.enums.data());
    for (const auto& value : from.values) {
      if (value.value == 0)
        continue;
      const auto table = static_cast<std::size_t>(value.member.index);
      out.members.push_back({value.name, static_cast<std::uint8_t>(value.value), objects_[table],
                             reaches(all_, table, self), value.docs});
    }
    out_.unions.push_back(std::move(out));
  }

  void add_struct(const schema::object& from) {
    structure out{split(from.name), from.size, from.alignment, {}, from.docs};
    for (const auto& each : from.fields)
      out.fields.push_back(field_of(each));
    out_.structs.push_back(std::move(out));
  }

  void add_table(std::size_t index) {
    const auto& from = all_.objects[index];
    table out{split(from.name), {}, {}, {}, from.docs};
    for (const auto& each : messages_.tables)
      if (each.object == index)
        out.message = message{each.type.type_id, each.type.topic, each.type.type_digest};
    for (const auto& each : from.fields) {
      if (each.deprecated || each.type.item() == base_type::union_type)
        continue;
      out.fields.push_back(field_of(each));
      const bool one_table = each.type.base == base_type::object && is_table(each.type);
      out.fields.back().recursive = one_table && reaches(all_, static_cast<std::size_t>(each.type.index), index);
    }
    out.writes = write_order(out.fields);
    out_.tables.push_back(std::move(out));
  }

  const schema::declarations& all_;
  const schema::messages& messages_;
  std::vector<std::size_t> structs_; // in all_.objects, in the model's order
  std::vector<std::size_t> tables_;
  std::vector<std::size_t> objects_; // where the model has all_.objects[i]
  std::vector<std::size_t> enums_;
  model out_;
};

} // namespace

result<model> load_model(schema::bytes bfbs, std::string name) {
  const auto all = schema::read_declarations(bfbs);
  if (!all)
    return all.error();
  const auto messages = schema::find_messages(*all);
  if (!messages)
    return messages.error();
  return builder(*all, *messages).build(std::move(name));
}

} // namespace mycelium::schema_compiler
