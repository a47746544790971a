// What `mycelium bridge --nats` adds to a bridge: its options, and the gateway that they ask for.
#pragma once

#include "tools/cli/bus.hpp"
#include "tools/nats/settings.hpp"

#include <atomic>
#include <memory>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace mycelium::nats {
class gateway;
}

namespace mycelium::cli {

struct nats_options {
  nats::settings settings;
  std::vector<std::string> schemas; // .bfbs or .fbs
  std::string full = "drop";
};

// Those that say which cluster, and how to get in: for other verbs, too.
void add_nats_connection_options(CLI::App& app, nats_options& options);
// All; each but --nats and --schema needs --nats.
void add_nats_options(CLI::App& app, nats_options& options);
// Registers the schemas with the runtime; with the built-in ones they are settings.types then.
result<void> know_types(MyceliumRuntime* runtime, nats_options& options);

// The gateway of a running bridge; without --nats it is nothing, and does nothing.
class nats_side {
public:
  // name: of the bridge; "" is the machine's. The runtime outlives it.
  static result<nats_side> open(MyceliumRuntime* runtime, nats_options options, const std::string& name);
  ~nats_side();
  nats_side(nats_side&& other) noexcept;
  nats_side& operator=(nats_side&&) = delete;

  // Readable once NATS refuses the bridge for good; -1 without --nats.
  int fd() const noexcept { return fd_; }
  bool is_over() const;
  // The bridge's counters with those of NATS among them.
  std::string add_to(const std::string& bridge_json) const;
  // Waits for acknowledgements, for some seconds at most, leaves NATS, and tells on stderr what was carried.
  void finish();

private:
  nats_side() = default;
  int fd_ = -1;
  std::unique_ptr<nats::gateway> gateway_;
};

} // namespace mycelium::cli
