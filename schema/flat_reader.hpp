// Reads a FlatBuffer from bytes that nobody has checked: every step checks what it touches and says false when it is
// wrong. The payload may stand at any address. schema/payload_check.cpp walks with it, and the C++ that the schema
// compiler writes carries a copy of this file, so that both accept the same payloads; therefore it includes nothing of
// ours, has a guard and not #pragma once, and a name space whose number grows when anything here changes.
#ifndef MYCELIUM_FLAT_READER_1
#define MYCELIUM_FLAT_READER_1

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace mycelium::flat1 {

static_assert(std::endian::native == std::endian::little, "FlatBuffers are little endian");

// Why a payload was refused, and the byte where that was seen.
struct flaw {
  const char* what = "";
  std::size_t offset = 0;
};

struct table_view {
  std::size_t start = 0;
  std::size_t size = 0; // of the part that stands inline
  std::size_t vtable = 0;
  std::size_t vtable_size = 0;
};

struct vector_view {
  std::size_t first = 0;
  std::size_t count = 0;
};

inline constexpr std::size_t max_payload = 0x7fffffff; // FlatBuffers' offsets are signed 32-bit numbers
inline constexpr unsigned max_depth = 64;
// Tables and elements visited, and bytes seen by someone who copies everything out. Parts may be shared; these bounds
// are far above what an honest payload of that size needs, and keep the work linear in its size.
constexpr std::uint64_t max_steps(std::size_t payload_size) { return 1024 + 4 * std::uint64_t{payload_size}; }
constexpr std::uint64_t max_reach(std::size_t payload_size) { return (16u << 20) + 8 * std::uint64_t{payload_size}; }

// Most text is. The last eight bytes are looked at as a whole, whether or not some of them were seen before.
inline bool is_ascii(const std::uint8_t* text, std::size_t size) {
  std::uint64_t seen = 0;
  if (std::uint64_t eight = 0; size >= sizeof eight) {
    for (std::size_t i = 0; i < size - sizeof eight; i += sizeof eight) {
      std::memcpy(&eight, text + i, sizeof eight);
      seen |= eight;
    }
    std::memcpy(&eight, text + size - sizeof eight, sizeof eight);
    seen |= eight;
  } else {
    for (std::size_t i = 0; i < size; ++i)
      seen |= text[i];
  }
  return (seen & 0x8080808080808080u) == 0;
}

// Well-formed UTF-8 as in table 3-7 of the Unicode Standard: no overlong forms, no surrogates, nothing over U+10FFFF.
[[gnu::noinline]] inline bool is_any_utf8(const std::uint8_t* text, std::size_t size) {
  std::size_t i = 0;
  while (i < size) {
    if (std::uint64_t eight = 0; size - i >= sizeof eight) {
      std::memcpy(&eight, text + i, sizeof eight);
      if ((eight & 0x8080808080808080u) == 0) {
        i += sizeof eight;
        continue;
      }
    }
    const std::uint8_t lead = text[i];
    if (lead < 0x80) {
      ++i;
      continue;
    }
    if (lead < 0xc2 || lead > 0xf4)
      return false;
    const std::size_t following = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    if (size - i <= following)
      return false;
    const std::uint8_t least = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    const std::uint8_t most = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (text[i + 1] < least || text[i + 1] > most)
      return false;
    for (std::size_t k = 2; k <= following; ++k)
      if ((text[i + k] & 0xc0) != 0x80)
        return false;
    i += following + 1;
  }
  return true;
}

inline bool is_utf8(const std::uint8_t* text, std::size_t size) {
  return is_ascii(text, size) || is_any_utf8(text, size);
}

class reader {
public:
  explicit reader(std::span<const std::uint8_t> payload)
      : payload_(payload), steps_left_(max_steps(payload.size())), reach_left_(max_reach(payload.size())) {}

  const flaw& found() const { return flaw_; }

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

  const std::uint8_t* at(std::size_t offset) const { return payload_.data() + offset; }

  bool root(std::size_t& table) {
    if (payload_.size() < 8)
      return fail("payload is shorter than any table", 0);
    if (payload_.size() > max_payload)
      return fail("payload is over 2 GiB", 0);
    return follow(0, table);
  }

  // The table at start and its vtable; leave() it after its fields.
  bool enter(std::size_t start, table_view& table) {
    if (!inside(start, 4, 4))
      return fail("table is misaligned or outside the payload", start);
    const auto vtable = static_cast<std::int64_t>(start) - load<std::int32_t>(start);
    if (vtable < 0 || !inside(static_cast<std::size_t>(vtable), 4, 2))
      return fail("table has no vtable inside the payload", start);
    table.start = start;
    table.vtable = static_cast<std::size_t>(vtable);
    table.vtable_size = load<std::uint16_t>(table.vtable);
    table.size = load<std::uint16_t>(table.vtable + 2);
    if (table.vtable_size < 4 || table.vtable_size % 2 != 0 || !inside(table.vtable, table.vtable_size, 2))
      return fail("vtable runs past the end", table.vtable);
    if (table.size < 4 || !inside(start, table.size, 4))
      return fail("table runs past the end", start);
    if (++depth_ > max_depth)
      return fail("tables are nested too deep", start);
    return spend(1, table.size, start);
  }

  void leave() { --depth_; }

  // Where the value of a slot stands; 0 if it is absent.
  bool locate(const table_view& table, std::uint16_t slot, std::size_t size, std::size_t alignment,
              std::size_t& where) {
    where = 0;
    if (slot + std::size_t{2} > table.vtable_size)
      return true;
    const std::size_t distance = load<std::uint16_t>(table.vtable + slot);
    if (distance == 0)
      return true;
    if (distance < 4 || distance + size > table.size || (table.start + distance) % alignment != 0)
      return fail("field is misaligned or outside its table", table.vtable + slot);
    where = table.start + distance;
    return true;
  }

  // The same for what stands elsewhere.
  bool locate_target(const table_view& table, std::uint16_t slot, bool required, std::size_t& target) {
    std::size_t where = 0;
    target = 0;
    if (!locate(table, slot, 4, 4, where))
      return false;
    if (where == 0)
      return !required || fail("required field is missing", table.start);
    return follow(where, target);
  }

  // A union's value stands in slot, its type in the slot before; type 0 if there is none.
  bool locate_union(const table_view& table, std::uint16_t slot, bool required, std::uint8_t& type,
                    std::size_t& target) {
    std::size_t type_where = 0;
    if (!locate(table, static_cast<std::uint16_t>(slot - 2), 1, 1, type_where) ||
        !locate_target(table, slot, required, target))
      return false;
    type = type_where == 0 ? std::uint8_t{0} : payload_[type_where];
    if ((type == 0) != (target == 0))
      return fail("union has a type without a value or a value without a type", table.start);
    return true;
  }

  bool follow(std::size_t offset, std::size_t& target) {
    if (!inside(offset, 4, 4))
      return fail("offset is misaligned or outside the payload", offset);
    const auto distance = load<std::uint32_t>(offset);
    if (distance == 0 || distance > max_payload || !inside(offset + distance, 1, 1))
      return fail("offset leads out of the payload", offset);
    target = offset + distance;
    return true;
  }

  // Elements of a vector at start.
  bool elements(std::size_t start, std::size_t size, std::size_t alignment, vector_view& vector) {
    if (!inside(start, 4, 4))
      return fail("vector is misaligned or outside the payload", start);
    vector = {start + 4, load<std::uint32_t>(start)};
    if (vector.count > max_payload / size || !inside(vector.first, vector.count * size, 1))
      return fail("vector or string runs past the end", start);
    if (vector.count != 0 && vector.first % alignment != 0)
      return fail("vector's elements are misaligned", start);
    return spend(0, 4 + vector.count * size, start);
  }

  // Calls each(target) for every element of a vector of offsets.
  template <class Each>
  bool targets(std::size_t start, Each each) {
    vector_view vector;
    if (!elements(start, 4, 4, vector) || !spend(vector.count, 0, start))
      return false;
    for (std::size_t i = 0; i < vector.count; ++i)
      if (std::size_t target = 0; !follow(vector.first + 4 * i, target) || !each(target))
        return false;
    return true;
  }

  // Written out, not by elements(): most of what is decoded is strings.
  bool string(std::size_t start, vector_view& text) {
    if (!inside(start, 5, 4)) // its length, and the zero at its end
      return fail("string is misaligned or outside the payload", start);
    text = {start + 4, load<std::uint32_t>(start)};
    if (text.count > payload_.size() - start - 5)
      return fail("vector or string runs past the end", start);
    if (payload_[text.first + text.count] != 0)
      return fail("string is not terminated", start);
    if (!is_utf8(at(text.first), text.count))
      return fail("string is not UTF-8", start);
    return spend(0, 4 + text.count, start);
  }

  // A struct that a union holds.
  bool structure(std::size_t start, std::size_t size, std::size_t alignment) {
    if (!inside(start, size, alignment))
      return fail("struct is misaligned or runs past the end", start);
    return spend(1, size, start);
  }

private:
  bool inside(std::size_t offset, std::size_t size, std::size_t alignment) const {
    return offset % alignment == 0 && size <= payload_.size() && offset <= payload_.size() - size;
  }

  bool spend(std::uint64_t steps, std::uint64_t reach, std::size_t offset) {
    if (steps > steps_left_ || reach > reach_left_)
      return fail("parts are shared too many times over", offset);
    steps_left_ -= steps;
    reach_left_ -= reach;
    return true;
  }

  std::span<const std::uint8_t> payload_;
  std::uint64_t steps_left_;
  std::uint64_t reach_left_;
  unsigned depth_ = 0;
  flaw flaw_;
};

} // namespace mycelium::flat1

#endif
