#include "tools/cli/bus_types.hpp"

#include "schema/built_in.hpp"
#include "tools/cli/bus_source.hpp"

#include <algorithm>

namespace mycelium::cli {

result<bus_types> bus_types::of(const bus_source& source) {
  bus_types types;
  if (auto added = types.add(schema::built_in_bfbs()); !added)
    return added.error();
  for (const auto& bfbs : source.schemas()) {
    if (auto named = types.catalogue_.add(bfbs); !named)
      return named.error();
    if (auto added = types.add(bfbs); !added)
      return added.error();
  }
  return types;
}

result<void> bus_types::add(schema::bytes bfbs) {
  auto model = schema_compiler::load_model(bfbs, "schema");
  if (!model)
    return model.error();
  models_.push_back(std::move(*model));
  for (const auto& table : models_.back().tables)
    if (table.message)
      known_.try_emplace(table.message->type_id, known{&models_.back(), &table});
  return {};
}

result<std::vector<std::uint16_t>> bus_types::ids_of(const std::vector<std::string>& names) const {
  std::vector<std::uint16_t> ids;
  for (const auto& name : names) {
    const auto before = ids.size();
    for (const auto& [type_id, each] : all())
      if (each.type.topic == name)
        ids.push_back(type_id);
    if (ids.size() > before)
      continue;
    const auto type_id = id_of(name);
    if (!type_id)
      return failure{type_id.error().code, type_id.error().text + " (nor is it a topic)"};
    ids.push_back(*type_id);
  }
  std::ranges::sort(ids);
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

std::string bus_types::name_of(std::uint16_t type_id) const {
  const auto* described = catalogue_.find(type_id);
  return described != nullptr ? described->type.name : "type " + std::to_string(type_id);
}

failure bus_types::no_schema(std::uint16_t type_id) const {
  return {status::unknown_type, name_of(type_id) + " has no schema here: give it with --schema FILE, or use --raw"};
}

result<json_payload::json> bus_types::to_json(std::uint16_t type_id, schema::bytes payload) const {
  const auto found = known_.find(type_id);
  if (found == known_.end())
    return no_schema(type_id);
  return json_payload::to_json(*found->second.in, *found->second.type, payload);
}

result<std::vector<std::uint8_t>> bus_types::from_json(std::uint16_t type_id, const json_payload::json& value) const {
  const auto found = known_.find(type_id);
  if (found == known_.end())
    return no_schema(type_id);
  return json_payload::from_json(*found->second.in, *found->second.type, value);
}

result<std::vector<std::uint8_t>> bytes_of_hex(const std::string& text) {
  std::vector<std::uint8_t> bytes;
  int digits = 0;
  for (const char c : text) {
    if (c == ' ' || c == '\n')
      continue;
    const auto digit =
        std::string_view("0123456789abcdef").find(static_cast<char>(c | ((c >= 'A' && c <= 'F') ? 32 : 0)));
    if (digit == std::string_view::npos)
      return failure{status::invalid_argument, std::string("'") + c + "' is no hexadecimal digit"};
    if (digits++ % 2 == 0)
      bytes.push_back(static_cast<std::uint8_t>(digit << 4U));
    else
      bytes.back() = static_cast<std::uint8_t>(bytes.back() | digit);
  }
  if (digits % 2 != 0)
    return failure{status::invalid_argument, "a byte is two hexadecimal digits; there is an odd number of them"};
  return bytes;
}

} // namespace mycelium::cli
