// Pieces of OCaml source: types, literals, comments.
#pragma once

#include "tools/schema_compiler/model.hpp"
#include "tools/schema_compiler/ocaml_names.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mycelium::schema_compiler {

// The part of a support function's name that stands for a number: "uint8", "float32"; of uint64 "int64".
std::string ocaml_number(scalar number);
// Whether it is an int64 in OCaml, whose int has 63 bits.
bool is_wide(scalar number);
// Whether a vector of it is a Bigarray: a number, and neither a bool nor an enum.
bool is_bigarray(const field_type& type);
// "uint8s", the type of such a vector, and the end of its functions' names.
std::string ocaml_vector(scalar number);

// The types of fields: "int", "Colour.t option", "float64s".
std::string ocaml_struct_field(const ocaml_names& names, const field& field);
std::string ocaml_table_field(const ocaml_names& names, const field& field);

std::string ocaml_integer(scalar number, std::int64_t value);
// The default as it would stand in a payload: a number, also for an enum.
std::string ocaml_raw_default(const field& field);
// "{ a; b }", on several lines if one would be long; "()" of nothing.
std::string ocaml_record(const std::vector<std::string>& items, std::string_view indent);
// What a new value of a struct or table holds. "" if there can be none: the table requires itself.
std::string ocaml_struct_default(const model& model, const ocaml_names& names, std::size_t which);
std::string ocaml_table_default(const model& model, const ocaml_names& names, std::size_t which);

// "..." with escapes; over several lines if it is long.
std::string ocaml_string(std::string_view bytes);
std::string ocaml_bytes(schema::bytes bytes);
// "\x01\x02..." in two lines.
std::string ocaml_digest(const schema::digest& digest);

// What odoc shows of an item: a comment before it, or an attribute behind it for text that no comment can hold.
std::string ocaml_comment(const std::vector<std::string>& docs, std::string_view indent);
std::string ocaml_attribute(const std::vector<std::string>& docs);
// A line of a type with its docs: part is "name : type" or "| Name", end ";" or nothing.
std::string ocaml_part(const std::string& part, std::string_view end, const std::vector<std::string>& docs);

} // namespace mycelium::schema_compiler
