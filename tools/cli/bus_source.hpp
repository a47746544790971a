// The bus that record and replay work on: a runtime in this process, to whose traffic plug-ins contribute, and the
// nodes that it is linked with.
#pragma once

#include "tools/cli/bus.hpp"
#include "tools/cli/link_log.hpp"
#include "tools/cli/node_options.hpp"
#include "tools/cli/stop_signal.hpp"

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace mycelium::cli {

struct source_options {
  std::vector<std::string> plugins; // shared objects with plugin_start and plugin_stop
  std::vector<std::string> schemas; // .bfbs or .fbs, to be registered
  node_options nodes;               // to link with
  std::string name;                 // of this process's node, for people
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
  // Until the nodes that start() dialed are linked; timeout. What keeps links from coming up is told on stderr, as it
  // is where nobody waits; after the success nothing is told any more.
  result<void> wait_for_links(std::int64_t timeout_ns) const;
  // Dials the nodes and starts the plug-ins: to be called when everybody who wants to see their messages has
  // subscribed. May fail half way.
  result<void> start();
  // Until what was published has been delivered here, and acknowledged by the neighbours; of types that are delivered
  // at least once, delivered there. After a signal for 5 s at most. timeout.
  static constexpr std::int64_t any_time = 9'000'000'000'000'000'000;
  result<void> wait_until_taken(std::int64_t timeout_ns, const stop_signal& stop) const;
  // Stops those that run, last started first. Blocks as long as they do. The first failure, after all were asked.
  result<void> stop();
  // Closes the runtime when the neighbours have taken what was published here, or after 5 s. What is in a queue of the
  // calling thread by then was not delivered: of types that are delivered at least once the next node of this name gets
  // it. To be called before such a queue is closed, which would count as delivery.
  void leave();

private:
  friend result<bus_source> open_source(const source_options& options, const char* verb);
  struct plugin {
    std::string path;
    std::int32_t (*start)(MyceliumRuntime*) = nullptr;
    std::int32_t (*stop)() = nullptr;
    bool runs = false;
  };
  bus_source(std::vector<std::string> addresses, link_log& log) : addresses_(std::move(addresses)), log_(&log) {}
  result<void> open_bridge(const node_options& nodes);
  result<void> load(const std::string& path);
  result<void> dial();
  result<void> register_schema(const std::string& path);

  std::vector<std::string> addresses_;
  link_log* log_; // the runtime's
  runtime_ptr runtime_;
  std::vector<std::vector<std::uint8_t>> schemas_;
  std::vector<plugin> plugins_;
};

// verb names the node, unless an option does, and begins what is told on stderr.
result<bus_source> open_source(const source_options& options, const char* verb);

} // namespace mycelium::cli
