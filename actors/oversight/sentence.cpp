#include "actors/oversight/sentence.hpp"

namespace mycelium::oversight {

namespace {

bool closes(char byte) noexcept {
  switch (byte) {
  case ' ':
  case '\t':
  case '\r':
  case '"':
  case '\'':
  case ')':
  case ']':
  case '}':
    return true;
  default:
    return false;
  }
}

} // namespace

sentence_part sentence_part_of(std::string_view token) noexcept {
  while (!token.empty() && closes(token.back()))
    token.remove_suffix(1);
  if (token.empty())
    return sentence_part::nothing;
  const char last = token.back();
  if (last == '.' || last == '!' || last == '?' || last == '\n')
    return sentence_part::end;
  if (static_cast<unsigned char>(last) >= 0x80)
    for (const std::string_view mark : {"\u2026", "\u3002", "\uff01", "\uff1f"})
      if (token.ends_with(mark))
        return sentence_part::end;
  return sentence_part::middle;
}

} // namespace mycelium::oversight
