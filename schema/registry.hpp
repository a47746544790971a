// The message types that a runtime knows: built-in ones and those registered from .bfbs at run time. A schema_set is
// immutable after loading and may be shared between threads; a registry may be used from any thread.
#pragma once

#include "schema/status.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace mycelium::schema {

using digest = std::array<std::uint8_t, 32>;
using bytes = std::span<const std::uint8_t>;

enum class verify_level : std::int32_t { none = 1, size = 2, full = 3 };

// One message type: a table with a type_id attribute.
struct message_type {
  std::uint16_t type_id = 0;
  std::string name;  // fully qualified: "mycelium.examples.TextMessage"
  std::string topic; // "" if the table has none
  digest type_digest{};
};

// One parsed and verified binary schema.
class schema_set {
public:
  // Checks the bytes before it reads them; copies what it keeps. invalid_argument if they are no .bfbs, or a type_id is
  // 0, out of range or used twice.
  static result<std::shared_ptr<const schema_set>> load(bytes bfbs);
  // All of schema/*.fbs, compiled into the library.
  static const std::shared_ptr<const schema_set>& built_in();

  const digest& set_digest() const noexcept;
  const std::vector<message_type>& types() const noexcept; // sorted by type_id
  const message_type* find(std::uint16_t type_id) const noexcept;
  // level size checks the root offset, full the whole buffer against the schema. unknown_type, invalid_payload.
  result<void> verify(std::uint16_t type_id, bytes payload, verify_level level) const;

  ~schema_set();
  schema_set(const schema_set&) = delete;
  schema_set& operator=(const schema_set&) = delete;

private:
  schema_set();
  struct contents;
  std::unique_ptr<contents> contents_;
};

// Types are only ever added. Lookups take no lock and never wait: a publisher asks on every message.
class registry {
public:
  registry(); // knows the built-in set
  ~registry();
  registry(const registry&) = delete;
  registry& operator=(const registry&) = delete;

  // Adds a set. digest if one of its type ids is known with another type digest; then nothing is added. Ids below 1000
  // are the system's: invalid_argument for one that the built-in set does not have.
  result<digest> add(bytes bfbs);
  bool knows_set(const digest& set) const;
  // By value: the registry may change the next moment. unknown_type.
  result<message_type> find(std::uint16_t type_id) const;
  result<void> verify(std::uint16_t type_id, bytes payload, verify_level level) const;
  bool contains(std::uint16_t type_id) const noexcept;
  std::vector<message_type> types() const; // of all sets, each once, sorted by type_id

private:
  // type_id >> 8 chooses a page, the rest an entry: the set that knows the type, alive as long as the registry.
  using page = std::array<std::atomic<const schema_set*>, 256>;

  const schema_set* set_of(std::uint16_t type_id) const noexcept;
  result<void> admit(const schema_set& set) const;
  void insert(std::shared_ptr<const schema_set> set);

  mutable std::mutex mutex_; // writers, and sets_
  std::vector<std::shared_ptr<const schema_set>> sets_;
  std::array<std::atomic<page*>, 256> pages_{};
};

} // namespace mycelium::schema
