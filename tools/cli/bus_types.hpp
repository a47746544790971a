// The message types that a verb can show and take: the built-in ones, and those of --schema.
#pragma once

#include "tools/json_payload/payload_json.hpp"
#include "tools/recording/type_catalogue.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

namespace mycelium::cli {

class bus_source;

class bus_types {
public:
  static result<bus_types> of(const bus_source& source);

  // By number, full name or the last part of it. invalid_argument.
  result<std::uint16_t> id_of(const std::string& name) const { return catalogue_.id_of(name); }
  // The same for a list, in which a topic stands for all of its types; each once.
  result<std::vector<std::uint16_t>> ids_of(const std::vector<std::string>& names) const;
  const std::map<std::uint16_t, recording::described_type>& all() const noexcept { return catalogue_.all(); }
  bool knows(std::uint16_t type_id) const noexcept { return known_.contains(type_id); }
  // "mycelium.examples.TextMessage"; "type 7" for one without a schema.
  std::string name_of(std::uint16_t type_id) const;

  // unknown_type for a type without a schema.
  result<json_payload::json> to_json(std::uint16_t type_id, schema::bytes payload) const;
  result<std::vector<std::uint8_t>> from_json(std::uint16_t type_id, const json_payload::json& value) const;

private:
  struct known {
    const schema_compiler::model* in;
    const schema_compiler::table* type;
  };
  result<void> add(schema::bytes bfbs);
  failure no_schema(std::uint16_t type_id) const;

  recording::type_catalogue catalogue_;
  std::deque<schema_compiler::model> models_;
  std::map<std::uint16_t, known> known_;
};

// Bytes of "0f a0" or "0fa0"; invalid_argument.
result<std::vector<std::uint8_t>> bytes_of_hex(const std::string& text);

} // namespace mycelium::cli
