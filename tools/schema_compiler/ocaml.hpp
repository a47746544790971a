// Writes OCaml: one module per schema, NAME.mli and NAME.ml, which need the standard library only. docs/ocaml.md tells
// what they offer.
#pragma once

#include "tools/schema_compiler/model.hpp"

#include <string>
#include <vector>

namespace mycelium::schema_compiler {

struct ocaml_file {
  std::string name; // "examples.ml"
  std::string text;
};

// bfbs is the schema that the model was loaded from; the module carries it, so that a runtime can be told of its types.
// unsupported if two declarations would need one OCaml name.
result<std::vector<ocaml_file>> emit_ocaml(const model& from, schema::bytes bfbs);

} // namespace mycelium::schema_compiler
