#include "schema/payload_check.hpp"

#include <bit>
#include <cstring>

namespace mycelium::schema {
namespace {

static_assert(std::endian::native == std::endian::little, "FlatBuffers are little endian");

constexpr std::size_t max_payload = 0x7fffffff; // offsets are signed 32-bit in FlatBuffers

struct table_view {
  std::size_t start;
  std::size_t size; // of the inline part
  std::size_t vtable;
  std::size_t vtable_size;
};

struct vector_view {
  std::size_t first;
  std::size_t count;
};

// Walks one payload. Every step returns false once a flaw was found; the first one is kept.
class walker {
public:
  walker(const payload_plan* plan, bytes payload)
      : plan_(plan), payload_(payload), steps_left_(max_steps(payload.size())), reach_left_(max_reach(payload.size())) {
  }

  bool root(std::size_t& table) {
    if (payload_.size() < 8)
      return fail("payload is shorter than any table", 0);
    if (payload_.size() > max_payload)
      return fail("payload is over 2 GiB", 0);
    return follow(0, table);
  }

  bool enter(std::size_t start, table_view& table) {
    if (!aligned(start, 4) || !inside(start, 4))
      return fail("table is misaligned or outside the payload", start);
    const auto vtable = static_cast<std::int64_t>(start) - load<std::int32_t>(start);
    if (vtable < 0 || vtable % 2 != 0 || !inside(static_cast<std::size_t>(vtable), 4))
      return fail("table has no vtable inside the payload", start);
    table.start = start;
    table.vtable = static_cast<std::size_t>(vtable);
    table.vtable_size = load<std::uint16_t>(table.vtable);
    table.size = load<std::uint16_t>(table.vtable + 2);
    if (table.vtable_size < 4 || table.vtable_size % 2 != 0 || !inside(table.vtable, table.vtable_size))
      return fail("vtable runs past the end", table.vtable);
    if (table.size < 4 || !inside(start, table.size))
      return fail("table runs past the end", start);
    return true;
  }

  bool walk_table(std::uint32_t index, std::size_t start) {
    table_view table{};
    if (!enter(start, table) || !spend(1, table.size, start))
      return false;
    if (depth_ == max_depth)
      return fail("tables are nested too deep", start);
    ++depth_;
    for (const auto& slot : plan_->tables[index])
      if (!walk_slot(table, slot))
        return false;
    --depth_;
    return true;
  }

  const flaw& found() const { return flaw_; }

private:
  bool fail(const char* what, std::size_t offset) {
    flaw_ = {what, offset};
    return false;
  }

  template <class T>
  T load(std::size_t offset) const {
    T value;
    std::memcpy(&value, payload_.data() + offset, sizeof value);
    return value;
  }

  bool inside(std::size_t offset, std::size_t size) const {
    return size <= payload_.size() && offset <= payload_.size() - size;
  }

  static bool aligned(std::size_t offset, std::size_t alignment) { return offset % alignment == 0; }

  bool spend(std::uint64_t steps, std::uint64_t reach, std::size_t offset) {
    if (steps > steps_left_ || reach > reach_left_)
      return fail("parts are shared too many times over", offset);
    steps_left_ -= steps;
    reach_left_ -= reach;
    return true;
  }

  bool follow(std::size_t offset, std::size_t& target) {
    if (!aligned(offset, 4) || !inside(offset, 4))
      return fail("offset is misaligned or outside the payload", offset);
    const auto distance = load<std::uint32_t>(offset);
    if (distance == 0 || distance > max_payload || !inside(offset + distance, 1))
      return fail("offset leads out of the payload", offset);
    target = offset + distance;
    return true;
  }

  // Where a slot's value stands, 0 if it is absent.
  bool locate(const table_view& table, std::uint16_t slot, std::size_t size, std::size_t alignment,
              std::size_t& where) {
    where = 0;
    if (slot + std::size_t{2} > table.vtable_size)
      return true;
    const std::size_t distance = load<std::uint16_t>(table.vtable + slot);
    if (distance == 0)
      return true;
    if (distance < 4 || distance + size > table.size || !aligned(table.start + distance, alignment))
      return fail("field is misaligned or outside its table", table.vtable + slot);
    where = table.start + distance;
    return true;
  }

  bool walk_string(std::size_t start) {
    vector_view text{};
    if (!walk_vector(start, 1, 1, text))
      return false;
    const auto end = text.first + text.count;
    if (!inside(end, 1) || payload_[end] != 0)
      return fail("string is not terminated", start);
    return true;
  }

  bool walk_vector(std::size_t start, std::size_t size, std::size_t alignment, vector_view& vector) {
    if (!aligned(start, 4) || !inside(start, 4))
      return fail("vector is misaligned or outside the payload", start);
    vector = {start + 4, load<std::uint32_t>(start)};
    if (vector.count > max_payload / size || !inside(vector.first, vector.count * size))
      return fail("vector or string runs past the end", start);
    if (vector.count != 0 && !aligned(vector.first, alignment))
      return fail("vector's elements are misaligned", start);
    return spend(0, 4 + vector.count * size, start);
  }

