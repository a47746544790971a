// Types as people name them in files and options: ids, ranges of ids, topics, or all.
#pragma once

#include "schema/registry.hpp"
#include "schema/status.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace toml {
inline namespace v3 {
class table;
}
} // namespace toml

namespace mycelium::bridge {

class toml_file;

// Topics' types are found in the schemas of the moment.
class type_set {
public:
  // Of the form "20001, 20010-20019, sensors": invalid_argument.
  static result<type_set> parse(std::string_view list);
  // The value of a key, a type or an array of them; none where it is missing. topology, with file, line and key.
  static result<type_set> read(const toml_file& file, const toml::table& table, std::string_view key);

  void add(std::uint16_t first, std::uint16_t last);
  // An id, a range "1000-1999", a topic or "*"; else invalid_argument.
  result<void> add(std::string_view text);
  bool is_empty() const noexcept { return ranges_.empty() && topics_.empty(); }
  bool contains(std::uint16_t type_id, const schema::registry& types) const;

private:
  std::vector<std::pair<std::uint16_t, std::uint16_t>> ranges_; // sorted, apart
  std::vector<std::string> topics_;
};

} // namespace mycelium::bridge
