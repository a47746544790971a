// Payloads as JSON and back, by what a binary schema says of them: how the mycelium program shows messages of any type
// and takes them from a command line. docs/cli.md tells which JSON a value is; what is written is the canonical
// encoding of docs/schema.md, the same bytes that every language's generated code writes.
#pragma once

#include "schema/registry.hpp"
#include "tools/schema_compiler/model.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string_view>
#include <vector>

namespace mycelium::json_payload {

using json = nlohmann::ordered_json;

// Numbers (floats that JSON has no number for as "nan", "inf", "-inf"), enums by their names, absent numbers with their
// default, absent strings as "", absent vectors as []; tables, structs, unions and optional numbers that are absent are
// left out. The payload is checked while it is read: invalid_payload names the byte.
result<json> to_json(const schema_compiler::model& model, const schema_compiler::table& type, schema::bytes payload);

// What is left out or null is absent. invalid_argument names the field: "items[2].bytes: ...".
result<std::vector<std::uint8_t>> from_json(const schema_compiler::model& model, const schema_compiler::table& type,
                                            const json& value);

// JSON text; invalid_argument tells line and column.
result<json> parse(std::string_view text);

} // namespace mycelium::json_payload
