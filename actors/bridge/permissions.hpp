// Who may link with this node, and which types each may publish to it and receive from it: a file of rules, of which
// the first that fits a peer counts. docs/bridge.md tells the format. Immutable once read; any thread.
#pragma once

#include "actors/bridge/peer_identity.hpp"
#include "actors/bridge/type_set.hpp"
#include "schema/status.hpp"

#include <array>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mycelium::bridge {

// 10.0.0.0/8, fd00::/8, or one address. IPv4 addresses that are written as IPv6 ones count as IPv4.
class address_range {
public:
  static result<address_range> parse(std::string_view text); // invalid_argument
  bool contains(std::string_view address) const;

private:
  std::array<std::uint8_t, 16> network_{};
  unsigned bits_ = 0; // of network_ that count
};

// What stands in one [[allow]]. Every condition that it has must hold; a condition of several values holds by any.
struct rule {
  std::string where; // file and line, for logs
  bool anyone = false;
  std::vector<std::string> names;        // that a node gives itself; * stands for any text, as in the next
  std::vector<std::string> certificates; // a name in its certificate
  std::vector<std::uint32_t> uids;       // of the process at the other end of a Unix socket
  std::vector<address_range> addresses;  // of the other end of a TCP connection
  type_set publish;                      // types that it may publish to us, and request of us
  type_set receive;                      // types that it may receive from us, and serve

  bool fits(const peer_identity& peer, std::string_view name) const;
};
using rule_ptr = std::shared_ptr<const rule>;

class permissions {
public:
  // topology: missing or invalid, with file, line and key in the text.
  static result<permissions> read(const std::string& path);
  static result<permissions> parse(std::string_view text, const std::string& path);

  // The rule for this peer, which calls itself `name`; none: it may not link.
  rule_ptr rule_for(const peer_identity& peer, std::string_view name) const;
  // Does a rule name this user?
  bool names_user(std::uint32_t uid) const;
  std::span<const rule_ptr> rules() const noexcept { return rules_; }

private:
  std::vector<rule_ptr> rules_;
};

} // namespace mycelium::bridge
