#include "tools/cli/bus_source.hpp"

#include "mycelium_bridge.h"
#include "tools/recording/type_catalogue.hpp"
#include "tools/schema_compiler/source.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <deque>
#include <dlfcn.h>
#include <filesystem>
#include <utility>

namespace mycelium::cli {
namespace {

constexpr std::int64_t end_patience_ns = 5'000'000'000;

} // namespace

void add_source_options(CLI::App& app, source_options& options) {
  app.add_option(
         "--load", options.plugins,
         "a shared object that joins the bus of this process: it exports int32_t plugin_start(MyceliumRuntime*) "
         "and int32_t plugin_stop(void)")
      ->type_name("PLUGIN.so")
      ->allow_extra_args(false);
  add_node_options(app, options.nodes);
  app.add_option("--name", options.name, "of this node, as others see it (default: the verb)");
  app.add_option("--schema", options.schemas, "message types that are not built in (.bfbs or .fbs)")
      ->type_name("FILE")
      ->allow_extra_args(false);
}

result<bus_source> open_source(const source_options& options, const char* verb) {
  // Never freed: a plug-in's callback that does not return keeps its runtime running beyond the end.
  static auto& logs = *new std::deque<link_log>;
  auto addresses = options.nodes.addresses();
  auto& log = logs.emplace_back(verb, addresses);
  bus_source source(std::move(addresses), log);
  auto runtime = open_runtime(options.name.empty() ? verb : options.name.c_str(), link_log::hear, &log);
  if (!runtime)
    return runtime.error();
  source.runtime_ = std::move(*runtime);
  for (const auto& path : options.schemas)
    if (auto registered = source.register_schema(path); !registered)
      return registered.error();
  if (auto opened = source.open_bridge(options.nodes); !opened)
    return opened.error();
  for (const auto& path : options.plugins)
    if (auto loaded = source.load(path); !loaded)
      return loaded.error();
  return source;
}

bus_source::~bus_source() { static_cast<void>(stop()); }

// Its files are read here: what is wrong with one is known before anything is done.
result<void> bus_source::open_bridge(const node_options& nodes) {
  recording::type_catalogue known;
  for (const auto& bfbs : schemas_)
    if (auto added = known.add(bfbs); !added)
      return added;
  const auto kept = nodes.at_least_once ? at_least_once_types(*nodes.at_least_once, known) : std::string();
  if (!kept)
    return kept.error();
  if (addresses_.empty())
    return {};
  MyceliumBridgeConfig config;
  mycelium_bridge_config_init(&config);
  use(nodes.credentials, config);
  if (nodes.at_least_once)
    config.at_least_once = kept->c_str();
  return check(mycelium_bridge_open(runtime(), &config), "no bridge");
}

result<void> bus_source::dial() {
  for (const auto& to : addresses_)
    if (auto dialed = check(mycelium_bridge_dial(runtime(), to.c_str()), to); !dialed)
      return failure{dialed.error().code, with_advice(dialed.error().text)};
  return {};
}

result<void> bus_source::wait_for_links(std::int64_t timeout_ns) const {
  const auto count = addresses_.size();
  auto linked =
      count == 0 ? result<void>() : check(mycelium_bridge_wait_for_links(runtime(), count, timeout_ns), "no link");
  if (linked)
    log_->end();
  return linked;
}

result<void> bus_source::register_schema(const std::string& path) {
  auto source = schema_compiler::load_source(path);
  if (!source)
    return source.error();
  if (auto done = check(mycelium_register_schema(runtime(), source->bfbs.data(), source->bfbs.size(), nullptr), path);
      !done)
    return done;
  schemas_.push_back(std::move(source->bfbs));
  return {};
}

result<void> bus_source::load(const std::string& path) {
  // A name without a slash is looked for among the system's libraries by dlopen; a user means the file.
  const auto file = path.find('/') == std::string::npos && std::filesystem::exists(path) ? "./" + path : path;
  // Never closed: what a plug-in left behind (threads, destructors of thread-local objects) may still run its code.
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr)
    return failure{status::invalid_argument, std::string("the plug-in cannot be loaded: ") + dlerror()};
  plugin loaded{path};
  loaded.start = reinterpret_cast<decltype(loaded.start)>(dlsym(library, "plugin_start"));
  loaded.stop = reinterpret_cast<decltype(loaded.stop)>(dlsym(library, "plugin_stop"));
  if (loaded.start == nullptr || loaded.stop == nullptr)
    return failure{status::invalid_argument,
                   path + " is no plug-in: it does not export plugin_start and plugin_stop, both with C linkage"};
  plugins_.push_back(std::move(loaded));
  return {};
}

result<void> bus_source::start() {
  if (auto dialed = dial(); !dialed)
    return dialed;
  for (auto& each : plugins_) {
    if (auto started = check(each.start(runtime()), each.path + ": plugin_start"); !started)
      return started;
    each.runs = true;
  }
  return {};
}

// In slices, between which it is looked for a signal.
result<void> bus_source::wait_until_taken(std::int64_t timeout_ns, const stop_signal& stop) const {
  constexpr std::int64_t slice_ns = 50'000'000;
  const auto now_ns = [] { return std::chrono::steady_clock::now().time_since_epoch().count(); };
  const auto begun = now_ns();
  const auto wait = [&](auto flush, const char* what) {
    for (;;) {
      const auto left = begun + (stop.came() ? std::min(timeout_ns, end_patience_ns) : timeout_ns) - now_ns();
      const auto done = check(flush(runtime(), std::clamp<std::int64_t>(left, 0, slice_ns)), what);
      if (done || done.error().code != status::timeout || left <= 0)
        return done;
    }
  };
  if (auto delivered = wait(mycelium_flush, "not everything was taken in time"); !delivered || addresses_.empty())
    return delivered;
  return wait(mycelium_bridge_flush, "not everything was taken in time");
}

result<void> bus_source::stop() {
  result<void> outcome;
  for (auto each = plugins_.rbegin(); each != plugins_.rend(); ++each)
    if (std::exchange(each->runs, false))
      if (auto stopped = check(each->stop(), each->path + ": plugin_stop"); !stopped && outcome)
        outcome = stopped;
  return outcome;
}

void bus_source::leave() {
  static_cast<void>(stop());
  mycelium_runtime_close(runtime(), end_patience_ns);
}

} // namespace mycelium::cli
