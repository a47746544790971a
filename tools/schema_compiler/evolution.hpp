// What changed between two versions of a schema, and whether programs built from one can still talk to programs built
// from the other, in both directions. flatc --conform accepts a deleted last field; this does not.
#pragma once

#include "schema/declarations.hpp"

#include <string>
#include <vector>

namespace mycelium::schema_compiler {

struct change {
  bool breaks = false;
  std::string where;    // "a.b.Table.field", in the new schema if it is there, else in the old
  bool removed = false; // where names something that only the old schema has
  std::string what;     // "type changed from int to short", and what to do instead if it breaks
};

// Ascending by where.
std::vector<change> compare(const schema::declarations& before, const schema::declarations& after);

} // namespace mycelium::schema_compiler
