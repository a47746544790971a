// The modules that every generated package carries as they are: the files beside this one.
#pragma once

#include <span>
#include <string_view>

namespace mycelium::schema_compiler {

struct python_template {
  std::string_view name;
  std::string_view text;
};

std::span<const python_template> python_templates();

} // namespace mycelium::schema_compiler
