#include "actors/oversight/unicode.hpp"
#include "actors/oversight/unicode_table.hpp"

#include <algorithm>
#include <iterator>

namespace mycelium::oversight {
namespace {

constexpr character broken{0xfffd, 1};

// The range that ends at or after code; it need not contain it.
template <class Range, std::size_t size>
const Range* range_at(const Range (&ranges)[size], char32_t code) noexcept {
  return std::lower_bound(std::begin(ranges), std::end(ranges), code,
                          [](const Range& range, char32_t wanted) { return range.last < wanted; });
}

} // namespace

character first_character(std::string_view text) noexcept {
  const auto lead = static_cast<unsigned char>(text.front());
  if (lead < 0x80)
    return {lead, 1};
  const std::uint32_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < size)
    return broken;
  char32_t code = lead & (0x7fu >> size);
  for (std::uint32_t i = 1; i < size; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xc0) != 0x80)
      return broken;
    code = code << 6 | (next & 0x3fu);
  }
  // Longer than it had to be, half a surrogate pair, or beyond the last plane.
  if ((size == 3 && code < 0x800) || (size == 4 && (code < 0x10000 || code > 0x10ffff)) ||
      (code >= 0xd800 && code < 0xe000))
    return broken;
  return {code, size};
}

void append_character(std::string& text, char32_t code) {
  const auto add = [&text](char32_t byte) { text += static_cast<char>(static_cast<unsigned char>(byte)); };
  if (code < 0x80)
    return add(code);
  if (code < 0x800) {
    add(0xc0 | code >> 6);
  } else if (code < 0x10000) {
    add(0xe0 | code >> 12);
    add(0x80 | (code >> 6 & 0x3f));
  } else {
    add(0xf0 | code >> 18);
    add(0x80 | (code >> 12 & 0x3f));
    add(0x80 | (code >> 6 & 0x3f));
  }
  add(0x80 | (code & 0x3f));
}

bool makes_words(char32_t code) noexcept {
  if (code < 0x80)
    return (code >= '0' && code <= '9') || (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z');
  const auto* range = range_at(word_ranges, code);
  return range != std::end(word_ranges) && range->first <= code;
}

bool is_space(char32_t code) noexcept {
  if (code < 0x80)
    return code == ' ' || (code >= 0x09 && code <= 0x0d) || (code >= 0x1c && code <= 0x1f);
  return code == 0x85 || code == 0xa0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200a) || code == 0x2028 ||
         code == 0x2029 || code == 0x202f || code == 0x205f || code == 0x3000;
}

bool is_word_alone(char32_t code) noexcept {
  return (code >= 0x3400 && code <= 0x9fff) || (code >= 0xf900 && code <= 0xfaff) ||
         (code >= 0x20000 && code <= 0x3ffff) || (code >= 0x3041 && code <= 0x3096);
}

char32_t lower_case(char32_t code) noexcept {
  if (code < 0x80)
    return code >= 'A' && code <= 'Z' ? code + 32 : code;
  const auto* range = range_at(case_ranges, code);
  if (range == std::end(case_ranges) || range->first > code || (code - range->first) % range->step != 0)
    return code;
  return static_cast<char32_t>(static_cast<std::int32_t>(code) + range->difference);
}

} // namespace mycelium::oversight
