// The bus that record and replay work on: a runtime in this process, to whose traffic plug-ins contribute, and the
// nodes that it is linked with.
#pragma once

#include "tools/cli/bus.hpp"

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace mycelium::cli {

struct source_options {
  std::vector<std::string> plugins;    // shared objects with plugin_start and plugin_stop
  std::vector<std::string> schemas;    // .bfbs or .fbs, to be registered
  std::vector<std::string> unix_paths; // of nodes to link with
  std::vector<std::string> tcp_places;
  std::string token_file;
  std::string name; // of this process's node, for people
};

void add_source_options(CLI::App& app, source_options& options);

class bus_source {
public:
  ~bus_source(); // stops what runs
  bus_source(bus_source&&) noexcept = default;
  bus_source& operator=(bus_source&&) = delete;

  MyceliumRuntime* runtime() const noexcept { return runtime_.get(); }
  // The binary schemas of source_options, in that order.
  const std::vector<std::vector<std::uint8_t>>& schemas() const noexcept { return schemas_; }
  // Until the nodes that start() dialed are linked; timeout.
  result<void> wait_for_links(std::int64_t timeout_ns) const;
  // Dials the nodes and starts the plug-ins: to be called when everybody who wants to see their messages has
  // subscribed. May fail half way.
  result<void> start();
  // Stops those that run, last started first. Blocks as long as they do. The first failure, after all were asked.
  result<void> stop();

private:
  friend result<bus_source> open_source(const source_options& options, const char* name);
  struct plugin {
    std::string path;
    std::int32_t (*start)(MyceliumRuntime*) = nullptr;
    std::int32_t (*stop)() = nullptr;
    bool runs = false;
  };
  explicit bus_source(runtime_ptr runtime) : runtime_(std::move(runtime)) {}
  result<void> load(const std::string& path);
  result<void> dial();
  result<void> register_schema(const std::string& path);

  runtime_ptr runtime_;
  std::vector<std::vector<std::uint8_t>> schemas_;
  std::vector<plugin> plugins_;
  source_options links_;
};

// name is shown in the metrics of the runtime.
result<bus_source> open_source(const source_options& options, const char* name);

} // namespace mycelium::cli
