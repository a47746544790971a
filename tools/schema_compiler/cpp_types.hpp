// Declarations of the generated C++: what a user of the header reads.
#pragma once

#include "tools/schema_compiler/model.hpp"

#include <string>

namespace mycelium::schema_compiler {

std::string cpp_enum(const enumeration& each);
std::string cpp_struct(const model& model, const structure& each);
// The variant that stands for a union, with a comment on its alternatives.
std::string cpp_union(const model& model, const union_type& each);
std::string cpp_table(const model& model, const table& each);

} // namespace mycelium::schema_compiler
