#include "schema/reflection_plan.hpp"

#include <flatbuffers/reflection_generated.h>

namespace mycelium::schema {
namespace {

enum : std::uint32_t {
  schema_table,
  object_table,
  enum_table,
  field_table,
  value_table,
  type_table,
  pair_table,
  file_table,
  service_table,
  call_table
};

slot_plan scalar(int slot, std::uint16_t size) {
  return {static_cast<std::uint16_t>(slot), slot_kind::inline_bytes, false, size, size, 0};
}

slot_plan reference(int slot, slot_kind kind, std::uint32_t target = 0) {
  return {static_cast<std::uint16_t>(slot), kind, false, 1, 1, target};
}

slot_plan required(slot_plan plan) {
  plan.required = true;
  return plan;
}

std::vector<slot_plan> schema_slots() {
  using t = reflection::Schema;
  return {required(reference(t::VT_OBJECTS, slot_kind::table_vector, object_table)),
          required(reference(t::VT_ENUMS, slot_kind::table_vector, enum_table)),
          reference(t::VT_FILE_IDENT, slot_kind::string),
          reference(t::VT_FILE_EXT, slot_kind::string),
          reference(t::VT_ROOT_TABLE, slot_kind::table, object_table),
          reference(t::VT_SERVICES, slot_kind::table_vector, service_table),
          scalar(t::VT_ADVANCED_FEATURES, 8),
          reference(t::VT_FBS_FILES, slot_kind::table_vector, file_table)};
}

std::vector<slot_plan> object_slots() {
  using t = reflection::Object;
  return {required(reference(t::VT_NAME, slot_kind::string)),
          required(reference(t::VT_FIELDS, slot_kind::table_vector, field_table)),
          scalar(t::VT_IS_STRUCT, 1),
          scalar(t::VT_MINALIGN, 4),
          scalar(t::VT_BYTESIZE, 4),
          reference(t::VT_ATTRIBUTES, slot_kind::table_vector, pair_table),
          reference(t::VT_DOCUMENTATION, slot_kind::string_vector),
          reference(t::VT_DECLARATION_FILE, slot_kind::string)};
}

std::vector<slot_plan> enum_slots() {
  using t = reflection::Enum;
  return {required(reference(t::VT_NAME, slot_kind::string)),
          required(reference(t::VT_VALUES, slot_kind::table_vector, value_table)),
          scalar(t::VT_IS_UNION, 1),
          required(reference(t::VT_UNDERLYING_TYPE, slot_kind::table, type_table)),
          reference(t::VT_ATTRIBUTES, slot_kind::table_vector, pair_table),
          reference(t::VT_DOCUMENTATION, slot_kind::string_vector),
          reference(t::VT_DECLARATION_FILE, slot_kind::string)};
}

std::vector<slot_plan> field_slots() {
  using t = reflection::Field;
  return {required(reference(t::VT_NAME, slot_kind::string)),
          required(reference(t::VT_TYPE, slot_kind::table, type_table)),
          scalar(t::VT_ID, 2),
          scalar(t::VT_OFFSET, 2),
          scalar(t::VT_DEFAULT_INTEGER, 8),
          scalar(t::VT_DEFAULT_REAL, 8),
          scalar(t::VT_DEPRECATED, 1),
          scalar(t::VT_REQUIRED, 1),
          scalar(t::VT_KEY, 1),
          reference(t::VT_ATTRIBUTES, slot_kind::table_vector, pair_table),
          reference(t::VT_DOCUMENTATION, slot_kind::string_vector),
          scalar(t::VT_OPTIONAL, 1),
          scalar(t::VT_PADDING, 2)};
}

std::vector<slot_plan> value_slots() {
  using t = reflection::EnumVal;
  return {required(reference(t::VT_NAME, slot_kind::string)), scalar(t::VT_VALUE, 8),
          reference(t::VT_UNION_TYPE, slot_kind::table, type_table),
          reference(t::VT_DOCUMENTATION, slot_kind::string_vector)};
}

std::vector<slot_plan> type_slots() {
  using t = reflection::Type;
  return {scalar(t::VT_BASE_TYPE, 1),    scalar(t::VT_ELEMENT, 1),   scalar(t::VT_INDEX, 4),
          scalar(t::VT_FIXED_LENGTH, 2), scalar(t::VT_BASE_SIZE, 4), scalar(t::VT_ELEMENT_SIZE, 4)};
}

std::vector<slot_plan> pair_slots() {
  using t = reflection::KeyValue;
  return {required(reference(t::VT_KEY, slot_kind::string)), reference(t::VT_VALUE, slot_kind::string)};
}

std::vector<slot_plan> file_slots() {
  using t = reflection::SchemaFile;
  return {required(reference(t::VT_FILENAME, slot_kind::string)),
          reference(t::VT_INCLUDED_FILENAMES, slot_kind::string_vector)};
}

std::vector<slot_plan> service_slots() {
  using t = reflection::Service;
  return {
      required(reference(t::VT_NAME, slot_kind::string)), reference(t::VT_CALLS, slot_kind::table_vector, call_table),
      reference(t::VT_ATTRIBUTES, slot_kind::table_vector, pair_table),
      reference(t::VT_DOCUMENTATION, slot_kind::string_vector), reference(t::VT_DECLARATION_FILE, slot_kind::string)};
}

std::vector<slot_plan> call_slots() {
  using t = reflection::RPCCall;
  return {required(reference(t::VT_NAME, slot_kind::string)),
          required(reference(t::VT_REQUEST, slot_kind::table, object_table)),
          required(reference(t::VT_RESPONSE, slot_kind::table, object_table)),
          reference(t::VT_ATTRIBUTES, slot_kind::table_vector, pair_table),
          reference(t::VT_DOCUMENTATION, slot_kind::string_vector)};
}

} // namespace

const payload_plan& reflection_plan() {
  static const payload_plan plan = {{schema_slots(), object_slots(), enum_slots(), field_slots(), value_slots(),
                                     type_slots(), pair_slots(), file_slots(), service_slots(), call_slots()},
                                    {}};
  return plan;
}

} // namespace mycelium::schema
