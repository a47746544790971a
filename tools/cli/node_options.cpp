#include "tools/cli/node_options.hpp"

#include <CLI/CLI.hpp>

namespace mycelium::cli {

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

} // namespace mycelium::cli
