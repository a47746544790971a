// How things of a schema are called in C++.
#pragma once

#include "tools/schema_compiler/model.hpp"

#include <string>
#include <string_view>

namespace mycelium::schema_compiler {

// Runtime support's name space, as generated code writes it.
inline constexpr std::string_view cpp_support = "::mycelium::flat1";

// "mycelium::examples"; "" for the global one.
std::string cpp_space(const declared_name& name);
std::string cpp_local(const declared_name& name);
// "::mycelium::examples::TextMessage"
std::string cpp_full(const declared_name& name);
std::string cpp_field(const field& field, const declared_name& holder);
std::string cpp_enum_value(const enum_value& value);

std::string cpp_scalar(scalar number);
// The type of one value, without container or optional: "std::int32_t", "::a::Colour", "std::string".
std::string cpp_value(const model& model, const field_type& type);
// The type of a member: "std::vector<::a::Node>".
std::string cpp_struct_member(const model& model, const field& field);
std::string cpp_table_member(const model& model, const field& field);
// The default of a number or enum, as a literal.
std::string cpp_default(const model& model, const field& field);

// Lines of ///, each after the indent.
std::string cpp_docs(const std::vector<std::string>& docs, std::string_view indent);
// 32 bytes in two lines.
std::string cpp_digest(const schema::digest& digest);

} // namespace mycelium::schema_compiler
