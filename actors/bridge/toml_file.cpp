#include "actors/bridge/toml_file.hpp"

#include "actors/bridge/toml_text.hpp"

#include <algorithm>

namespace mycelium::bridge {
namespace {

failure at_line(const std::string& path, const toml::source_region& where, const std::string& what) {
  return {status::topology, path + ":" + std::to_string(where.begin.line) + ": " + what};
}

} // namespace

std::string beside(const std::string& file, const std::string& path) {
  const auto slash = file.rfind('/');
  return path.starts_with('/') || slash == std::string::npos ? path : file.substr(0, slash + 1) + path;
}

result<toml_file> toml_file::parse(std::string_view text, const std::string& path) {
  if (const auto flaw = find_what_is_no_toml(text))
    return failure{status::topology, path + ":" + std::to_string(flaw->line) + ": " + flaw->what};
  try {
    return toml_file(path, toml::parse(text, path));
  } catch (const toml::parse_error& error) {
    return at_line(path, error.source(), std::string(error.description()));
  } catch (const std::logic_error& error) {
    return failure{status::topology, path + ":1: this is no TOML: " + error.what()};
  }
}

failure toml_file::wrong(const toml::source_region& where, const std::string& what) const {
  return at_line(path_, where, what);
}

result<void> toml_file::only(const toml::table& table, std::initializer_list<std::string_view> keys) const {
  for (const auto& [key, value] : table)
    if (std::ranges::find(keys, std::string_view(key.str())) == keys.end())
      return failure{wrong(value.source(), "key '" + std::string(key.str()) + "' is not known here")};
  return {};
}

result<std::string> toml_file::text(const toml::table& table, std::string_view key, bool required) const {
  const auto* node = table.get(key);
  if (node == nullptr)
    return required ? result<std::string>(wrong(table.source(), "key '" + std::string(key) + "' is missing"))
                    : result<std::string>(std::string());
  const auto value = node->value_exact<std::string>();
  if (!value || value->empty())
    return wrong(node->source(), "key '" + std::string(key) + "' is no text");
  return *value;
}

result<std::vector<std::string>> toml_file::texts(const toml::table& table, std::string_view key) const {
  const auto* node = table.get(key);
  std::vector<std::string> all;
  if (node == nullptr)
    return all;
  const auto add = [&](const toml::node& entry) -> result<void> {
    const auto value = entry.value_exact<std::string>();
    if (!value || value->empty())
      return failure{wrong(entry.source(), "key '" + std::string(key) + "' is no text and no array of texts")};
    all.push_back(*value);
    return {};
  };
  if (!node->is_array()) {
    if (auto added = add(*node); !added)
      return added.error();
    return all;
  }
  for (const auto& entry : *node->as_array())
    if (auto added = add(entry); !added)
      return added.error();
  return all;
}

result<std::string> toml_file::readable(const toml::table& table, std::string_view key) const {
  auto given = text(table, key, false);
  if (!given || given->empty())
    return given;
  const auto file = beside(path_, *given);
  if (!std::ifstream(file))
    return wrong(table.get(key)->source(), "key '" + std::string(key) + "': " + file + " cannot be read");
  return file;
}

} // namespace mycelium::bridge
