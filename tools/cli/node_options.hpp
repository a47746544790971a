// The nodes that a verb links with, and what both sides of a link prove: the same options for `mycelium bridge` and for
// every verb that joins a bus.
#pragma once

#include "mycelium_bridge.h"

#include <string>
#include <vector>

namespace CLI {
class App;
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

  std::vector<std::string> addresses() const; // as mycelium_bridge_dial takes them
  bool any() const { return !unix_paths.empty() || !tcp_places.empty() || !tls_places.empty(); }
};

void add_node_options(CLI::App& app, node_options& options);

} // namespace mycelium::cli
