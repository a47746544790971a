// How messages are shown: which of them, what of them, and as JSON or as text for people.
#pragma once

#include "tools/cli/bus_types.hpp"
#include "tools/cli/live_bus.hpp"

#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace mycelium::cli {

using json_payload::json;

// One part of a message's fields: "items[2].name". nullptr if it is not there.
const json* find_field(const json& value, const std::string& path);

// "value > 3", "sender == ada", "content ~ storm".
class condition {
public:
  static result<condition> parse(const std::string& text); // invalid_argument
  bool holds(const json& value) const;

private:
  std::string path_, op_;
  json operand_;
};

struct showing {
  bool text = false; // for people
  bool envelope = false;
  bool raw = false;
  std::string field;
  std::vector<std::string> filters;
};
void add_showing_options(CLI::App& app, showing& how);

class message_text {
public:
  static result<message_text> of(const bus_types& types, const showing& how); // invalid_argument: a filter
  // With its line end; nothing for a message that a filter leaves out.
  std::optional<std::string> of(const MyceliumMessage* message) const;

private:
  message_text(const bus_types& types, const showing& how) : types_(types), how_(how) {}
  std::string as_json(const MyceliumMessage* message, const json& value) const;
  std::string as_text(const MyceliumMessage* message, const json& value) const;

  const bus_types& types_;
  const showing& how_;
  std::vector<condition> conditions_;
};

// "  name: value" lines of an object, nested ones further in.
std::string as_lines(const json& value, std::size_t indent);

} // namespace mycelium::cli
