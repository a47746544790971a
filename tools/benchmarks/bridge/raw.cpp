// A pair of stream sockets and nothing else: what the kernel asks for. Each message is one write, as a program without
// a library would do it.
#include "tools/benchmarks/bridge/party.hpp"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace mycelium::bench {
namespace {

class socket_party final : public party {
public:
  socket_party(int connected, std::size_t size) : fd_(connected), size_(size) {}
  ~socket_party() override { ::close(fd_); }

  void send(message_bytes message) override {
    for (std::size_t sent = 0; sent < message.size();) {
      const auto n = ::send(fd_, message.data() + sent, message.size() - sent, MSG_NOSIGNAL);
      must(n > 0 || errno == EINTR, "send");
      sent += n > 0 ? static_cast<std::size_t>(n) : 0;
    }
  }
  void receive(const std::function<bool(message_bytes)>& handler) override {
    for (;;) {
      const auto n = ::recv(fd_, bytes_.data() + end_, bytes_.size() - end_, 0);
      must(n > 0, "recv");
      end_ += static_cast<std::size_t>(n);
      std::size_t begin = 0;
      for (; end_ - begin >= size_; begin += size_)
        if (!handler({bytes_.data() + begin, size_}))
          return;
      std::copy(bytes_.begin() + static_cast<std::ptrdiff_t>(begin), bytes_.begin() + static_cast<std::ptrdiff_t>(end_),
                bytes_.begin());
      end_ -= begin;
    }
  }

private:
  const int fd_;
  const std::size_t size_;
  std::array<std::uint8_t, 64 << 10> bytes_{};
  std::size_t end_ = 0;
};

// The sink listens; whoever is first waits for the other.
class accepting_party final : public party {
public:
  accepting_party(int listening, std::size_t size) : listening_(listening), size_(size) {}
  ~accepting_party() override { ::close(listening_); }
  void send(message_bytes message) override { other().send(message); }
  void receive(const std::function<bool(message_bytes)>& handler) override { other().receive(handler); }

private:
  party& other() {
    if (!connected_) {
      const int fd = ::accept(listening_, nullptr, nullptr);
      must(fd >= 0, "accept");
      const int on = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); // no harm to a Unix socket
      connected_ = std::make_unique<socket_party>(fd, size_);
    }
    return *connected_;
  }

  const int listening_;
  const std::size_t size_;
  std::unique_ptr<socket_party> connected_;
};

std::unique_ptr<party> meet(side which, int family, const sockaddr* at, socklen_t length, std::size_t size) {
  const int fd = ::socket(family, SOCK_STREAM, 0);
  must(fd >= 0, "socket");
  if (which == side::sink) {
    must(::bind(fd, at, length) == 0 && ::listen(fd, 1) == 0, "bind");
    return std::make_unique<accepting_party>(fd, size);
  }
  must(::connect(fd, at, length) == 0, "connect");
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return std::make_unique<socket_party>(fd, size);
}

std::unique_ptr<party> open_local(side which, const meeting& at) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  (at.folder + "/raw").copy(name.sun_path, sizeof name.sun_path - 1);
  return meet(which, AF_UNIX, reinterpret_cast<const sockaddr*>(&name), sizeof name, at.size);
}

std::unique_ptr<party> open_tcp(side which, const meeting& at) {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(at.port);
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return meet(which, AF_INET, reinterpret_cast<const sockaddr*>(&name), sizeof name, at.size);
}

} // namespace

void add_raw(std::vector<transport>& to) {
  to.push_back({"raw unix", open_local});
  to.push_back({"raw tcp", open_tcp});
}

} // namespace mycelium::bench
