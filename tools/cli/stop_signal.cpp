#include "tools/cli/stop_signal.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <utility>

namespace mycelium::cli {

result<stop_signal> stop_signal::block() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int each : {SIGINT, SIGTERM, SIGHUP})
    sigaddset(&signals, each);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  const int fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd < 0)
    return failure{status::runtime, std::string("signalfd: ") + std::strerror(errno)};
  return stop_signal(fd);
}

stop_signal::stop_signal(stop_signal&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

stop_signal::~stop_signal() {
  if (fd_ >= 0)
    ::close(fd_);
}

bool stop_signal::came() const noexcept { return wait(-1, 0); }

bool stop_signal::wait(int other, std::int64_t timeout_ns) const noexcept {
  std::array<pollfd, 2> wanted{{{fd_, POLLIN, 0}, {other, POLLIN, 0}}};
  const timespec timeout{static_cast<time_t>(timeout_ns / 1'000'000'000),
                         static_cast<long>(timeout_ns % 1'000'000'000)};
  ppoll(wanted.data(), wanted.size(), timeout_ns < 0 ? nullptr : &timeout, nullptr);
  return wanted[0].revents != 0;
}

} // namespace mycelium::cli
