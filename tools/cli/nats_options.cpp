#include "tools/cli/nats_options.hpp"

#include "tools/nats/gateway.hpp"
#include "tools/schema_compiler/source.hpp"

#include <CLI/CLI.hpp>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <sys/eventfd.h>
#include <unistd.h>
#include <utility>

namespace mycelium::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto finish_patience = 5s;

void say(const std::string& text) { std::fprintf(stderr, "mycelium bridge: %s\n", text.c_str()); }

std::string machine_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "bridge";
}

} // namespace

void add_nats_connection_options(CLI::App& app, nats_options& options) {
  auto& how = options.settings;
  auto* nats = app.add_option("--nats", how.servers, "a server of the NATS cluster, nats://HOST:PORT; may be repeated")
                   ->type_name("URL");
  const auto file = [&](const char* name, std::string& to, const char* about) {
    return app.add_option(name, to, about)->type_name("FILE")->needs(nats)->check(CLI::ExistingFile);
  };
  file("--nats-creds", how.credentials, "credentials of a NATS user (JWT and seed)");
  file("--nats-tls-ca", how.tls_ca, "the CA of the servers' certificates, in PEM");
  auto* certificate = file("--nats-tls-cert", how.tls_certificate, "this client's certificate, in PEM");
  auto* key = file("--nats-tls-key", how.tls_key, "and its key, in PEM")->needs(certificate);
  certificate->needs(key);
  app.add_option("--nats-prefix", how.prefix, "first part of every subject (default: mycelium)")->needs(nats);
}

void add_nats_options(CLI::App& app, nats_options& options) {
  add_nats_connection_options(app, options);
  auto& how = options.settings;
  auto* nats = app.get_option("--nats");
  const auto option = [&](const char* name, auto& to, const char* about) {
    return app.add_option(name, to, about)->needs(nats);
  };
  option("--nats-topic", how.topics,
         "carry these types: a type's name or number, a topic, or a subject with * and >; may be repeated")
      ->type_name("PATTERN");
  option("--nats-durable", how.durable, "carry these, and keep them in a stream; may be repeated")
      ->type_name("PATTERN");
  option("--nats-mesh", how.mesh, "this mesh's name; nothing that is published under it comes back")->type_name("NAME");
  option("--nats-stream", how.stream, "which keeps the durable types (default: MYCELIUM)")->type_name("NAME");
  app.add_option_function<double>(
         "--nats-max-age",
         [&how](double seconds) { how.max_age = std::chrono::seconds(static_cast<std::int64_t>(seconds)); },
         "seconds that a stream which has to be made keeps a message (default: for ever)")
      ->needs(nats)
      ->check(CLI::Range(1.0, 9e9));
  option("--nats-max-bytes", how.max_bytes, "bytes that it keeps (default: any)")->check(CLI::PositiveNumber);
  option("--nats-replicas", how.replicas, "servers that each have a copy of it (default: 1)")->check(CLI::Range(1, 5));
  option("--nats-full", options.full,
         "what is not durable, while NATS takes nothing: drop the oldest, or block publishers (default: drop)")
      ->check(CLI::IsMember({"drop", "block"}));
  option("--nats-buffer", how.buffer, "bytes that are kept while there is no connection (default: 8 MiB)")
      ->check(CLI::Range(1, 1 << 30));
  app.add_option("--schema", options.schemas, "message types that are not built in (.bfbs or .fbs)")->type_name("FILE");
}

result<void> know_types(MyceliumRuntime* runtime, nats_options& options) {
  auto& types = options.settings.types;
  types = schema::schema_set::built_in()->types();
  for (const auto& path : options.schemas) {
    const auto source = schema_compiler::load_source(path);
    if (!source)
      return source.error();
    if (auto done = check(mycelium_register_schema(runtime, source->bfbs.data(), source->bfbs.size(), nullptr), path);
        !done)
      return done;
    const auto set = schema::schema_set::load(source->bfbs);
    if (!set)
      return set.error();
    for (const auto& type : (*set)->types())
      if (std::ranges::find(types, type.type_id, &schema::message_type::type_id) == types.end())
        types.push_back(type);
  }
  return {};
}

result<nats_side> nats_side::open(MyceliumRuntime* runtime, nats_options options, const std::string& name) {
  nats_side made;
  if (auto known = know_types(runtime, options); !known)
    return known.error();
  auto& how = options.settings;
  if (how.servers.empty())
    return made;
  made.fd_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (made.fd_ < 0)
    return failure{status::runtime, std::string("eventfd: ") + std::strerror(errno)};
  how.name = name.empty() ? machine_name() : name;
  how.waits_when_full = options.full == "block";
  how.log = say;
  how.gone = [fd = made.fd_] {
    const std::uint64_t one = 1;
    static_cast<void>(::write(fd, &one, sizeof one) == 0);
  };
  auto started = nats::gateway::start(runtime, how);
  if (!started)
    return started.error();
  made.gateway_ = std::move(*started);
  return made;
}

nats_side::nats_side(nats_side&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), gateway_(std::move(other.gateway_)) {}

nats_side::~nats_side() {
  gateway_.reset(); // before the descriptor that it writes to
  if (fd_ >= 0)
    ::close(fd_);
}

bool nats_side::is_over() const { return gateway_ && gateway_->is_over(); }

std::string nats_side::add_to(const std::string& bridge_json) const {
  if (!gateway_)
    return bridge_json;
  return bridge_json.substr(0, bridge_json.rfind('}')) + ", \"nats\": " + gateway_->json() + '}';
}

void nats_side::finish() {
  if (!gateway_)
    return;
  gateway_->finish(finish_patience);
  say("NATS: " + gateway_->summary());
}

} // namespace mycelium::cli
