#include "schema/payload_plan.hpp"

namespace mycelium::schema {
namespace {

slot_kind kind_of(const declarations& all, const type& type) {
  const auto item = type.item();
  const bool many = type.base == base_type::vector;
  if (item == base_type::string)
    return many ? slot_kind::string_vector : slot_kind::string;
  if (item == base_type::union_value)
    return many ? slot_kind::union_vector : slot_kind::union_value;
  if (item == base_type::object && !all.objects[static_cast<std::size_t>(type.index)].is_struct)
    return many ? slot_kind::table_vector : slot_kind::table;
  return many ? slot_kind::flat_vector : slot_kind::inline_bytes;
}

slot_plan plan_field(const declarations& all, const field& field) {
  slot_plan plan;
  plan.slot = field.slot;
  plan.kind = kind_of(all, field.type);
  plan.required = field.required;
  if (plan.kind == slot_kind::inline_bytes || plan.kind == slot_kind::flat_vector) {
    const auto item = field.type.item();
    const auto* structure =
        item == base_type::object ? &all.objects[static_cast<std::size_t>(field.type.index)] : nullptr;
    plan.size = structure ? structure->size : static_cast<std::uint32_t>(size_of(item));
    plan.alignment = static_cast<std::uint16_t>(structure ? structure->alignment : plan.size);
  } else if (field.type.index >= 0) {
    plan.target = static_cast<std::uint32_t>(field.type.index);
  }
  return plan;
}

member_plan plan_member(const declarations& all, const type& type) {
  member_plan plan;
  if (type.base == base_type::string) {
    plan.holds = member_plan::what::string;
  } else if (type.base == base_type::object) {
    const auto& object = all.objects[static_cast<std::size_t>(type.index)];
    plan.holds = object.is_struct ? member_plan::what::structure : member_plan::what::table;
    plan.target = static_cast<std::uint32_t>(type.index);
    plan.size = object.size;
    plan.alignment = static_cast<std::uint16_t>(object.alignment);
  }
  return plan;
}

} // namespace

payload_plan plan_payloads(const declarations& all) {
  payload_plan plan;
  for (const auto& object : all.objects) {
    auto& slots = plan.tables.emplace_back();
    for (const auto& field : object.fields)
      if (!object.is_struct)
        slots.push_back(plan_field(all, field));
  }
  for (const auto& each : all.enums) {
    auto& members = plan.unions.emplace_back();
    if (!each.is_union)
      continue;
    members.resize(static_cast<std::size_t>(each.values.back().value) + 1);
    for (const auto& value : each.values)
      members[static_cast<std::size_t>(value.value)] = plan_member(all, value.member);
  }
  return plan;
}

} // namespace mycelium::schema
