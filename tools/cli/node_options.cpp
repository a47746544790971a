#include "tools/cli/node_options.hpp"

#include "tools/recording/type_catalogue.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>

namespace mycelium::cli {
namespace {

// "20001", "20010-20019" and "*"; also what was meant as such.
bool is_no_name(std::string_view entry) {
  return entry.empty() || entry == "*" || entry == "-" || (entry.front() >= '0' && entry.front() <= '9');
}

result<std::string> entry_of(const std::string& name, const recording::type_catalogue& known) {
  const auto has_topic = [&](const auto& each) { return each.second.type.topic == name; };
  if (is_no_name(name) || std::ranges::any_of(known.all(), has_topic))
    return name;
  const auto type_id = known.id_of(name);
  if (!type_id)
    return failure{type_id.error().code, "--at-least-once: " + type_id.error().text + " (nor is it a topic)"};
  return std::to_string(*type_id);
}

} // namespace

void add_credential_options(CLI::App& app, link_credentials& options) {
  const auto file = [&app](const char* name, std::string& to, const char* about) {
    return app.add_option(name, to, about)->type_name("FILE");
  };
  file("--token-file", options.token_file, "both sides of every link have to know this file's token");
  auto* cert = file("--tls-cert", options.tls_cert, "our certificate, in PEM: TCP is TLS 1.3");
  auto* key = file("--tls-key", options.tls_key, "its key, in PEM")->needs(cert);
  cert->needs(key);
  file(
      "--tls-ca", options.tls_ca,
      "whose certificates are accepted, in PEM (default: the system's); who listens with it asks all who dial for one");
}

void use(const link_credentials& which, MyceliumBridgeConfig& config) {
  const auto given = [](const std::string& path) { return path.empty() ? nullptr : path.c_str(); };
  config.token_file = given(which.token_file);
  config.tls_cert = given(which.tls_cert);
  config.tls_key = given(which.tls_key);
  config.tls_ca = given(which.tls_ca);
}

std::vector<std::string> node_options::addresses() const {
  std::vector<std::string> all;
  const auto add = [&all](const char* scheme, const std::vector<std::string>& places) {
    for (const auto& each : places)
      all.push_back(scheme + each);
  };
  add("unix:", unix_paths);
  add("tcp:", tcp_places);
  add("tls:", tls_places);
  return all;
}

void add_node_options(CLI::App& app, node_options& options) {
  const auto nodes = [&app](const char* name, std::vector<std::string>& to, const char* about, const char* type) {
    app.add_option(name, to, about)->type_name(type)->allow_extra_args(false);
  };
  nodes("--unix", options.unix_paths, "link with the node at this Unix socket (mycelium bridge --unix)", "PATH");
  nodes("--tcp", options.tcp_places, "link with the node there, by TLS if there is a certificate or a CA", "HOST:PORT");
  nodes("--tls", options.tls_places, "link with the node there by TLS, even without any of these files", "HOST:PORT");
  add_credential_options(app, options.credentials);
}

void add_at_least_once_option(CLI::App& app, std::optional<std::string>& types) {
  app.add_option("--at-least-once", types,
                 "types (numbers, ranges, names, topics or *, with commas between) of which nothing is lost when a "
                 "process that takes them dies: the next one of its name gets what it had not delivered")
      ->type_name("TYPES");
}

result<std::string> at_least_once_types(std::string_view list, const recording::type_catalogue& known) {
  std::string all;
  for (;;) {
    const auto comma = std::min(list.find(','), list.size());
    auto name = list.substr(0, comma);
    name.remove_prefix(std::min(name.find_first_not_of(' '), name.size()));
    const auto entry = entry_of(std::string(name.substr(0, name.find_last_not_of(' ') + 1)), known);
    if (!entry)
      return entry.error();
    all += *entry;
    if (comma == list.size())
      return all;
    all += ',';
    list.remove_prefix(comma + 1);
  }
}

} // namespace mycelium::cli
