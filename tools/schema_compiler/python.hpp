// Writes a Python package for a schema: `mycelium schema compile --python DIR`. docs/python.md tells what it offers.
#pragma once

#include "tools/schema_compiler/model.hpp"

#include <string>
#include <vector>

namespace mycelium::schema_compiler {

struct python_file {
  std::string name; // inside the package: "__init__.py"
  std::string text;
};

// The files of the package. bfbs is the schema that the model was loaded from; the package carries it, so that a
// runtime can be told of its types. unsupported if two declarations would need one Python name.
result<std::vector<python_file>> emit_python(const model& from, schema::bytes bfbs);

} // namespace mycelium::schema_compiler
