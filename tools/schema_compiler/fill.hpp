// Text with holes, so that emitters show the code they write: fill("struct $name {\n", {{"name", "Point"}}).
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace mycelium::schema_compiler {

using hole = std::pair<std::string_view, std::string_view>;

// Replaces every $word (letters and underscores) that is among the holes; another one stays as it is.
std::string fill(std::string_view pattern, std::initializer_list<hole> holes);

} // namespace mycelium::schema_compiler
