// The canonical form of a schema, a text with one spelling for each meaning, and the digests over it. docs/schema.md
// describes it so that a stranger can write it.
#pragma once

#include "schema/declarations.hpp"

#include <string>
#include <vector>

namespace mycelium::schema {

// "[struct a.Point:3]"; "" for the type of a union's NONE.
std::string type_text(const declarations& all, const type& type);
// A scalar's default: an integer, or the bits of a double.
std::string default_text(const field& field);

// What the form says about each declaration: texts[i] of objects[i], then those of the enums.
std::vector<std::string> canonical_texts(const declarations& all);

// The whole set.
std::string canonical_set(const declarations& all, const std::vector<std::string>& texts);
// The table objects[root] and everything that it refers to.
std::string canonical_type(const declarations& all, const std::vector<std::string>& texts, std::size_t root);

} // namespace mycelium::schema
