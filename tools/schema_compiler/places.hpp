// Where things are declared in .fbs text, for error messages: FlatBuffers' parser forgets it.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace mycelium::schema_compiler {

struct place {
  std::string file;
  std::size_t line = 0;
};

// By full name: "a.b.Table", "a.b.Table.field", "a.b.Enum.Value".
using places = std::map<std::string, place, std::less<>>;

// Adds what a text declares that the parser has accepted.
void find_places(const std::string& file, std::string_view text, places& out);

} // namespace mycelium::schema_compiler
