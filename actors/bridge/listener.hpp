// Waits at one address for other nodes. On the thread of the bridge.
#pragma once

#include "actors/bridge/settings.hpp"

#include <asio/ip/tcp.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <sys/stat.h>

namespace mycelium::bridge {

class bridge;

bool is_loopback(const std::string& host); // by its text: localhost, 127.x, ::1

class listener : public std::enable_shared_from_this<listener> {
public:
  // Bound and listening. A socket file that nobody listens at any more is removed. TCP beyond this machine asks for a
  // token or for certificates.
  static result<std::shared_ptr<listener>> open(bridge& owner, const address& at);
  ~listener();

  const address& where() const noexcept { return where_; }
  void close(); // removes its socket file; who holds the listener closes it

private:
  listener(bridge& owner, address where);
  result<void> open_local();
  result<void> open_tcp();
  void accept_local();
  void accept_tcp();
  void rest(std::chrono::milliseconds how_long);

  bridge& owner_;
  address where_;
  std::optional<asio::local::stream_protocol::acceptor> local_;
  std::optional<asio::ip::tcp::acceptor> tcp_;
  asio::steady_timer pause_;
  token_bucket accepts_;
  struct stat file_ {};
};

} // namespace mycelium::bridge
