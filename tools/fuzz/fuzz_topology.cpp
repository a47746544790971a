// Any text as a topology file: it is refused, with a place, or its nodes can reach each other.
#include "actors/bridge/topology.hpp"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mycelium::bridge;
  const auto all = parse_topology({reinterpret_cast<const char*>(data), size}, "/nonexistent/topology.toml");
  if (!all) {
    if (!all.error().text.starts_with("/nonexistent/topology.toml:"))
      std::abort();
    return 0;
  }
  for (const auto& from : all->nodes)
    for (const auto& to : all->nodes)
      if (from.name != to.name && !transport_between(*all, from, to))
        std::abort();
  return 0;
}
