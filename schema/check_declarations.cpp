#include "schema/check_declarations.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <string_view>
#include <unordered_set>

namespace mycelium::schema {
namespace {

using complaint = std::optional<std::string>;

constexpr std::uint32_t max_alignment = 64;
constexpr std::size_t max_fields = 32765; // a slot's offset, 4 + 2 * id, is 16 bits
constexpr std::size_t max_struct_size = 65535;
constexpr unsigned max_struct_depth = 64;

bool is_identifier(std::string_view word) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return !word.empty() && letter(word[0]) &&
         std::all_of(word.begin(), word.end(), [&](char c) { return letter(c) || digit(c); });
}

bool is_qualified(std::string_view name) {
  for (;;) {
    const auto dot = name.find('.');
    if (!is_identifier(name.substr(0, dot)))
      return false;
    if (dot == std::string_view::npos)
      return true;
    name.remove_prefix(dot + 1);
  }
}

// Whether value is one of the integer type's; a uint64 is its 64 bits.
bool in_range(base_type type, std::int64_t value) {
  const auto between = [&](auto example) {
    using number = decltype(example);
    return value >= std::numeric_limits<number>::min() && value <= std::numeric_limits<number>::max();
  };
  switch (type) {
  case base_type::boolean:
    return value == 0 || value == 1;
  case base_type::int8:
    return between(std::int8_t{});
  case base_type::union_type:
  case base_type::uint8:
    return between(std::uint8_t{});
  case base_type::int16:
    return between(std::int16_t{});
  case base_type::uint16:
    return between(std::uint16_t{});
  case base_type::int32:
    return between(std::int32_t{});
  case base_type::uint32:
    return between(std::uint32_t{});
  case base_type::int64:
  case base_type::uint64:
    return true;
  default:
    return value == 0;
  }
}

class checker {
public:
  explicit checker(const declarations& all) : all_(all) {}

  complaint run() {
    if (auto wrong = names())
      return wrong;
    for (const auto& each : all_.enums)
      if (auto wrong = check_enum(each))
        return "enum " + each.name + ": " + *wrong;
    for (const auto& each : all_.objects)
      if (auto wrong = check_object(each))
        return (each.is_struct ? "struct " : "table ") + each.name + ": " + *wrong;
    return struct_nesting();
  }

private:
  complaint names() const {
    std::unordered_set<std::string_view> seen;
    const auto fresh = [&](std::string_view name) { return is_qualified(name) && seen.insert(name).second; };
    for (std::size_t i = 0; i < all_.objects.size(); ++i)
      if (!fresh(all_.objects[i].name) || (i > 0 && all_.objects[i - 1].name > all_.objects[i].name))
        return "tables and structs need distinct names, in order";
    for (std::size_t i = 0; i < all_.enums.size(); ++i)
      if (!fresh(all_.enums[i].name) || (i > 0 && all_.enums[i - 1].name > all_.enums[i].name))
        return "enums need distinct names, in order";
    return {};
  }

  static complaint check_attributes(const std::vector<attribute>& attributes) {
    for (std::size_t i = 1; i < attributes.size(); ++i)
      if (attributes[i - 1].key == attributes[i].key)
        return "attribute " + attributes[i].key + " stands twice";
    const bool named =
        std::all_of(attributes.begin(), attributes.end(), [](const auto& each) { return is_identifier(each.key); });
    return named ? complaint() : "an attribute's name is no identifier";
  }

  const object* find_object(std::int32_t index) const {
    return index >= 0 && static_cast<std::size_t>(index) < all_.objects.size()
               ? &all_.objects[static_cast<std::size_t>(index)]
               : nullptr;
  }

  const enumeration* find_enum(std::int32_t index) const {
    return index >= 0 && static_cast<std::size_t>(index) < all_.enums.size()
               ? &all_.enums[static_cast<std::size_t>(index)]
               : nullptr;
  }

  complaint check_enum(const enumeration& each) const {
    if (auto wrong = check_attributes(each.attributes))
      return wrong;
    const bool integer =
        is_scalar(each.underlying) && !is_float(each.underlying) && each.underlying != base_type::boolean;
    if (!integer || each.is_union != (each.underlying == base_type::union_type))
      return "its underlying type is not an integer";
    const auto less = [&](std::int64_t a, std::int64_t b) {
      return each.underlying == base_type::uint64 ? static_cast<std::uint64_t>(a) < static_cast<std::uint64_t>(b)
                                                  : a < b;
    };
    std::unordered_set<std::string_view> seen;
    for (std::size_t i = 0; i < each.values.size(); ++i) {
      const auto& value = each.values[i];
      if (!is_identifier(value.name) || !seen.insert(value.name).second)
        return "its values need distinct names";
      if (!in_range(each.underlying, value.value) || (i > 0 && !less(each.values[i - 1].value, value.value)))
        return "value " + value.name + " is out of range or out of order";
      if (!each.is_union && (value.member.base != base_type::none || value.member.index != -1))
        return "value " + value.name + " has a type";
      if (each.is_union && !check_member(value))
        return "member " + value.name + " is neither a table, a struct nor a string";
    }
    return each.is_union && (each.values.empty() || each.values[0].value != 0) ? complaint("it lacks NONE")
                                                                               : complaint();
  }

  bool check_member(const enum_value& value) const {
    if (value.value == 0)
      return value.member.base == base_type::none && value.member.index == -1;
    return (value.member.base == base_type::string && value.member.index == -1) ||
           (value.member.base == base_type::object && find_object(value.member.index));
  }

