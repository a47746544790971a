// How things of a schema are called in Rust. A module has no name spaces within: a name that two of the schema's name
// spaces declare is written in full, MyceliumExamplesTextMessage.
#pragma once

#include "tools/schema_compiler/model.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mycelium::schema_compiler {

// In the order of the model.
struct rust_names {
  std::vector<std::string> enums;
  std::vector<std::string> structs;
  std::vector<std::string> unions;
  std::vector<std::string> tables;
};

// unsupported if two declarations would need one name.
result<rust_names> name_for_rust(const model& from);

std::string rust_field(const field& field);
std::string rust_variant(const union_member& member);
std::string rust_enum_value(const enum_value& value);
std::string rust_scalar(scalar number);

// Lints that Rust's compiler would have against names that a schema may well choose: "" or "#[allow(...)]\n".
std::string rust_allow_type_name(std::string_view name);
std::string rust_allow_field_names(const std::vector<field>& fields);

} // namespace mycelium::schema_compiler
