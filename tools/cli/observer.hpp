// A node that only looks on: gathers the reports of all nodes of a bus.
#pragma once

#include "tools/cli/live_bus.hpp"
#include "tools/cli/mesh.hpp"

namespace mycelium::cli {

class observer {
public:
  // Subscribes to the reports. The bus has to outlive the observer.
  static result<observer> open(const live_bus& bus);

  // What has come; waits up to timeout_ns for it, or until a signal comes.
  result<void> gather(std::int64_t timeout_ns);
  // Readable when gather has something to do.
  int fd() const noexcept { return in_.fd(); }
  const mesh& all() const noexcept { return mesh_; }

private:
  observer(const live_bus& bus, inflow in) : bus_(bus), in_(std::move(in)), mesh_(bus.types()) {}

  const live_bus& bus_;
  inflow in_;
  mesh mesh_;
};

} // namespace mycelium::cli
