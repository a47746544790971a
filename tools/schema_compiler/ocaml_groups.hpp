// In which order OCaml declares tables and unions: it has no forward declarations, so those that refer to each other
// are declared together.
#pragma once

#include "tools/schema_compiler/model.hpp"

#include <vector>

namespace mycelium::schema_compiler {

struct ocaml_node {
  bool is_union = false;
  std::size_t index = 0; // in model.unions or model.tables
};

struct ocaml_group {
  std::vector<ocaml_node> nodes;
  bool recursive = false; // its nodes reach themselves
};

// Every table and union, each group after those that it refers to.
std::vector<ocaml_group> ocaml_groups(const model& from);

} // namespace mycelium::schema_compiler
