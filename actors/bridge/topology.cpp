#include "actors/bridge/topology.hpp"

#include "actors/bridge/toml_file.hpp"
#include "actors/bridge/whole_file.hpp"

#include <algorithm>
#include <cstdlib>
#include <unistd.h>

namespace mycelium::bridge {
namespace {

// Reads nodes.
class node_reader {
public:
  explicit node_reader(const toml_file& file) : file_(file) {}

  // 0 where the key is missing.
  result<std::uint16_t> port(const toml::table& table) const {
    const auto* node = table.get("port");
    if (node == nullptr)
      return std::uint16_t{0};
    const auto value = node->value_exact<std::int64_t>();
    if (!value || *value < 1 || *value > 65535)
      return file_.wrong(node->source(), "key 'port' is no number from 1 to 65535");
    return static_cast<std::uint16_t>(*value);
  }

  result<std::vector<std::string>> services(const toml::table& table) const {
    const auto* node = table.get("services");
    if (node == nullptr)
      return file_.wrong(table.source(), "key 'services' is missing");
    if (!node->is_array())
      return file_.wrong(node->source(), "key 'services' is no array of names");
    std::vector<std::string> names;
    for (const auto& entry : *node->as_array()) {
      const auto service = entry.value_exact<std::string>();
      if (!service || service->empty())
        return file_.wrong(entry.source(), "key 'services' holds something that is no name");
      names.push_back(*service);
    }
    return names;
  }

  result<std::optional<address>> endpoint(const toml::table& table) const {
    const auto* node = table.get("endpoint");
    if (node == nullptr)
      return std::optional<address>();
    if (!node->is_table())
      return file_.wrong(node->source(),
                         "key 'endpoint' is no table: write endpoint = { kind = \"unix\", addr = \"/path\" }");
    const auto& inner = *node->as_table();
    if (auto known = file_.only(inner, {"kind", "addr"}); !known)
      return known.error();
    const auto kind = file_.text(inner, "kind", true);
    if (!kind)
      return kind.error();
    if (*kind != "unix" && *kind != "tcp")
      return file_.wrong(inner.get("kind")->source(), "key 'kind' is neither \"unix\" nor \"tcp\"");
    const auto addr = file_.text(inner, "addr", true);
    if (!addr)
      return addr.error();
    auto parsed = parse_address(*kind + ":" + *addr);
    if (!parsed)
      return file_.wrong(inner.get("addr")->source(), "key 'addr': " + parsed.error().text);
    return std::optional(*parsed);
  }

  result<topology_node> node(const toml::table& table) const {
    if (auto known = file_.only(table, {"name", "services", "host", "port", "endpoint"}); !known)
      return known.error();
    auto name = file_.text(table, "name", true);
    auto host = file_.text(table, "host", false);
    auto listens = port(table);
    auto runs = services(table);
    auto where = endpoint(table);
    for (const auto* problem :
         {name ? nullptr : &name.error(), host ? nullptr : &host.error(), listens ? nullptr : &listens.error(),
          runs ? nullptr : &runs.error(), where ? nullptr : &where.error()})
      if (problem != nullptr)
        return *problem;
    if (name->find('/') != std::string::npos)
      return file_.wrong(table.get("name")->source(), "key 'name' holds a slash; it becomes part of a file's name");
    return topology_node{*name, std::move(*runs), *host, *listens, *where};
  }

private:
  const toml_file& file_;
};

std::string default_socket_dir() {
  if (const char* dir = std::getenv("XDG_RUNTIME_DIR"); dir != nullptr && *dir == '/')
    return std::string(dir) + "/mycelium";
  return "/tmp/mycelium-" + std::to_string(::geteuid());
}

result<tls_files> read_tls(const toml_file& file) {
  const auto* node = file.table().get("tls");
  if (node == nullptr)
    return tls_files{};
  if (!node->is_table())
    return file.wrong(node->source(), "key 'tls' is no table: write [tls]");
  const auto& table = *node->as_table();
  if (auto known = file.only(table, {"cert", "key", "ca"}); !known)
    return known.error();
  for (const char* key : {"cert", "key", "ca"}) // every node listens and dials, and shows its certificate
    if (!table.contains(key))
      return file.wrong(table.source(), std::string("key '") + key + "' is missing: [tls] has cert, key and ca");
  tls_files files;
  for (const auto& [key, to] :
       {std::pair("cert", &files.certificate), {"key", &files.key}, {"ca", &files.authorities}}) {
    auto found = file.readable(table, key);
    if (!found)
      return found.error();
    *to = std::move(*found);
  }
  return files;
}

result<credential_sources> read_credentials(const toml_file& file) {
  credential_sources from;
  for (const auto& [key, to] :
       {std::pair("token_file", &from.token_file), {"permissions_file", &from.permissions_file}}) {
    auto found = file.readable(file.table(), key);
    if (!found)
      return found.error();
    *to = std::move(*found);
  }
  // What is in them is read by the bridge; that a token is empty is better known here, with its line.
  if (!from.token_file.empty())
    if (const auto token = read_token_file(from.token_file); !token)
      return file.wrong(file.table().get("token_file")->source(), token.error().text);
  auto tls = read_tls(file);
  if (!tls)
    return tls.error();
  from.tls = std::move(*tls);
  return from;
}

result<void> check_together(const toml_file& file, const topology& all, const toml::array& list) {
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
  const auto text = read_whole_file(path);
  if (!text)
    return text.error();
  return parse_topology(*text, path);
}

result<topology> parse_topology(std::string_view text, const std::string& path) {
  const auto file = toml_file::parse(text, path);
  if (!file)
    return file.error();
  const auto& table = file->table();
  if (auto known = file->only(table, {"nodes", "socket_dir", "token_file", "permissions_file", "tls", "at_least_once"});
      !known)
    return known.error();
  topology all;
  all.path = path;
  const auto dir = file->text(table, "socket_dir", false);
  if (!dir)
    return dir.error();
  all.socket_dir = dir->empty() ? default_socket_dir() : beside(path, *dir);
  auto kept = type_set::read(*file, table, "at_least_once");
  if (!kept)
    return kept.error();
  all.at_least_once = std::move(*kept);
  auto sources = read_credentials(*file);
  if (!sources)
    return sources.error();
  all.credentials = std::move(*sources);
  const auto* list = table.get_as<toml::array>("nodes");
  if (list == nullptr || list->empty())
    return failure{status::topology, path + ":1: no [[nodes]]; name at least one node with its services"};
  const node_reader nodes(*file);
  for (const auto& entry : *list) {
    if (!entry.is_table())
      return file->wrong(entry.source(), "key 'nodes' is no array of tables: write [[nodes]]");
    auto node = nodes.node(*entry.as_table());
    if (!node)
      return node.error();
    all.nodes.push_back(std::move(*node));
  }
  if (auto good = check_together(*file, all, *list); !good)
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
