// The functions of the generated Rust that read and write.
#pragma once

#include "tools/schema_compiler/rust_types.hpp"

#include <string>

namespace mycelium::schema_compiler {

std::string rust_struct_codec(const rust_scope& in, std::size_t index);
std::string rust_union_codec(const rust_scope& in, std::size_t index);
std::string rust_table_codec(const rust_scope& in, std::size_t index);

} // namespace mycelium::schema_compiler
