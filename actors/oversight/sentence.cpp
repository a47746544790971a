#include "actors/oversight/sentence.hpp"

namespace mycelium::oversight {

sentence_part sentence_part_of(std::string_view token) noexcept {
  constexpr std::string_view closing = " \t\r\"')]}";
  while (!token.empty() && closing.find(token.back()) != std::string_view::npos)
    token.remove_suffix(1);
  if (token.empty())
    return sentence_part::nothing;
  for (const std::string_view mark : {".", "!", "?", "\n", "\u2026", "\u3002", "\uff01", "\uff1f"})
    if (token.ends_with(mark))
      return sentence_part::end;
  return sentence_part::middle;
}

} // namespace mycelium::oversight
