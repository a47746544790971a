// A mesh's door to NATS: carries chosen types there and back. For a runtime that has a bridge; built on the C interface
// alone. docs/nats.md tells what is guaranteed.
#pragma once

#include "mycelium.h"
#include "tools/nats/settings.hpp"

#include <memory>

namespace mycelium::nats {

class gateway {
public:
  // The runtime outlives it. Returns before there is a connection if no server is there yet. invalid_argument: the
  // settings are wrong.
  static result<std::unique_ptr<gateway>> start(MyceliumRuntime* bus, const settings& how);
  ~gateway();
  gateway(const gateway&) = delete;
  gateway& operator=(const gateway&) = delete;

  // Publishes what the bus has accepted, and waits for acknowledgements, at most so long; then leaves NATS. Once.
  void finish(std::chrono::milliseconds patience);
  // NATS refuses this bridge for good: wrong credentials, say.
  bool is_over() const;
  // The counters: {"connected": true, "server": .., "published": .., ...}.
  std::string json() const;
  // The same in a line for people.
  std::string summary() const;

private:
  struct parts;
  explicit gateway(std::unique_ptr<parts> with);
  std::unique_ptr<parts> parts_;
};

} // namespace mycelium::nats
