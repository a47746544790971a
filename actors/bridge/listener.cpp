#include "actors/bridge/listener.hpp"

#include "actors/bridge/bridge.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace mycelium::bridge {
namespace {

failure cannot(const address& at, const std::string& what, const std::string& why) {
  return {status::runtime, at.text() + ": " + what + ": " + why};
}

constexpr std::chrono::milliseconds no_descriptor_pause{100}; // the process has none left

std::string last_error() { return std::error_code(errno, std::generic_category()).message(); }

// Is somebody there? A file that refuses was left behind by a process that died.
result<bool> is_left_behind(const address& at) {
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (probe < 0)
    return cannot(at, "no socket", last_error());
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  at.path.copy(name.sun_path, sizeof name.sun_path - 1);
  const int connected = ::connect(probe, reinterpret_cast<const sockaddr*>(&name), sizeof name);
  const int error = errno;
  ::close(probe);
  if (connected == 0)
    return failure{status::runtime, at.text() + ": another process listens there; choose another path or stop it"};
  if (error != ECONNREFUSED && error != ENOENT)
    return cannot(at, "asking who listens there", std::error_code(error, std::generic_category()).message());
  return error == ECONNREFUSED;
}

result<void> remove_if_left_behind(const address& at) {
  struct stat file {};
  if (::lstat(at.path.c_str(), &file) != 0)
    return errno == ENOENT ? result<void>() : result<void>(cannot(at, "looking at it", last_error()));
  if (!S_ISSOCK(file.st_mode))
    return failure{status::runtime, at.text() + ": there is a file that is no socket; choose another path"};
  const auto left = is_left_behind(at);
  if (!left)
    return left.error();
  if (*left && ::unlink(at.path.c_str()) != 0 && errno != ENOENT)
    return cannot(at, "removing what a process that died has left", last_error());
  return {};
}

} // namespace

bool is_loopback(const std::string& host) { return host == "localhost" || host == "::1" || host.starts_with("127."); }

listener::listener(bridge& owner, address where)
    : owner_(owner), where_(std::move(where)), pause_(owner.io_), accepts_(owner.how_.accepts, owner.how_.accepts) {}

result<std::shared_ptr<listener>> listener::open(bridge& owner, const address& at) {
  std::shared_ptr<listener> made(new listener(owner, at));
  auto opened = at.how == address::kind::local ? made->open_local() : made->open_tcp();
  if (!opened)
    return opened.error();
  return made;
}

listener::~listener() { close(); }

void listener::close() {
  std::error_code ignored;
  if (local_) {
    local_->close(ignored);
    local_.reset();
    struct stat now {};
    if (::lstat(where_.path.c_str(), &now) == 0 && now.st_dev == file_.st_dev && now.st_ino == file_.st_ino)
      ::unlink(where_.path.c_str());
  }
  if (tcp_)
    tcp_->close(ignored);
  tcp_.reset();
  pause_.cancel();
}

// Nobody can connect between bind and listen, so that the mode is right from the first moment on.
result<void> listener::open_local() {
  if (auto free = remove_if_left_behind(where_); !free)
    return free;
  std::error_code error;
  local_.emplace(owner_.io_);
  local_->open(asio::local::stream_protocol(), error);
  if (!error)
    local_->bind(asio::local::stream_protocol::endpoint(where_.path), error);
  if (error) {
    local_.reset();
    return cannot(where_, "binding", error.message());
  }
  if (::chmod(where_.path.c_str(), owner_.how_.socket_mode) != 0 || ::lstat(where_.path.c_str(), &file_) != 0)
    return cannot(where_, "setting its mode", last_error());
  ::fcntl(local_->native_handle(), F_SETFD, FD_CLOEXEC);
  local_->listen(asio::socket_base::max_listen_connections, error);
  if (error)
    return cannot(where_, "listening", error.message());
  accept_local();
  return {};
}

