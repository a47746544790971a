// The types of the generated Rust, and the constants of its messages.
#pragma once

#include "tools/schema_compiler/model.hpp"
#include "tools/schema_compiler/rust_names.hpp"

#include <string>
#include <string_view>

namespace mycelium::schema_compiler {

// What an emitter of Rust knows: the model, its names, and where the codec is found ("::mycelium::codec").
struct rust_scope {
  const model& from;
  const rust_names& names;
  std::string_view codec;
};

// The type of one value, without container or option: "i32", "Colour", "String".
std::string rust_value(const rust_scope& in, const field_type& type);
// The default of a number or enum.
std::string rust_default(const rust_scope& in, const field& field);
// A table that is not required, or may hold its own kind, is an Option; so is every union.
bool rust_is_option(const field& field);

std::string rust_enum(const rust_scope& in, std::size_t index);
std::string rust_struct(const rust_scope& in, std::size_t index);
std::string rust_union(const rust_scope& in, std::size_t index);
// The struct of a table, its default, constants, encode and decode.
std::string rust_table(const rust_scope& in, std::size_t index);

// 32 bytes in two lines.
std::string rust_digest(const schema::digest& digest, std::string_view indent);

} // namespace mycelium::schema_compiler