  complaint check_object(const object& each) const {
    if (auto wrong = check_attributes(each.attributes))
      return wrong;
    if (each.fields.size() > max_fields)
      return "it has more than 32765 fields";
    std::unordered_set<std::string_view> seen;
    for (std::size_t i = 0; i < each.fields.size(); ++i) {
      const auto& field = each.fields[i];
      if (!is_identifier(field.name) || !seen.insert(field.name).second)
        return "its fields need distinct names";
      if (field.id != i)
        return "its field ids are not 0, 1, 2, ...";
      auto wrong = check_attributes(field.attributes);
      if (!wrong)
        wrong = each.is_struct ? check_struct_field(field) : check_table_field(each, field);
      if (wrong)
        return "field " + field.name + ": " + *wrong;
    }
    return each.is_struct ? check_layout(each) : complaint();
  }

  complaint check_scalar(const type& type, base_type base) const {
    if (type.index == -1)
      return base == base_type::union_type ? complaint("the type of no union") : complaint();
    const auto* named = find_enum(type.index);
    return named && named->underlying == base ? complaint() : "its enum does not exist or has another underlying type";
  }

  complaint check_default(const field& field) const {
    const auto base = field.type.base;
    if (is_scalar(base) && !is_float(base) && !in_range(base, field.default_integer))
      return "its default is out of range";
    if ((!is_scalar(base) || is_float(base) || field.optional) && field.default_integer != 0)
      return "it cannot have an integer default";
    if ((!is_float(base) || field.optional) && !(field.default_real == 0))
      return "it cannot have a real default";
    return field.required && is_scalar(base) ? complaint("a scalar cannot be required") : complaint();
  }

  complaint check_item(const object& table, const field& field, base_type item) const {
    if (is_scalar(item))
      return check_scalar(field.type, item);
    if (item == base_type::string)
      return field.type.index == -1 ? complaint() : "a string has no index";
    if (item == base_type::object)
      return find_object(field.type.index) ? complaint() : "its table or struct does not exist";
    if (item != base_type::union_value)
      return "it has no type that a table can hold";
    const auto* named = find_enum(field.type.index);
    if (!named || !named->is_union)
      return "its union does not exist";
    const auto* companion = field.id == 0 ? nullptr : &table.fields[field.id - std::size_t{1}];
    const bool paired = companion && companion->type.item() == base_type::union_type &&
                        companion->type.index == field.type.index &&
                        (companion->type.base == base_type::vector) == (field.type.base == base_type::vector);
    return paired ? complaint() : "the field before it is not its union's type";
  }

  complaint check_table_field(const object& table, const field& field) const {
    if (field.slot != 4 + 2 * field.id)
      return "its offset does not follow from its id";
    if (field.type.base == base_type::array)
      return "an array can only stand in a struct";
    const auto item = field.type.item();
    if (auto wrong = check_item(table, field, item))
      return wrong;
    if (item == base_type::union_type) {
      const auto* value =
          field.id + std::size_t{1} < table.fields.size() ? &table.fields[field.id + std::size_t{1}] : nullptr;
      if (!value || value->type.item() != base_type::union_value || value->type.index != field.type.index)
        return "the field after it is not its union's value";
    }
    return check_default(field);
  }

  complaint check_struct_field(const field& field) const {
    const auto item = field.type.item();
    if (field.type.base == base_type::vector || (field.type.base == base_type::array && field.type.length == 0))
      return "a struct holds scalars, structs and arrays of them";
    if (field.deprecated || field.required)
      return "a field of a struct is neither deprecated nor required";
    if (is_scalar(item) && item != base_type::union_type)
      return check_scalar(field.type, item);
    const auto* nested = item == base_type::object ? find_object(field.type.index) : nullptr;
    return nested && nested->is_struct ? complaint() : "a struct holds scalars, structs and arrays of them";
  }

  complaint check_layout(const object& each) const {
    if (!std::has_single_bit(each.alignment) || each.alignment > max_alignment)
      return "its alignment is not a power of two up to 64";
    if (each.size == 0 || each.size > max_struct_size || each.size % each.alignment != 0)
      return "its size is 0, over 65535 or no multiple of its alignment";
    std::size_t end = 0;
    for (const auto& field : each.fields) {
      const auto item = field.type.item();
      const auto* nested = item == base_type::object ? find_object(field.type.index) : nullptr;
      const std::size_t size = nested ? nested->size : size_of(item);
      const std::size_t alignment = nested ? nested->alignment : size;
      if (field.slot < end || alignment == 0 || alignment > each.alignment || field.slot % alignment != 0)
        return "field " + field.name + " overlaps another or is misaligned";
      end = field.slot + size * (field.type.base == base_type::array ? field.type.length : 1);
      if (end > each.size)
        return "field " + field.name + " lies outside";
    }
    return {};
  }

  // Resolves structs from the inside out, one level a round: what is left contains itself or is nested too deep.
  complaint struct_nesting() const {
    std::vector<bool> resolved(all_.objects.size());
    const auto ready = [&](const field& field) {
      return field.type.item() != base_type::object || resolved[static_cast<std::size_t>(field.type.index)];
    };
    for (unsigned round = 0; round < max_struct_depth; ++round) {
      auto next = resolved;
      for (std::size_t i = 0; i < all_.objects.size(); ++i)
        next[i] = resolved[i] || !all_.objects[i].is_struct ||
                  std::all_of(all_.objects[i].fields.begin(), all_.objects[i].fields.end(), ready);
      if (next == resolved)
        break;
      resolved = std::move(next);
    }
    const auto left = std::find(resolved.begin(), resolved.end(), false) - resolved.begin();
    return static_cast<std::size_t>(left) == resolved.size()
               ? complaint()
               : "struct " + all_.objects[static_cast<std::size_t>(left)].name +
                     " contains itself or is nested too deep";
  }

  const declarations& all_;
};

} // namespace

std::optional<std::string> check_declarations(const declarations& all) { return checker(all).run(); }

} // namespace mycelium::schema
