// The nodes that a verb links with, what both sides of a link prove, and which types are delivered at least once: the
// same options for `mycelium bridge` and for every verb that joins a bus.
#pragma once

#include "mycelium_bridge.h"
#include "schema/status.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace mycelium::recording {
class type_catalogue;
}

namespace mycelium::cli {

// Files.
struct link_credentials {
  std::string token_file;
  std::string tls_cert; // PEM, as all below; TLS is spoken as soon as one of them is given
  std::string tls_key;
  std::string tls_ca;
};

void add_credential_options(CLI::App& app, link_credentials& options);
// config refers to the texts of which.
void use(const link_credentials& which, MyceliumBridgeConfig& config);

struct node_options {
  std::vector<std::string> unix_paths;
  std::vector<std::string> tcp_places; // HOST:PORT
  std::vector<std::string> tls_places;
  link_credentials credentials;
  std::optional<std::string> at_least_once; // types, as people name them; of verbs that publish

  std::vector<std::string> addresses() const; // as mycelium_bridge_dial takes them
  bool any() const { return !unix_paths.empty() || !tcp_places.empty() || !tls_places.empty(); }
};

void add_node_options(CLI::App& app, node_options& options);

// --at-least-once: for who publishes, or keeps for others.
void add_at_least_once_option(CLI::App& app, std::optional<std::string>& types);
// "20010-20019, CounterUpdate, sensors" as MyceliumBridgeConfig takes it: with numbers for the names of types.
// invalid_argument for a name that is no known type's or topic's; numbers and ranges are the bridge's to judge.
result<std::string> at_least_once_types(std::string_view list, const recording::type_catalogue& known);

} // namespace mycelium::cli
