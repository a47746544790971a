// mycelium bridge: a node of its own that others link with; a hub, or a machine's door to the others.
#include "tools/cli/arguments.hpp"
#include "tools/cli/bus.hpp"
#include "tools/cli/nats_options.hpp"
#include "tools/cli/node_options.hpp"
#include "tools/cli/stop_signal.hpp"
#include "tools/cli/terminal_text.hpp"

#include "mycelium_bridge.h"
#include "tools/recording/type_catalogue.hpp"
#include "tools/schema_compiler/source.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <optional>
#include <sys/signalfd.h>
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
  link_credentials credentials; // with a CA and a certificate, all who dial have to show one
  std::string permissions;
  std::optional<std::string> at_least_once;
  std::string socket_mode = "0600";
  MyceliumBridgeConfig limits{}; // the fields that options set; 0 elsewhere
  double every = 0;
  nats_options nats;
};

int fail(const std::string& text) {
  std::fprintf(stderr, "mycelium bridge: %s\n", text.c_str());
  return exit_failed;
}

std::optional<std::uint32_t> mode_of(const std::string& text) {
  std::uint32_t mode = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), mode, 8);
  if (error != std::errc{} || end != text.data() + text.size() || mode == 0 || mode > 0777)
    return std::nullopt;
  return mode;
}

void declare(CLI::App& app, options& wanted) {
  app.add_option("--unix", wanted.unix_paths, "listen at this Unix socket; may be repeated")->type_name("PATH");
  app.add_option("--tcp", wanted.tcp_places,
                 "listen there, by TLS if there is a certificate; beyond this machine with a token or a CA only")
      ->type_name("HOST:PORT");
  app.add_option("--dial", wanted.dialed,
                 "link with this node: unix:PATH, tcp:HOST:PORT or tls:HOST:PORT; may be repeated")
      ->type_name("ADDRESS");
  app.add_option("--name", wanted.name, "of this node, for people (default: the machine's)");
  add_credential_options(app, wanted.credentials);
  app.add_option("--allow", wanted.permissions, "who may link, publish and receive what (default: whoever gets in)")
      ->type_name("FILE");
  add_at_least_once_option(app, wanted.at_least_once);
  app.add_option("--mode", wanted.socket_mode, "of the Unix sockets, in octal (default: 0600)")
      ->check(CLI::Validator([](std::string& text) { return mode_of(text) ? "" : "write a mode as 0660"; }, "MODE"));
  app.add_option("--every", wanted.every, "print the counters as a line of JSON, every so many seconds")
      ->check(CLI::PositiveNumber);
  add_nats_options(app, wanted.nats);
}

// Each of one link unless it says otherwise.
void declare_limits(CLI::App& app, MyceliumBridgeConfig& limits) {
  const auto count = [&app](const char* name, auto& field, const char* about) {
    app.add_option(name, field, about)->check(CLI::PositiveNumber);
  };
  count("--max-links", limits.max_links, "links that are accepted at the same time (default: 256)");
  count("--max-links-per-peer", limits.max_links_per_peer,
        "of them of one user or address (default: all; of another machine's address a quarter)");
  count("--max-accepts", limits.max_accepts, "TCP connections that are taken each second (default: 200)");
  count("--max-frame", limits.max_frame, "bytes of the longest message with its envelope (default: 16 MiB)");
  count("--window", limits.window, "bytes on their way over a link, unacknowledged (default: 4 MiB)");
  count("--max-message-rate", limits.max_message_rate, "messages that a link may bring each second (default: any)");
  count("--max-byte-rate", limits.max_byte_rate, "bytes that a link may bring each second (default: any)");
  count("--max-control-rate", limits.max_control_rate,
        "control frames that it may bring each second (default: 100000)");
  count("--max-nodes", limits.max_nodes, "nodes that a link may tell of (default: 512)");
  count("--max-state", limits.max_state, "bytes in which it may tell of one (default: 256 KiB)");
  count("--max-types", limits.max_types, "types that a link is sent (default: 4096)");
  count("--max-requests", limits.max_requests,
        "requests of a link that are answered at the same time (default: 65536)");
}

void print_log(MyceliumLogLevel, const char* text, void*) {
  std::fprintf(stderr, "mycelium bridge: %s\n", printable(text).c_str());
}

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

// "" without --at-least-once.
result<std::string> kept_types(const options& wanted) {
  if (!wanted.at_least_once)
    return std::string();
  recording::type_catalogue known;
  for (const auto& path : wanted.nats.schemas) {
    const auto source = schema_compiler::load_source(path);
    if (!source)
      return source.error();
    if (auto added = known.add(source->bfbs); !added)
      return added.error();
  }
  return at_least_once_types(*wanted.at_least_once, known);
}

