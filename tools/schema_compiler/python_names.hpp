// What declarations are called in Python: words of the language and of the generated classes get an underscore; where
// two namespaces declare one name, both are called by their full one.
#pragma once

#include "tools/schema_compiler/model.hpp"

#include <map>
#include <string>
#include <vector>

namespace mycelium::schema_compiler {

struct python_names {
  std::vector<std::string> enums;
  std::vector<std::string> structs;
  std::vector<std::string> tables;
  std::vector<std::string> unions;
  // A table that is a second member of a union has a subclass for it: (union, place of the member) -> its name.
  std::map<std::pair<std::size_t, std::size_t>, std::string> twins;
};

result<python_names> name_for_python(const model& from);

// Of a field or an enum's value.
std::string python_attribute(const std::string& name);
std::string python_member(const std::string& name);

} // namespace mycelium::schema_compiler
