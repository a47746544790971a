// What a schema says, in the shape and order in which a language's emitter writes it down: one model, read by every
// emitter, so that all languages agree on names, ids, defaults and on the order of bytes (docs/schema.md).
#pragma once

#include "schema/declarations.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace mycelium::schema_compiler {

inline constexpr std::size_t no_index = std::numeric_limits<std::size_t>::max();

enum class scalar : std::uint8_t {
  boolean,
  int8,
  uint8,
  int16,
  uint16,
  int32,
  uint32,
  int64,
  uint64,
  float32,
  float64
};

enum class value_kind : std::uint8_t { scalar, string, structure, table, union_value };
enum class container : std::uint8_t { one, vector, array }; // array: fixed length, only in structs

struct field_type {
  container holds = container::one;
  value_kind kind = value_kind::scalar; // of the value, or of each element
  scalar number = scalar::boolean;      // kind scalar; for an enum its underlying type
  std::size_t index = no_index; // in model.enums (a scalar; no_index: a plain number), .structs, .tables, .unions
  std::uint32_t length = 0;     // of an array
  std::uint32_t size = 0;       // bytes of one value or element where it stands: scalar, struct, or 4 (an offset)
  std::uint32_t alignment = 1;  // of the same
};

struct field {
  std::string name;
  std::uint16_t id = 0;   // of a union: its value field's; the field that holds its type has id - 1
  std::uint16_t slot = 0; // table: offset in the vtable, 4 + 2 * id; struct: offset in the struct
  field_type type;
  std::int64_t default_integer = 0; // one scalar; of uint64 the same 64 bits; of boolean 0 or 1
  double default_real = 0;          // one float32 or float64; may be infinite or NaN
  bool optional = false;            // one scalar without a default: absent unless set, written whenever set
  bool required = false;            // never absent, in no valid buffer
  bool recursive = false;           // one table that may hold, at any depth, the table this field is in
  std::vector<std::string> docs;    // without "///", the space after it kept
};

// A name and where it stands: "mycelium.examples", "TextMessage", "mycelium.examples.TextMessage".
struct declared_name {
  std::string space;
  std::string local;
  std::string full;
};

struct enum_value {
  std::string name;
  std::int64_t value = 0; // of a uint64 enum the same 64 bits
  std::vector<std::string> docs;
};

struct enumeration {
  declared_name name;
  scalar underlying = scalar::int8;
  bool bit_flags = false; // known only when the schema was compiled with built-in attributes, as ours is
  std::vector<enum_value> values;
  std::vector<std::string> docs;
};

struct structure {
  declared_name name;
  std::uint32_t size = 0;
  std::uint32_t alignment = 1;
  std::vector<field> fields; // in order of their offsets; bytes between them are 0
  std::vector<std::string> docs;
};

struct union_member {
  std::string name;
  std::uint8_t value = 0; // what the type field holds; 0 is NONE and no member
  std::size_t table = no_index;
  bool recursive = false; // the table may hold, at any depth, this union
  std::vector<std::string> docs;
};

struct union_type {
  declared_name name;
  std::vector<union_member> members; // ascending by value
  std::vector<std::string> docs;
};

// One entry of a table's vtable, as an encoder adds it.
struct slot_write {
  std::size_t field = 0;   // in table.fields
  bool union_type = false; // the union's type byte, not its value
};

// A table with a type_id is a message.
struct message {
  std::uint16_t type_id = 0;
  std::string topic; // "" if it has none
  schema::digest type_digest{};
};

struct table {
  declared_name name;
  std::optional<schema_compiler::message> message;
  std::vector<field> fields;      // ascending by id, deprecated ones left out; children are built in this order
  std::vector<slot_write> writes; // the order in which the slots are added once the children are built
  std::vector<std::string> docs;
};

struct model {
  std::string name; // the schema file's name without directory and extension
  schema::digest set_digest{};
  std::vector<enumeration> enums;    // by name
  std::vector<structure> structs;    // each after those it contains
  std::vector<union_type> unions;    // by name
  std::vector<table> tables;         // each after those it refers to, unless they refer to it
  std::vector<std::size_t> messages; // in tables, ascending by type_id
};

// invalid_argument for malformed bytes; unsupported for what the emitters do not express: a vector of unions, and a
// union member that is not a table. name is what the generated file is called after.
result<model> load_model(schema::bytes bfbs, std::string name);

} // namespace mycelium::schema_compiler
