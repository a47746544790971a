// A schema from a file: .fbs, which is parsed by FlatBuffers' own parser, or .bfbs.
#pragma once

#include "schema/declarations.hpp"
#include "tools/schema_compiler/places.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace mycelium::schema_compiler {

struct source {
  std::filesystem::path path;
  std::vector<std::uint8_t> bfbs; // with comments and built-in attributes if it was parsed
  schema::declarations declarations;
  schema_compiler::places places; // empty for a .bfbs
};

// Reads and checks the file and what it includes, looked for beside it and in the folders given. The error begins with
// "file:line:" where that is known.
result<source> load_source(const std::filesystem::path& path, const std::vector<std::string>& include_folders = {});

// "schema/examples.fbs:12: " for a declaration or field of the schema, else "schema/examples.bfbs: ".
std::string place_of(const source& from, const std::string& name);

} // namespace mycelium::schema_compiler
