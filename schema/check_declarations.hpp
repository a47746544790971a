// Whether declarations make sense: a .bfbs that is a sound FlatBuffer may still name types that do not exist.
#pragma once

#include "schema/declarations.hpp"

#include <optional>

namespace mycelium::schema {

// What is wrong, in words: "field a.B.c: ...".
std::optional<std::string> check_declarations(const declarations& all);

} // namespace mycelium::schema
