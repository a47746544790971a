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

// "#[allow(...)]\n" for a type, or an impl of one: a program need not use all of a schema, nor need a schema choose
// names as Rust's compiler likes them.
std::string rust_allow(bool camel_case, const std::vector<field>& fields = {});
bool is_camel_case(std::string_view type_name);

} // namespace mycelium::schema_compiler
