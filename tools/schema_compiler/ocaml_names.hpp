// How things of a schema are called in OCaml. Modules and constructors begin with a capital letter, labels and values
// do not; words of the language get an underscore; where two name spaces declare one name, both are called by their
// full one.
#pragma once

#include "tools/schema_compiler/model.hpp"

#include <string>
#include <vector>

namespace mycelium::schema_compiler {

struct ocaml_names {
  std::string module; // of the file, without its extension
  // As in the model: the names of modules, and of what stands in each.
  std::vector<std::string> enums, structs, unions, tables;
  std::vector<std::vector<std::string>> enum_values;   // constructors; of an enum with bit_flags values
  std::vector<std::vector<std::string>> struct_fields; // labels
  std::vector<std::vector<std::string>> table_fields;
  std::vector<std::vector<std::string>> union_members; // constructors
};

result<ocaml_names> name_for_ocaml(const model& from);

} // namespace mycelium::schema_compiler
