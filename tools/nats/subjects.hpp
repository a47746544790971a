// Which types are carried, and under which subjects: PREFIX.TOPIC.TYPE. docs/nats.md has the rules. Pure.
#pragma once

#include "schema/registry.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mycelium::nats {

struct chosen_type {
  std::uint16_t type_id = 0;
  std::string name;                     // "" if the type has no schema
  std::optional<schema::digest> digest; // of its schema
  std::string subject;
  bool durable = false;
};

class subject_map {
public:
  // A pattern chooses a type by its number, its full name, the last part of that, its topic, or as a NATS subject with
  // wildcards behind the prefix. invalid_argument for one that chooses nothing, or where two types have one subject.
  static result<subject_map> choose(const std::vector<schema::message_type>& known,
                                    const std::vector<std::string>& patterns, const std::vector<std::string>& durable,
                                    const std::string& prefix);

  const chosen_type* find(std::uint16_t type_id) const;
  const chosen_type* find(std::string_view subject) const;
  const std::map<std::uint16_t, chosen_type>& all() const noexcept { return types_; }

private:
  result<void> add(const chosen_type& type);

  std::map<std::uint16_t, chosen_type> types_;
  std::map<std::string, std::uint16_t, std::less<>> by_subject_;
};

// As NATS matches: * stands for one token, > at the end for one or more.
bool matches(std::string_view pattern, std::string_view subject);
// A topic's or type's part of a subject: dots and slashes divide it into tokens, what NATS does not allow in a token is
// written as %XX, and nothing at all as _.
std::string escaped(std::string_view name);
// "TOPIC.TYPE".
std::string subject_of(const schema::message_type& type);
// Whether NATS takes it as the beginning of subjects.
bool is_prefix(std::string_view text);

} // namespace mycelium::nats
