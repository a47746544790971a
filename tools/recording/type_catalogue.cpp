#include "tools/recording/type_catalogue.hpp"

#include "schema/built_in.hpp"

#include <charconv>

namespace mycelium::recording {
namespace {

std::string_view last_part(std::string_view name) { return name.substr(name.rfind('.') + 1); }

} // namespace

type_catalogue::type_catalogue() {
  // Its own bytes are a schema; that is checked whenever the library is built.
  static_cast<void>(add(schema::built_in_bfbs()));
}

result<void> type_catalogue::add(schema::bytes bfbs) {
  const auto set = schema::schema_set::load(bfbs);
  if (!set)
    return set.error();
  const auto copy = std::make_shared<const std::vector<std::uint8_t>>(bfbs.begin(), bfbs.end());
  for (const auto& type : (*set)->types())
    types_.try_emplace(type.type_id, described_type{type, copy});
  return {};
}

const described_type* type_catalogue::find(std::uint16_t type_id) const noexcept {
  const auto at = types_.find(type_id);
  return at == types_.end() ? nullptr : &at->second;
}

result<std::uint16_t> type_catalogue::id_of(const std::string& name) const {
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error == std::errc{} && end == name.data() + name.size() && number != 0)
    return number;
  std::vector<std::uint16_t> found;
  for (const auto& [type_id, known] : types_) {
    if (known.type.name == name)
      return type_id;
    if (last_part(known.type.name) == name)
      found.push_back(type_id);
  }
  if (found.size() == 1)
    return found.front();
  std::string text = "there is no message type '" + name + "'; give its number, or its schema as well";
  if (found.size() > 1) {
    text = "'" + name + "' could be";
    for (const auto type_id : found)
      text += " " + types_.at(type_id).type.name + " (" + std::to_string(type_id) + ")";
  }
  return failure{status::invalid_argument, text};
}

std::string to_hex(std::span<const std::uint8_t> raw) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const auto byte : raw) {
    text += digits[byte >> 4U];
    text += digits[byte & 15U];
  }
  return text;
}

std::optional<schema::digest> digest_from_hex(std::string_view text) {
  schema::digest digest{};
  if (text.size() != 2 * digest.size())
    return std::nullopt;
  for (std::size_t i = 0; i < digest.size(); ++i) {
    const auto* begin = text.data() + 2 * i;
    const auto [end, error] = std::from_chars(begin, begin + 2, digest[i], 16);
    if (error != std::errc{} || end != begin + 2)
      return std::nullopt;
  }
  return digest;
}

} // namespace mycelium::recording
