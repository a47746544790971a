// What a binary schema (.bfbs) declares, as plain values: read once, checked completely, then used by everything that
// asks about a schema (digests, payload checks, the evolution check, the compiler). Nothing here refers to the bytes.
#pragma once

#include "schema/registry.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace mycelium::schema {

// Numbered as FlatBuffers' reflection::BaseType.
enum class base_type : std::uint8_t {
  none,
  union_type, // the companion field that says which member a union holds
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
  float64,
  string,
  vector,
  object, // table or struct
  union_value,
  array, // fixed length, in structs only
};

constexpr bool is_scalar(base_type type) { return type >= base_type::union_type && type <= base_type::float64; }
constexpr bool is_float(base_type type) { return type == base_type::float32 || type == base_type::float64; }
// Bytes of a scalar; 4, an offset, for everything that is stored elsewhere; 0 for none and array.
std::size_t size_of(base_type type);

struct type {
  base_type base = base_type::none;
  base_type element = base_type::none; // of a vector or array
  std::int32_t index = -1;             // object: in objects; scalar: its enum, or -1; union_type, union_value: in enums
  std::uint16_t length = 0;            // of an array
  // What a value is, or each element of a vector or array.
  base_type item() const { return base == base_type::vector || base == base_type::array ? element : base; }
};

struct attribute {
  std::string key;
  std::string value;
};

struct field {
  std::string name;
  schema::type type;
  std::uint16_t id = 0;
  std::uint16_t slot = 0; // table: offset in the vtable, 4 + 2 * id; struct: offset in the struct
  std::int64_t default_integer = 0;
  double default_real = 0;
  bool deprecated = false;
  bool required = false;
  bool key = false;
  bool optional = false; // a scalar without a default: absent unless set. Everything else that may be absent, too
  std::vector<attribute> attributes;
  std::vector<std::string> docs; // lines of ///, if the schema was compiled with comments
};

struct object {
  std::string name; // fully qualified
  bool is_struct = false;
  std::uint32_t alignment = 1; // struct
  std::uint32_t size = 0;      // struct
  std::vector<field> fields;   // fields[i].id is i
  std::vector<attribute> attributes;
  std::vector<std::string> docs;
};

struct enum_value {
  std::string name;
  std::int64_t value = 0; // of a uint64 enum: the same 64 bits
  schema::type member;    // union: object or string; none for NONE
  std::vector<std::string> docs;
};

struct enumeration {
  std::string name; // fully qualified
  bool is_union = false;
  base_type underlying = base_type::none;
  std::vector<enum_value> values; // ascending; a union's first is NONE
  std::vector<attribute> attributes;
  std::vector<std::string> docs;
};

struct declarations {
  std::vector<object> objects;    // ascending by name
  std::vector<enumeration> enums; // ascending by name
};

// nullptr if there is none.
const std::string* find_attribute(const std::vector<attribute>& attributes, std::string_view key);

// Every index in range, every offset inside its struct, no struct inside itself, ids without gaps, names unique:
// whoever reads declarations need not check again. invalid_argument says what is wrong.
result<declarations> read_declarations(bytes bfbs);

} // namespace mycelium::schema
