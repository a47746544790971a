// What toml++ 3.3 must not be given: it runs into undefined behaviour where it looks whether other characters than
// ASCII are white space (in strings it reads \uXXXX), in strings of several lines, and at bytes that are not UTF-8.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace mycelium::bridge {

struct toml_flaw {
  std::size_t line = 0;
  std::string what;
};
std::optional<toml_flaw> find_what_is_no_toml(std::string_view text);

} // namespace mycelium::bridge
