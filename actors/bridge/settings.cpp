#include "actors/bridge/settings.hpp"

#include <charconv>

namespace mycelium::bridge {
namespace {

failure malformed(std::string_view text, const std::string& why) {
  return {status::invalid_argument, "'" + std::string(text) + "' is no address: " + why +
                                        "; write unix:/path/to/socket, tcp:host:port, tcp:[::1]:port or tls:host:port"};
}

constexpr std::size_t longest_path = 107; // sun_path, with its terminating zero

} // namespace

std::string address::text() const {
  if (how == kind::local)
    return "unix:" + path;
  const bool is_v6 = host.find(':') != std::string::npos;
  return (tls ? "tls:" : "tcp:") + (is_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

result<address> parse_address(std::string_view text) {
  address parsed;
  if (text.starts_with("unix:")) {
    parsed.path = text.substr(5);
    if (parsed.path.empty() || parsed.path.size() > longest_path)
      return malformed(text, "a socket's path has 1 to " + std::to_string(longest_path) + " bytes");
    return parsed;
  }
  parsed.tls = text.starts_with("tls:");
  if (!parsed.tls && !text.starts_with("tcp:"))
    return malformed(text, "it begins with none of unix:, tcp: and tls:");
  parsed.how = address::kind::tcp;
  const auto rest = text.substr(4);
  const auto colon = rest.rfind(':');
  if (colon == std::string_view::npos)
    return malformed(text, "the port is missing");
  auto host = rest.substr(0, colon);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  else if (host.find(':') != std::string_view::npos)
    return malformed(text, "an IPv6 host stands in brackets");
  if (host.empty())
    return malformed(text, "the host is missing");
  parsed.host = host;
  const auto port = rest.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), parsed.port);
  if (error != std::errc{} || end != port.data() + port.size())
    return malformed(text, "the port is no number from 0 to 65535");
  return parsed;
}

} // namespace mycelium::bridge
