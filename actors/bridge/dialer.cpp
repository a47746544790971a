#include "actors/bridge/dialer.hpp"

#include "actors/bridge/bridge.hpp"

#include <asio/connect.hpp>
#include <fcntl.h>

namespace mycelium::bridge {

dialer::dialer(bridge& owner, address to, std::function<bool()> take_place)
    : owner_(owner), to_(std::move(to)), take_place_(std::move(take_place)), timer_(owner.io_), resolver_(owner.io_),
      random_(std::random_device{}()) {}

void dialer::begin() {
  if (stopped_)
    return;
  if (to_.how == address::kind::local)
    dial_local();
  else
    dial_tcp();
}

void dialer::dial_local() {
  local_ = std::make_shared<asio::local::stream_protocol::socket>(owner_.io_);
  local_->async_connect(
      asio::local::stream_protocol::endpoint(to_.path), [this, connection = local_](const std::error_code& error) {
        if (stopped_)
          return;
        if (error)
          return rest(error.message());
        ::fcntl(connection->native_handle(), F_SETFD, FD_CLOEXEC);
        peer_identity peer;
        if (const auto process = process_behind(connection->native_handle()))
          peer = {.uid = process->uid, .process = process->pid};
        owner_.add_link(make_plain_stream(socket(std::move(*connection)), std::move(peer)), true, to_.text(), this);
      });
}

void dialer::dial_tcp() {
  resolver_.async_resolve(to_.host, std::to_string(to_.port), [this](const std::error_code& error, auto found) {
    if (stopped_)
      return;
    if (error)
      return rest(error.message());
    tcp_ = std::make_shared<asio::ip::tcp::socket>(owner_.io_);
    asio::async_connect(*tcp_, found, [this, connection = tcp_](const std::error_code& failed, const auto&) {
      if (stopped_)
        return;
      if (failed)
        return rest(failed.message());
      std::error_code ignored;
      connection->set_option(asio::ip::tcp::no_delay(true), ignored);
      ::fcntl(connection->native_handle(), F_SETFD, FD_CLOEXEC);
      const auto other = connection->remote_endpoint(ignored);
      peer_identity peer;
      peer.address = ignored ? "?" : other.address().to_string();
      const auto& tls = owner_.credentials_->tls;
      auto made = tls ? tls->connect(socket(std::move(*connection)), std::move(peer), to_.host)
                      : make_plain_stream(socket(std::move(*connection)), std::move(peer));
      owner_.add_link(std::move(made), true, to_.text(), this);
    });
  });
}

void dialer::lost(const link& gone) {
  if (link_.lock().get() != &gone)
    return;
  if (gone.was_up())
    pause_ = {};
  rest("");
}

std::chrono::milliseconds dialer::next_pause() {
  pause_ = pause_.count() == 0 ? owner_.how_.first_retry : std::min(pause_ * 2, owner_.how_.last_retry);
  return std::chrono::milliseconds(
      std::uniform_int_distribution<std::int64_t>(pause_.count() / 2, pause_.count())(random_));
}

void dialer::rest(const std::string& why) {
  if (stopped_)
    return;
  if (!why.empty() && take_place_ && take_place_())
    return;
  if (!why.empty() && pause_.count() == 0) // once, not at every try
    owner_.log(runtime::log_level::warning, to_.text() + ": " + why + "; it is tried again");
  timer_.expires_after(next_pause());
  timer_.async_wait([this](const std::error_code& error) {
    if (!error)
      begin();
  });
}

void dialer::stop() {
  stopped_ = true;
  timer_.cancel();
  resolver_.cancel();
  std::error_code ignored;
  if (local_)
    local_->close(ignored);
  if (tcp_)
    tcp_->close(ignored);
}

} // namespace mycelium::bridge
