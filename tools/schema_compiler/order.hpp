// In which order declarations and slots are written.
#pragma once

#include "tools/schema_compiler/model.hpp"

namespace mycelium::schema_compiler {

// Places in all.objects: structs, each after those it contains.
std::vector<std::size_t> struct_order(const schema::declarations& all);
// Places in all.objects: tables, each after those it refers to, unless they refer to it.
std::vector<std::size_t> table_order(const schema::declarations& all);

// Whether table all.objects[from] refers, through any fields, to target: a place in all.objects, or all.objects.size()
// plus a place in all.enums. A table reaches itself.
bool reaches(const schema::declarations& all, std::size_t from, std::size_t target);

// Largest slots first, of one size the highest id first: the order of flatc's CreateX functions.
std::vector<slot_write> write_order(const std::vector<field>& fields);

} // namespace mycelium::schema_compiler
