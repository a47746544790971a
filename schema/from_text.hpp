// For tests: a binary schema from .fbs text, through FlatBuffers' own parser.
#pragma once

#include "schema/declarations.hpp"

#include <string>
#include <vector>

namespace mycelium::schema::testing {

// The attributes type_id and topic are declared already. Throws std::invalid_argument with the parser's words.
std::vector<std::uint8_t> bfbs_from_text(const std::string& text);
// The same, read; fails the same way.
declarations from_text(const std::string& text);
std::vector<std::uint8_t> file_content(const std::string& path);

} // namespace mycelium::schema::testing
