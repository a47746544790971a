#include "actors/bridge/topology.hpp"

#include "actors/bridge/toml_text.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <unistd.h>

// Version 3.3 of toml++ runs on into assertions after some errors: without exceptions always, with them in places.
[[noreturn]] inline void refuse_text() { throw std::logic_error("unexpected text"); }
#define TOML_EXCEPTIONS 1
#define TOML_ASSERT(expression) ((expression) ? void() : refuse_text())
#include <toml++/toml.h>

namespace mycelium::bridge {
namespace {

failure invalid(const std::string& path, const toml::source_region& where, const std::string& what) {
  return {status::topology, path + ":" + std::to_string(where.begin.line) + ": " + what};
}

// One file being read: its path, and the first thing that is wrong with it.
class checked_file {
public:
  explicit checked_file(const std::string& path) : path_(path) {}

  failure wrong(const toml::source_region& where, const std::string& what) const { return invalid(path_, where, what); }

  // "" where the key is missing, and may be.
  result<std::string> text(const toml::table& table, const char* key, bool required) const {
    const auto* node = table.get(key);
    if (node == nullptr)
      return required ? result<std::string>(wrong(table.source(), std::string("key '") + key + "' is missing"))
                      : result<std::string>(std::string());
    const auto value = node->value_exact<std::string>();
    if (!value || value->empty())
      return wrong(node->source(), std::string("key '") + key + "' is no text");
    return *value;
  }

  // 0 where the key is missing.
  result<std::uint16_t> port(const toml::table& table) const {
    const auto* node = table.get("port");
    if (node == nullptr)
      return std::uint16_t{0};
    const auto value = node->value_exact<std::int64_t>();
    if (!value || *value < 1 || *value > 65535)
      return wrong(node->source(), "key 'port' is no number from 1 to 65535");
    return static_cast<std::uint16_t>(*value);
  }

  result<std::vector<std::string>> services(const toml::table& table) const {
    const auto* node = table.get("services");
    if (node == nullptr)
      return wrong(table.source(), "key 'services' is missing");
    if (!node->is_array())
      return wrong(node->source(), "key 'services' is no array of names");
    std::vector<std::string> names;
    for (const auto& entry : *node->as_array()) {
      const auto service = entry.value_exact<std::string>();
      if (!service || service->empty())
        return wrong(entry.source(), "key 'services' holds something that is no name");
      names.push_back(*service);
    }
    return names;
  }

  result<std::optional<address>> endpoint(const toml::table& table) const {
    const auto* node = table.get("endpoint");
    if (node == nullptr)
      return std::optional<address>();
    if (!node->is_table())
      return wrong(node->source(),
                   "key 'endpoint' is no table: write endpoint = { kind = \"unix\", addr = \"/path\" }");
    const auto& inner = *node->as_table();
    if (auto known = only(inner, {"kind", "addr"}); !known)
      return known.error();
    const auto kind = text(inner, "kind", true);
    if (!kind)
      return kind.error();
    if (*kind != "unix" && *kind != "tcp")
      return wrong(inner.get("kind")->source(), "key 'kind' is neither \"unix\" nor \"tcp\"");
    const auto addr = text(inner, "addr", true);
    if (!addr)
      return addr.error();
    auto parsed = parse_address(*kind + ":" + *addr);
    if (!parsed)
      return wrong(inner.get("addr")->source(), "key 'addr': " + parsed.error().text);
    return std::optional(*parsed);
  }

  // A misspelt key would otherwise be a setting that is silently not there.
  result<void> only(const toml::table& table, std::initializer_list<std::string_view> keys) const {
    for (const auto& [key, value] : table)
      if (std::ranges::find(keys, std::string_view(key.str())) == keys.end())
        return failure{wrong(value.source(), "key '" + std::string(key.str()) + "' is not known here")};
    return {};
  }

