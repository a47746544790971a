#include "actors/bridge/topology.hpp"

#include <algorithm>
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

namespace mycelium::bridge {
namespace {

failure invalid(const std::string& path, const toml::source_region& where, const std::string& what) {
  return {status::topology, path + ":" + std::to_string(where.begin.line) + ": " + what};
}

result<std::string> text_at(const std::string& path, const toml::table& table, const char* key) {
  const auto* node = table.get(key);
  if (node == nullptr)
    return failure{invalid(path, table.source(), std::string("key '") + key + "' is missing")};
  const auto text = node->value<std::string>();
  if (!text || text->empty())
    return failure{invalid(path, node->source(), std::string("key '") + key + "' is no text")};
  return *text;
}

result<topology_node> read_node(const std::string& path, const toml::table& table) {
  topology_node node;
  auto name = text_at(path, table, "name");
  if (!name)
    return name.error();
  node.name = *name;
  if (table.contains("host")) {
    auto host = text_at(path, table, "host");
    if (!host)
      return host.error();
    node.host = *host;
  }
  const auto* services = table.get("services");
  if (services == nullptr)
    return failure{invalid(path, table.source(), "key 'services' is missing")};
  if (!services->is_array())
    return failure{invalid(path, services->source(), "key 'services' is no array of names")};
  for (const auto& entry : *services->as_array()) {
    const auto service = entry.value<std::string>();
    if (!service || service->empty())
      return failure{invalid(path, entry.source(), "key 'services' holds something that is no name")};
    node.services.push_back(*service);
  }
  return node;
}

} // namespace

result<std::vector<topology_node>> read_topology(const std::string& path) {
  const auto parsed = toml::parse_file(path);
  if (!parsed)
    return invalid(path, parsed.error().source(), std::string(parsed.error().description()));
  const auto* list = parsed.table().get_as<toml::array>("nodes");
  if (list == nullptr || list->empty())
    return failure{status::topology, path + ":1: no [[nodes]]; name at least one node with its services"};
  std::vector<topology_node> nodes;
  std::vector<std::string> taken;
  for (const auto& entry : *list) {
    if (!entry.is_table())
      return invalid(path, entry.source(), "key 'nodes' is no array of tables: write [[nodes]]");
    auto node = read_node(path, *entry.as_table());
    if (!node)
      return node.error();
    for (const auto& known : nodes)
      if (known.name == node->name)
        return invalid(path, entry.source(), "two nodes are named '" + node->name + "'");
    for (const auto& service : node->services) {
      if (std::find(taken.begin(), taken.end(), service) != taken.end())
        return invalid(path, entry.source(), "service '" + service + "' runs on two nodes");
      taken.push_back(service);
    }
    nodes.push_back(std::move(*node));
  }
  return nodes;
}

result<topology_node> node_of_service(const std::string& path, const std::string& service) {
  const auto nodes = read_topology(path);
  if (!nodes)
    return nodes.error();
  for (const auto& node : *nodes) {
    if (std::find(node.services.begin(), node.services.end(), service) == node.services.end())
      continue;
    if (nodes->size() == 1)
      return node;
    return failure{status::unsupported, path + ": service '" + service + "' runs on node '" + node.name +
                                            "', and this version has no bridges to reach the other nodes"};
  }
  return failure{status::service_not_found, path + ": no node runs a service '" + service + "'"};
}

} // namespace mycelium::bridge
