// What is known of message types when they are recorded: names, digests, and the binary schema that goes into the file.
#pragma once

#include "schema/registry.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace mycelium::recording {

struct described_type {
  schema::message_type type;
  std::shared_ptr<const std::vector<std::uint8_t>> bfbs; // of the set that it belongs to; null if that is not known
};

class type_catalogue {
public:
  type_catalogue(); // knows the built-in types

  // Adds the types of a binary schema; those that are known already stay. As schema_set::load.
  result<void> add(schema::bytes bfbs);
  const described_type* find(std::uint16_t type_id) const noexcept;
  const std::map<std::uint16_t, described_type>& all() const noexcept { return types_; }
  // By number, by full name or by the last part of it. invalid_argument, which names those that it could be.
  result<std::uint16_t> id_of(const std::string& name) const;

private:
  std::map<std::uint16_t, described_type> types_;
};

std::string to_hex(std::span<const std::uint8_t> raw);
std::optional<schema::digest> digest_from_hex(std::string_view text);

} // namespace mycelium::recording
