// The functions of the generated C++ that read and write: what a user of the header need not read.
#pragma once

#include "tools/schema_compiler/model.hpp"

#include <string>

namespace mycelium::schema_compiler {

// flat_load and flat_store of a struct.
std::string cpp_struct_codec(const model& model, const structure& each);
// Declarations, so that tables may refer to each other in any order.
std::string cpp_union_codec_declaration(const union_type& each);
std::string cpp_table_codec_declaration(const table& each);
std::string cpp_union_codec(const union_type& each);
// flat_read, flat_write, encode and decode of a table.
std::string cpp_table_codec(const model& model, const table& each);

} // namespace mycelium::schema_compiler
