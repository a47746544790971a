// Any text as a file of permissions: it is refused, with a place, or its rules can be asked anything.
#include "actors/bridge/permissions.hpp"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mycelium::bridge;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto all = permissions::parse(text, "/nonexistent/allow.toml");
  if (!all) {
    if (!all.error().text.starts_with("/nonexistent/allow.toml:"))
      std::abort();
    return 0;
  }
  static const mycelium::schema::registry types;
  const peer_identity peer{.uid = 1000, .address = "10.1.2.3", .certificates = {"arm.robots.example"}};
  const auto found = all->rule_for(peer, text.substr(0, 16));
  for (const auto& each : all->rules()) {
    if (!each->fits(peer, text.substr(0, 16)) && each == found)
      std::abort();
    for (const auto type_id : {1, 1001, 20001, 65535})
      static_cast<void>(each->publish.contains(static_cast<std::uint16_t>(type_id), types));
  }
  return 0;
}
