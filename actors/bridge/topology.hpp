// The topology file: which node runs which services, and how nodes reach each other. docs/bridge.md shows one.
#pragma once

#include "actors/bridge/credential_sources.hpp"
#include "actors/bridge/settings.hpp"

#include <optional>
#include <string>
#include <vector>

namespace mycelium::bridge {

struct topology_node {
  std::string name;
  std::vector<std::string> services;
  std::string host;                // "" is this machine, as is localhost
  std::uint16_t port = 0;          // 0: none
  std::optional<address> endpoint; // in place of what host, port and socket_dir say

  bool is_on_host_of(const topology_node& other) const;
};

struct topology {
  std::string path;
  std::string socket_dir;         // of the nodes' Unix sockets; made if it is not there
  type_set at_least_once;         // types
  credential_sources credentials; // files that can be opened, by whole paths or relative to the process's folder
  std::vector<topology_node> nodes;

  const topology_node* find(const std::string& name) const;
  // service_not_found
  result<const topology_node*> node_of_service(const std::string& service) const;
  // Where the processes of one node meet, and those of other nodes on the same host find them.
  address meeting_place(const topology_node& node) const;
  // Where nodes on other hosts find it; none if all are on one host and the file asks for no TCP.
  std::optional<address> public_place(const topology_node& node) const;
};

// Reads and checks the file. topology: missing or invalid, with file, line and key in the text.
result<topology> read_topology(const std::string& path);
// The same of its text; path is for errors, and what the files that it names are relative to.
result<topology> parse_topology(std::string_view text, const std::string& path);

// Same node: none, the messages stay in it. Same host: a Unix socket. Else TCP.
std::optional<address> transport_between(const topology& all, const topology_node& from, const topology_node& to);

} // namespace mycelium::bridge
