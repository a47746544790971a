// Keeps a link to one address: dials, and again after a pause that doubles from first_retry to last_retry, shortened at
// random by up to a half so that many who lost the same node do not come back at the same moment. A link that came up
// begins the pauses anew. On the thread of the bridge.
//
//   resting -> dialing -> linked -> resting -> ...
#pragma once

#include "actors/bridge/settings.hpp"

#include <asio/ip/tcp.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <random>

namespace mycelium::bridge {

class bridge;
class link;

class dialer {
public:
  // take_place: tried each time that nobody is there; true: somebody listens there now, which is us. May be empty.
  dialer(bridge& owner, address to, std::function<bool()> take_place = {});

  const address& where() const noexcept { return to_; }
  void begin();
  void has(const std::shared_ptr<link>& made) { link_ = made; }
  void lost(const link& gone); // perhaps another's
  void stop();

private:
  void dial_local();
  void dial_tcp();
  void rest(const std::string& why);
  std::chrono::milliseconds next_pause();

  bridge& owner_;
  const address to_;
  const std::function<bool()> take_place_;
  asio::steady_timer timer_;
  asio::ip::tcp::resolver resolver_;
  std::shared_ptr<asio::local::stream_protocol::socket> local_;
  std::shared_ptr<asio::ip::tcp::socket> tcp_;
  std::weak_ptr<link> link_;
  std::chrono::milliseconds pause_{0};
  std::minstd_rand random_;
  bool stopped_ = false;
};

} // namespace mycelium::bridge
