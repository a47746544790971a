// Checks foreign bytes against the shape of a FlatBuffers table before anyone reads them in place. Written here because
// FlatBuffers' own check by reflection indexes union members by position, reads a union's type before it has checked it
// and has no bound on the work that a buffer full of shared tables causes. This one follows a plan made once per
// schema.
#pragma once

#include "schema/flat_reader.hpp"
#include "schema/registry.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace mycelium::schema {

enum class slot_kind : std::uint8_t {
  inline_bytes, // scalar or struct
  string,
  flat_vector, // of scalars or structs
  string_vector,
  table,
  table_vector,
  union_value,  // its type is in the slot before it
  union_vector, // its vector of types is in the slot before it
};

// One vtable slot.
struct slot_plan {
  std::uint16_t slot = 0;
  slot_kind kind = slot_kind::inline_bytes;
  bool required = false;
  std::uint16_t alignment = 1; // inline_bytes, elements of a flat_vector
  std::uint32_t size = 1;      // of the same
  std::uint32_t target = 0;    // table, table_vector: in tables; union_value, union_vector: in unions
};

// What a union holds under one value of its type.
struct member_plan {
  enum class what : std::uint8_t { unknown, table, structure, string };
  what holds = what::unknown; // unknown: added by a newer schema; only its offset is checked
  std::uint16_t alignment = 1;
  std::uint32_t size = 0;
  std::uint32_t target = 0;
};

struct payload_plan {
  std::vector<std::vector<slot_plan>> tables;   // slots ascending
  std::vector<std::vector<member_plan>> unions; // indexed by the type's value
};

using flat1::flaw;

// The root offset and the table it leads to lie inside the payload.
std::optional<flaw> check_root(bytes payload);
// Everything that the table's plan leads to does.
std::optional<flaw> check_payload(const payload_plan& plan, std::uint32_t root_table, bytes payload);

} // namespace mycelium::schema