result<void> listener::open_tcp() {
  const auto& ours = *owner_.credentials_;
  where_.tls = where_.tls || ours.tls != nullptr;
  if (where_.tls && (!ours.tls || !ours.tls->can_listen()))
    return failure{status::invalid_argument, where_.text() + ": TLS needs a certificate and its key to listen"};
  if (!is_loopback(where_.host) && ours.token.empty() && !(where_.tls && ours.tls->asks_for_certificates()))
    return failure{status::invalid_argument,
                   where_.text() + " can be reached from other machines: give both sides the same token, or this one a "
                                   "TLS certificate, its key and a CA for those of the others; or listen at 127.0.0.1"};
  asio::ip::tcp::resolver resolver(owner_.io_);
  std::error_code error;
  const auto found =
      resolver.resolve(where_.host, std::to_string(where_.port), asio::ip::tcp::resolver::passive, error);
  if (error || found.empty())
    return cannot(where_, "finding the host", error.message());
  const auto endpoint = found.begin()->endpoint();
  tcp_.emplace(owner_.io_);
  tcp_->open(endpoint.protocol(), error);
  if (!error)
    tcp_->set_option(asio::socket_base::reuse_address(true), error);
  if (!error)
    tcp_->bind(endpoint, error);
  if (!error)
    tcp_->listen(asio::socket_base::max_listen_connections, error);
  if (error)
    return cannot(where_, "listening", error.message());
  ::fcntl(tcp_->native_handle(), F_SETFD, FD_CLOEXEC);
  where_.port = tcp_->local_endpoint(error).port();
  accept_tcp();
  return {};
}

void listener::accept_local() {
  local_->async_accept(
      [this, self = shared_from_this()](const std::error_code& error, asio::local::stream_protocol::socket accepted) {
        if (!local_ || error == asio::error::operation_aborted)
          return;
        if (error)
          return rest(no_descriptor_pause);
        const auto who = process_behind(accepted.native_handle());
        const auto name =
            where_.text() + (who ? " from process " + std::to_string(who->pid) + " of user " + std::to_string(who->uid)
                                 : std::string(" from somebody unknown"));
        const auto& allowed = owner_.credentials_->allowed;
        if (who && (who->uid == 0 || who->uid == ::geteuid() || (allowed && allowed->names_user(who->uid))))
          owner_.add_link(make_plain_stream(socket(std::move(accepted)), {.uid = who->uid, .process = who->pid}), false,
                          name, nullptr);
        else
          owner_.log(runtime::log_level::warning, name + ": refused");
        accept_local();
      });
}

void listener::accept_tcp() {
  tcp_->async_accept([this, self = shared_from_this()](const std::error_code& error, asio::ip::tcp::socket accepted) {
    if (!tcp_ || error == asio::error::operation_aborted)
      return;
    if (error)
      return rest(no_descriptor_pause);
    std::error_code unknown;
    const auto from = accepted.remote_endpoint(unknown);
    accepted.set_option(asio::ip::tcp::no_delay(true), unknown);
    const auto host = unknown ? std::string("?") : from.address().to_string();
    peer_identity peer{.uid = {}, .address = host, .certificates = {}};
    auto connection = where_.tls ? owner_.credentials_->tls->accept(socket(std::move(accepted)), std::move(peer))
                                 : make_plain_stream(socket(std::move(accepted)), std::move(peer));
    owner_.add_link(std::move(connection), false, where_.text() + " from " + host + ":" + std::to_string(from.port()),
                    nullptr);
    accepts_.take(1, token_bucket::clock::now());
    if (const auto debt = accepts_.debt(); debt.count() != 0)
      return rest(std::chrono::ceil<std::chrono::milliseconds>(debt));
    accept_tcp();
  });
}

void listener::rest(std::chrono::milliseconds how_long) {
  pause_.expires_after(how_long);
  pause_.async_wait([this, self = shared_from_this()](const std::error_code& error) {
    if (error)
      return;
    if (local_)
      accept_local();
    else if (tcp_)
      accept_tcp();
  });
}

} // namespace mycelium::bridge