  result<topology_node> node(const toml::table& table) const {
    if (auto known = only(table, {"name", "services", "host", "port", "endpoint"}); !known)
      return known.error();
    auto name = text(table, "name", true);
    auto host = text(table, "host", false);
    auto listens = port(table);
    auto runs = services(table);
    auto where = endpoint(table);
    for (const auto* problem :
         {name ? nullptr : &name.error(), host ? nullptr : &host.error(), listens ? nullptr : &listens.error(),
          runs ? nullptr : &runs.error(), where ? nullptr : &where.error()})
      if (problem != nullptr)
        return *problem;
    if (name->find('/') != std::string::npos)
      return wrong(table.get("name")->source(), "key 'name' holds a slash; it becomes part of a file's name");
    return topology_node{*name, std::move(*runs), *host, *listens, *where};
  }

private:
  const std::string& path_;
};

std::string default_socket_dir() {
  if (const char* dir = std::getenv("XDG_RUNTIME_DIR"); dir != nullptr && *dir == '/')
    return std::string(dir) + "/mycelium";
  return "/tmp/mycelium-" + std::to_string(::geteuid());
}

// Relative to the topology file.
std::string beside(const std::string& file, const std::string& path) {
  const auto slash = file.rfind('/');
  return path.starts_with('/') || slash == std::string::npos ? path : file.substr(0, slash + 1) + path;
}

result<std::string> read_token(const std::string& path) {
  std::ifstream file(path);
  std::string token{std::istreambuf_iterator<char>(file), {}};
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r'))
    token.pop_back();
  if (token.empty())
    return failure{status::topology, path + ": the token file cannot be read or is empty"};
  return token;
}

result<void> check_together(const checked_file& file, const topology& all, const toml::array& list) {
  std::vector<std::string> taken;
  for (std::size_t i = 0; i < all.nodes.size(); ++i) {
    const auto& node = all.nodes[i];
    const auto& where = list.get(i)->source();
    for (std::size_t k = 0; k < i; ++k)
      if (all.nodes[k].name == node.name)
        return failure{file.wrong(where, "two nodes are named '" + node.name + "'")};
    for (const auto& service : node.services) {
      if (std::ranges::find(taken, service) != taken.end())
        return failure{file.wrong(where, "service '" + service + "' runs on two nodes")};
      taken.push_back(service);
    }
    const bool has_remote = std::ranges::any_of(all.nodes, [&](const auto& o) { return !o.is_on_host_of(node); });
    const bool has_place = node.port != 0 || (node.endpoint && node.endpoint->how == address::kind::tcp);
    if (has_remote && !has_place)
      return failure{file.wrong(where, "node '" + node.name + "' needs key 'port': other nodes are on other hosts")};
  }
  return {};
}

} // namespace

bool topology_node::is_on_host_of(const topology_node& other) const {
  const auto plain = [](const std::string& of) {
    return of.empty() || of == "127.0.0.1" ? std::string("localhost") : of;
  };
  return plain(host) == plain(other.host);
}

const topology_node* topology::find(const std::string& name) const {
  const auto found = std::ranges::find(nodes, name, &topology_node::name);
  return found == nodes.end() ? nullptr : &*found;
}

result<const topology_node*> topology::node_of_service(const std::string& service) const {
  for (const auto& node : nodes)
    if (std::ranges::find(node.services, service) != node.services.end())
      return &node;
  return failure{status::service_not_found, path + ": no node runs a service '" + service + "'"};
}

address topology::meeting_place(const topology_node& node) const {
  if (node.endpoint && node.endpoint->how == address::kind::local)
    return *node.endpoint;
  return {.how = address::kind::local, .path = socket_dir + "/" + node.name + ".sock", .host = {}, .port = 0};
}

std::optional<address> topology::public_place(const topology_node& node) const {
  if (node.endpoint && node.endpoint->how == address::kind::tcp)
    return node.endpoint;
  const bool alone = std::ranges::all_of(nodes, [&](const auto& other) { return other.is_on_host_of(node); });
  if (alone || node.port == 0)
    return std::nullopt;
  return address{.how = address::kind::tcp, .path = {}, .host = node.host, .port = node.port};
}

result<topology> read_topology(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file)
    return failure{status::topology, path + ": the file cannot be read"};
  return parse_topology(text, path);
}

result<topology> parse_topology(std::string_view text, const std::string& path) {
  if (const auto wrong = find_what_is_no_toml(text))
    return failure{status::topology, path + ":" + std::to_string(wrong->line) + ": " + wrong->what};
  toml::table table;
  try {
    table = toml::parse(text, path);
  } catch (const toml::parse_error& error) {
    return invalid(path, error.source(), std::string(error.description()));
  } catch (const std::logic_error& error) {
    return failure{status::topology, path + ":1: this is no TOML: " + error.what()};
  }
  const checked_file file(path);
  if (auto known = file.only(table, {"nodes", "socket_dir", "token_file"}); !known)
    return known.error();
  topology all;
  all.path = path;
  const auto dir = file.text(table, "socket_dir", false);
  if (!dir)
    return dir.error();
  all.socket_dir = dir->empty() ? default_socket_dir() : beside(path, *dir);
  const auto token_file = file.text(table, "token_file", false);
  if (!token_file)
    return token_file.error();
  if (!token_file->empty()) {
    auto token = read_token(beside(path, *token_file));
    if (!token)
      return file.wrong(table.get("token_file")->source(), token.error().text);
    all.token = *token;
  }
  const auto* list = table.get_as<toml::array>("nodes");
  if (list == nullptr || list->empty())
    return failure{status::topology, path + ":1: no [[nodes]]; name at least one node with its services"};
  for (const auto& entry : *list) {
    if (!entry.is_table())
      return file.wrong(entry.source(), "key 'nodes' is no array of tables: write [[nodes]]");
    auto node = file.node(*entry.as_table());
    if (!node)
      return node.error();
    all.nodes.push_back(std::move(*node));
  }
  if (auto good = check_together(file, all, *list); !good)
    return good.error();
  return all;
}

std::optional<address> transport_between(const topology& all, const topology_node& from, const topology_node& to) {
  if (from.name == to.name)
    return std::nullopt;
  if (from.is_on_host_of(to))
    return all.meeting_place(to);
  return all.public_place(to);
}

} // namespace mycelium::bridge
