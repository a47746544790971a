// Who is at the other end of a connection, as far as the kernel and a certificate tell: what it says of itself is not
// in here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mycelium::bridge {

struct peer_identity {
  std::optional<std::uint32_t> uid{};      // of a Unix socket's other process
  std::int32_t process = 0;                // its id here; 0 of a TCP connection
  std::string address{};                   // of a TCP connection's other end, without the port; "" of a Unix socket
  std::vector<std::string> certificates{}; // the names in its certificate, which was verified; none: it has shown none
};

} // namespace mycelium::bridge
