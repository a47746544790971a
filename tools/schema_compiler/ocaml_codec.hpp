// The functions of the generated OCaml that read and write: what stands in NAME.ml beside the types.
#pragma once

#include "tools/schema_compiler/model.hpp"
#include "tools/schema_compiler/ocaml_names.hpp"

#include <string>

namespace mycelium::schema_compiler {

// to_int and of_int; nothing for an enum with bit_flags, which is a number.
std::string ocaml_enum_codec(const enumeration& each, const std::vector<std::string>& constructors);
// load and store.
std::string ocaml_struct_codec(const model& model, const ocaml_names& names, std::size_t which);
// write, number and read.
std::string ocaml_union_codec(const model& model, const ocaml_names& names, std::size_t which);
// write and read.
std::string ocaml_table_codec(const model& model, const ocaml_names& names, std::size_t which);

} // namespace mycelium::schema_compiler
