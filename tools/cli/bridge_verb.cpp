// mycelium bridge: a node of its own that others link with; a hub, or a machine's door to the others.
#include "tools/cli/arguments.hpp"
#include "tools/cli/bus.hpp"
#include "tools/cli/stop_signal.hpp"

#include "mycelium_bridge.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace mycelium::cli {
namespace {

struct options {
  std::vector<std::string> unix_paths;
  std::vector<std::string> tcp_places;
  std::vector<std::string> dialed;
  std::string topology;
  std::string service;
  std::string name;
  std::string token_file;
  std::uint32_t max_links = 0;
  double every = 0;
};

int fail(const std::string& text) {
  std::fprintf(stderr, "mycelium bridge: %s\n", text.c_str());
  return exit_failed;
}

void declare(CLI::App& app, options& wanted) {
  app.add_option("--unix", wanted.unix_paths, "listen at this Unix socket; may be repeated")->type_name("PATH");
  app.add_option("--tcp", wanted.tcp_places, "listen there; beyond this machine only with a token")
      ->type_name("HOST:PORT");
  app.add_option("--dial", wanted.dialed, "link with this node: unix:PATH or tcp:HOST:PORT; may be repeated")
      ->type_name("ADDRESS");
  auto* topology = app.add_option("--topology", wanted.topology, "take part in this topology")->type_name("FILE");
  app.add_option("--service", wanted.service, "as the node that runs this service")->needs(topology);
  app.add_option("--name", wanted.name, "of this node, for people (default: the machine's)");
  app.add_option("--token-file", wanted.token_file, "ask every link for this file's token")->type_name("FILE");
  app.add_option("--max-links", wanted.max_links, "links that are accepted at the same time (default: 256)")
      ->check(CLI::Range(1, 1'000'000));
  app.add_option("--every", wanted.every, "print the counters as a line of JSON, every so many seconds")
      ->check(CLI::PositiveNumber);
}

void print_log(MyceliumLogLevel, const char* text, void*) { std::fprintf(stderr, "mycelium bridge: %s\n", text); }

// To the service manager that started us, if one did (sd_notify(3)): a datagram to the socket that it names.
void notify(const char* what) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr || (*path != '/' && *path != '@'))
    return;
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  const auto length = std::min(std::strlen(path), sizeof to.sun_path - 1);
  std::memcpy(to.sun_path, path, length);
  if (to.sun_path[0] == '@')
    to.sun_path[0] = '\0'; // a name that is no file
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return;
  static_cast<void>(::sendto(fd, what, std::strlen(what), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&to),
                             static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length)));
  ::close(fd);
}

result<void> open(const runtime_ptr& runtime, const options& wanted) {
  MyceliumBridgeConfig config;
  mycelium_bridge_config_init(&config);
  const auto token = read_token(wanted.token_file);
  if (!token)
    return token.error();
  config.token = token->empty() ? nullptr : token->c_str();
  config.name = wanted.name.empty() ? nullptr : wanted.name.c_str();
  config.max_links = wanted.max_links;
  if (auto opened = check(mycelium_bridge_open(runtime.get(), &config), "no bridge"); !opened)
    return opened;
  const auto listen = [&](const std::string& address) -> result<void> {
    std::array<char, 512> bound{};
    if (auto listens =
            check(mycelium_bridge_listen(runtime.get(), address.c_str(), bound.data(), bound.size(), nullptr), address);
        !listens)
      return listens;
    std::fprintf(stderr, "mycelium bridge: listening at %s\n", bound.data());
    return {};
  };
  for (const auto& path : wanted.unix_paths)
    if (auto listens = listen("unix:" + path); !listens)
      return listens;
  for (const auto& place : wanted.tcp_places)
    if (auto listens = listen("tcp:" + place); !listens)
      return listens;
  for (const auto& to : wanted.dialed)
    if (auto dials = check(mycelium_bridge_dial(runtime.get(), to.c_str()), to); !dials)
      return dials;
  return {};
}

int run(const options& wanted) {
  auto signal = stop_signal::block();
  if (!signal)
    return fail(signal.error().text);
  runtime_ptr runtime;
  if (!wanted.topology.empty()) {
    runtime.reset(mycelium_runtime_create_from_topology(wanted.topology.c_str(), wanted.service.c_str()));
  } else {
    MyceliumRuntimeConfig config;
    mycelium_runtime_config_init(&config);
    config.name = wanted.name.empty() ? "bridge" : wanted.name.c_str();
    config.log = print_log;
    runtime.reset(mycelium_runtime_create_with_config(&config));
  }
  if (!runtime)
    return fail(mycelium_last_error());
  if (wanted.topology.empty())
    if (auto opened = open(runtime, wanted); !opened)
      return fail(opened.error().text);
  notify("READY=1");
  const auto pause = wanted.every > 0 ? static_cast<std::int64_t>(wanted.every * 1e9) : std::int64_t{-1};
  while (!signal->wait(-1, pause)) {
    auto text = read_text([&](char* to, std::size_t room,
                              std::size_t* length) { return mycelium_bridge_json(runtime.get(), to, room, length); },
                          "counters");
    if (!text)
      return fail(text.error().text);
    std::puts(text->c_str());
    std::fflush(stdout);
  }
  notify("STOPPING=1");
  return exit_ok;
}

} // namespace

int bridge_verb(int argc, char** argv) {
  CLI::App app{"A node of its own: others link with it, and what one of them publishes reaches all who subscribe."};
  options wanted;
  declare(app, wanted);
  if (const auto left = parse(app, argc, argv))
    return *left;
  const bool has_address = !wanted.unix_paths.empty() || !wanted.tcp_places.empty() || !wanted.dialed.empty();
  if (has_address == !wanted.topology.empty() || wanted.topology.empty() != wanted.service.empty()) {
    std::fprintf(stderr, "mycelium bridge: give --unix, --tcp or --dial; or --topology with --service\n");
    return exit_usage;
  }
  return run(wanted);
}

} // namespace mycelium::cli
