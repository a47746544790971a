// The topology file: which node runs which services, and how nodes reach each other.
#pragma once

#include "schema/status.hpp"

#include <string>
#include <vector>

namespace mycelium::bridge {

struct topology_node {
  std::string name;
  std::vector<std::string> services;
  std::string host;
};

// Reads and validates the file. topology: missing or invalid, with line and key in the text.
result<std::vector<topology_node>> read_topology(const std::string& path);

// The node that runs the service, if this process can be it alone. service_not_found; unsupported if the file names
// other nodes, which only a bridge reaches.
result<topology_node> node_of_service(const std::string& path, const std::string& service);

} // namespace mycelium::bridge
