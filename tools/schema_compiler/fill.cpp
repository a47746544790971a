#include "tools/schema_compiler/fill.hpp"

#include <algorithm>

namespace mycelium::schema_compiler {

std::string fill(std::string_view pattern, std::initializer_list<hole> holes) {
  std::string out;
  while (!pattern.empty()) {
    const auto mark = std::min(pattern.find('$'), pattern.size());
    out.append(pattern.substr(0, mark));
    pattern.remove_prefix(mark);
    if (pattern.empty())
      break;
    const auto is_word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
    const auto end = std::find_if_not(pattern.begin() + 1, pattern.end(), is_word) - pattern.begin();
    const auto word = pattern.substr(1, static_cast<std::size_t>(end) - 1);
    const auto found = std::find_if(holes.begin(), holes.end(), [&](const hole& each) { return each.first == word; });
    out.append(found == holes.end() ? pattern.substr(0, static_cast<std::size_t>(end)) : found->second);
    pattern.remove_prefix(static_cast<std::size_t>(end));
  }
  return out;
}

} // namespace mycelium::schema_compiler