result<void> open(const runtime_ptr& runtime, const options& wanted) {
  const auto given = [](const std::string& text) { return text.empty() ? nullptr : text.c_str(); };
  auto config = wanted.limits;
  config.struct_size = sizeof config;
  config.name = given(wanted.name);
  use(wanted.credentials, config);
  config.permissions_file = given(wanted.permissions);
  config.socket_mode = *mode_of(wanted.socket_mode);
  const auto kept = kept_types(wanted);
  if (!kept)
    return kept.error();
  config.at_least_once = wanted.at_least_once ? kept->c_str() : nullptr;
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

// The files again, while all goes on.
void reload(const runtime_ptr& runtime, bool has_log) {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const auto us = static_cast<long long>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1000;
  notify(("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(us)).c_str());
  if (mycelium_bridge_reload(runtime.get()) >= MYCELIUM_SUCCESS)
    std::fprintf(stderr, "mycelium bridge: reloaded\n");
  else if (!has_log) // which would have said it
    fail("nothing was reloaded, all stays as it was: " + std::string(mycelium_last_error()));
  notify("READY=1");
}

// Takes the signal that has come: 0 if none has.
int take(const stop_signal& signal) {
  signalfd_siginfo which{};
  return ::read(signal.fd(), &which, sizeof which) == ssize_t{sizeof which} ? static_cast<int>(which.ssi_signo) : 0;
}

result<void> print_counters(const runtime_ptr& runtime, const nats_side& nats) {
  const auto text =
      read_text([&](char* to, std::size_t room,
                    std::size_t* length) { return mycelium_bridge_json(runtime.get(), to, room, length); },
                "counters");
  if (!text)
    return text.error();
  std::puts(nats.add_to(*text).c_str());
  std::fflush(stdout);
  return {};
}

// Until a signal other than SIGHUP comes.
int serve(const runtime_ptr& runtime, const options& wanted, const stop_signal& signal, const nats_side& nats) {
  const auto pause = wanted.every > 0 ? static_cast<std::int64_t>(wanted.every * 1e9) : std::int64_t{-1};
  for (;;) {
    if (signal.wait(nats.fd(), pause)) {
      const auto which = take(signal);
      if (which != 0 && which != SIGHUP)
        return exit_ok;
      if (which == SIGHUP)
        reload(runtime, wanted.topology.empty());
      continue;
    }
    if (nats.is_over())
      return fail("NATS does not let this bridge in");
    if (auto printed = print_counters(runtime, nats); !printed)
      return fail(printed.error().text);
  }
}

bool belongs_to_topology(const std::string& option) {
  return option == "--topology" || option == "--service" || option == "--every" || option == "--schema" ||
         option.starts_with("--nats");
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
  auto nats = nats_side::open(runtime.get(), wanted.nats, wanted.name);
  if (!nats)
    return fail(nats.error().text);
  notify("READY=1");
  const auto code = serve(runtime, wanted, *signal, *nats);
  notify("STOPPING=1");
  nats->finish();
  if (wanted.every > 0) // the last word
    static_cast<void>(print_counters(runtime, *nats));
  return code;
}

} // namespace

int bridge_verb(int argc, char** argv) {
  CLI::App app{"A node of its own: others link with it, and what one of them publishes reaches all who subscribe."};
  options wanted;
  declare(app, wanted);
  declare_limits(app, wanted.limits);
  auto* topology = app.add_option("--topology", wanted.topology, "take part in this topology")->type_name("FILE");
  app.add_option("--service", wanted.service, "as the node that runs this service")->needs(topology);
  if (const auto left = parse(app, argc, argv))
    return *left;
  const bool has_address = !wanted.unix_paths.empty() || !wanted.tcp_places.empty() || !wanted.dialed.empty();
  if (has_address == !wanted.topology.empty() || wanted.topology.empty() != wanted.service.empty()) {
    std::fprintf(stderr, "mycelium bridge: give --unix, --tcp or --dial; or --topology with --service\n");
    return exit_usage;
  }
  for (const auto* other : app.get_options())
    if (!wanted.topology.empty() && other->count() != 0 && !belongs_to_topology(other->get_name())) {
      std::fprintf(stderr, "mycelium bridge: %s does not go with --topology, whose file says it\n",
                   other->get_name().c_str());
      return exit_usage;
    }
  return run(wanted);
}

} // namespace mycelium::cli
