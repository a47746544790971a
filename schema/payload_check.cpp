#include "schema/payload_check.hpp"

namespace mycelium::schema {
namespace {

using flat1::table_view;
using flat1::vector_view;

// Follows a plan through one payload. Every step is false once the reader has found a flaw.
class walker {
public:
  walker(const payload_plan& plan, bytes payload) : plan_(plan), in_(payload) {}

  bool walk(std::uint32_t root_table) {
    std::size_t start = 0;
    return in_.root(start) && walk_table(root_table, start);
  }

  const flaw& found() const { return in_.found(); }

private:
  bool walk_table(std::uint32_t index, std::size_t start) {
    table_view table;
    if (!in_.enter(start, table))
      return false;
    for (const auto& slot : plan_.tables[index])
      if (!walk_slot(table, slot))
        return false;
    in_.leave();
    return true;
  }

  bool walk_slot(const table_view& table, const slot_plan& slot) {
    if (slot.kind == slot_kind::union_value)
      return walk_union(table, slot);
    std::size_t where = 0;
    if (slot.kind == slot_kind::inline_bytes) {
      if (!in_.locate(table, slot.slot, slot.size, slot.alignment, where))
        return false;
      return where != 0 || !slot.required || in_.fail("required field is missing", table.start);
    }
    if (!in_.locate_target(table, slot.slot, slot.required, where))
      return false;
    if (slot.kind == slot_kind::union_vector)
      return walk_unions(table, slot, where);
    return where == 0 || walk_target(slot, where);
  }

  bool walk_target(const slot_plan& slot, std::size_t target) {
    vector_view vector;
    switch (slot.kind) {
    case slot_kind::string:
      return in_.string(target, vector);
    case slot_kind::flat_vector:
      return in_.elements(target, slot.size, slot.alignment, vector);
    case slot_kind::string_vector:
      return in_.targets(target, [&](std::size_t each) { return in_.string(each, vector); });
    case slot_kind::table:
      return walk_table(slot.target, target);
    case slot_kind::table_vector:
      return in_.targets(target, [&](std::size_t each) { return walk_table(slot.target, each); });
    case slot_kind::inline_bytes:
    case slot_kind::union_value:
    case slot_kind::union_vector:
      break; // walk_slot's
    }
    return true;
  }

  bool walk_member(std::uint32_t index, std::uint8_t type, std::size_t target) {
    const auto& members = plan_.unions[index];
    const auto member = type < members.size() ? members[type] : member_plan{};
    vector_view text;
    switch (member.holds) {
    case member_plan::what::table:
      return walk_table(member.target, target);
    case member_plan::what::string:
      return in_.string(target, text);
    case member_plan::what::structure:
      return in_.structure(target, member.size, member.alignment);
    case member_plan::what::unknown:
      break;
    }
    return true;
  }

  bool walk_union(const table_view& table, const slot_plan& slot) {
    std::uint8_t type = 0;
    std::size_t target = 0;
    if (!in_.locate_union(table, slot.slot, slot.required, type, target))
      return false;
    return type == 0 || walk_member(slot.target, type, target);
  }

  // The types stand in a vector of their own, in the slot before.
  bool walk_unions(const table_view& table, const slot_plan& slot, std::size_t values) {
    std::size_t types_start = 0;
    vector_view types;
    if (!in_.locate_target(table, static_cast<std::uint16_t>(slot.slot - 2), false, types_start))
      return false;
    if ((types_start == 0) != (values == 0))
      return in_.fail("vector of unions has types without values or values without types", table.start);
    if (values == 0)
      return true;
    if (!in_.elements(types_start, 1, 1, types))
      return false;
    std::size_t i = 0;
    const auto each = [&](std::size_t target) {
      if (i == types.count)
        return in_.fail("vector of unions has more values than types", values);
      const auto type = *in_.at(types.first + i++);
      return type == 0 || walk_member(slot.target, type, target);
    };
    return in_.targets(values, each) &&
           (i == types.count || in_.fail("vector of unions has more types than values", values));
  }

  const payload_plan& plan_;
  flat1::reader in_;
};

} // namespace

std::optional<flaw> check_root(bytes payload) {
  flat1::reader in(payload);
  std::size_t start = 0;
  table_view table;
  if (in.root(start) && in.enter(start, table))
    return std::nullopt;
  return in.found();
}

std::optional<flaw> check_payload(const payload_plan& plan, std::uint32_t root_table, bytes payload) {
  walker walk(plan, payload);
  if (walk.walk(root_table))
    return std::nullopt;
  return walk.found();
}

} // namespace mycelium::schema
