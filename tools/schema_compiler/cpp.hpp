// Writes C++20: one header per schema, which needs nothing but FlatBuffers' headers.
#pragma once

#include "tools/schema_compiler/model.hpp"

#include <string>

namespace mycelium::schema_compiler {

std::string emit_cpp(const model& model);

} // namespace mycelium::schema_compiler