  // Calls each(where the element's target stands) for a vector of offsets.
  template <class Each>
  bool walk_offsets(std::size_t start, Each each) {
    vector_view vector{};
    if (!walk_vector(start, 4, 4, vector) || !spend(vector.count, 0, start))
      return false;
    for (std::size_t i = 0; i < vector.count; ++i)
      if (std::size_t target = 0; !follow(vector.first + 4 * i, target) || !each(target))
        return false;
    return true;
  }

  bool walk_slot(const table_view& table, const slot_plan& slot) {
    const bool stands_inline = slot.kind == slot_kind::inline_bytes;
    std::size_t where = 0;
    if (!locate(table, slot.slot, stands_inline ? slot.size : 4, stands_inline ? slot.alignment : 4, where))
      return false;
    if (slot.required && where == 0)
      return fail("required field is missing", table.start);
    if (slot.kind == slot_kind::union_value)
      return walk_union(table, slot, where);
    if (where == 0) {
      return slot.kind != slot_kind::union_vector || walk_absent_unions(table, slot);
    }
    std::size_t target = 0;
    if (stands_inline)
      return true;
    return follow(where, target) && walk_target(table, slot, target);
  }

  bool walk_target(const table_view& table, const slot_plan& slot, std::size_t target) {
    vector_view vector{};
    switch (slot.kind) {
    case slot_kind::string:
      return walk_string(target);
    case slot_kind::flat_vector:
      return walk_vector(target, slot.size, slot.alignment, vector);
    case slot_kind::string_vector:
      return walk_offsets(target, [&](std::size_t text) { return walk_string(text); });
    case slot_kind::table:
      return walk_table(slot.target, target);
    case slot_kind::table_vector:
      return walk_offsets(target, [&](std::size_t element) { return walk_table(slot.target, element); });
    case slot_kind::union_vector:
      return walk_unions(table, slot, target);
    case slot_kind::inline_bytes:
    case slot_kind::union_value:
      break;
    }
    return true;
  }

  bool walk_member(std::uint32_t index, std::uint8_t type, std::size_t target) {
    const auto& members = plan_->unions[index];
    const auto member = type < members.size() ? members[type] : member_plan{};
    switch (member.holds) {
    case member_plan::what::table:
      return walk_table(member.target, target);
    case member_plan::what::string:
      return walk_string(target);
    case member_plan::what::structure:
      if (!aligned(target, member.alignment) || !inside(target, member.size))
        return fail("struct is misaligned or runs past the end", target);
      return spend(1, member.size, target);
    case member_plan::what::unknown:
      break;
    }
    return true;
  }

  bool walk_union(const table_view& table, const slot_plan& slot, std::size_t where) {
    std::size_t type_where = 0;
    if (!locate(table, static_cast<std::uint16_t>(slot.slot - 2), 1, 1, type_where))
      return false;
    const auto type = type_where == 0 ? std::uint8_t{0} : payload_[type_where];
    if ((type == 0) != (where == 0))
      return fail("union has a type without a value or a value without a type", table.start);
    std::size_t target = 0;
    return type == 0 || (follow(where, target) && walk_member(slot.target, type, target));
  }

  bool walk_absent_unions(const table_view& table, const slot_plan& slot) {
    std::size_t types_where = 0;
    if (!locate(table, static_cast<std::uint16_t>(slot.slot - 2), 4, 4, types_where))
      return false;
    return types_where == 0 || fail("vector of unions has types without values", table.start);
  }

  bool walk_unions(const table_view& table, const slot_plan& slot, std::size_t values) {
    std::size_t types_where = 0;
    std::size_t types_start = 0;
    vector_view types{};
    if (!locate(table, static_cast<std::uint16_t>(slot.slot - 2), 4, 4, types_where))
      return false;
    if (types_where == 0)
      return fail("vector of unions has values without types", table.start);
    if (!follow(types_where, types_start) || !walk_vector(types_start, 1, 1, types))
      return false;
    if (!inside(values, 4) || !aligned(values, 4) || load<std::uint32_t>(values) != types.count)
      return fail("vector of unions has not as many values as types", values);
    std::size_t i = 0;
    return walk_offsets(values, [&](std::size_t target) {
      const auto type = payload_[types.first + i++];
      return type == 0 || walk_member(slot.target, type, target);
    });
  }

  const payload_plan* plan_;
  bytes payload_;
  std::uint64_t steps_left_;
  std::uint64_t reach_left_;
  unsigned depth_ = 0;
  flaw flaw_{};
};

} // namespace

std::optional<flaw> check_root(bytes payload) {
  walker walk(nullptr, payload);
  std::size_t start = 0;
  table_view table{};
  if (walk.root(start) && walk.enter(start, table))
    return std::nullopt;
  return walk.found();
}

std::optional<flaw> check_payload(const payload_plan& plan, std::uint32_t root_table, bytes payload) {
  walker walk(&plan, payload);
  std::size_t start = 0;
  if (walk.root(start) && walk.walk_table(root_table, start))
    return std::nullopt;
  return walk.found();
}

} // namespace mycelium::schema
