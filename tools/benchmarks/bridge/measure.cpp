#include "tools/benchmarks/bridge/measure.hpp"

#include "tools/benchmarks/clock.hpp"
#include "tools/benchmarks/placement.hpp"
#include "tools/benchmarks/samples.hpp"

#include <arpa/inet.h>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <netinet/in.h>
#include <random>
#include <stdexcept>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mycelium::bench {
namespace {

constexpr double patience_s = 60;

// What the processes of one measurement tell each other; in memory that they share.
struct board {
  std::atomic<bool> sink_is_open;
  std::atomic<bool> sink_is_done;
  std::atomic<bool> source_is_done;
  std::atomic<ticks> began; // CLOCK_MONOTONIC, ns
  std::atomic<ticks> ended;
  std::atomic<double> source_cpu_s;
  std::atomic<double> sink_cpu_s;
  std::array<double, 3> percentiles_us;
  std::array<char, 256> failure;
};

class shared_board {
public:
  shared_board()
      : board_(static_cast<board*>(
            ::mmap(nullptr, sizeof(board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {
    must(board_ != MAP_FAILED, "mmap");
    new (board_) board{};
  }
  ~shared_board() { ::munmap(board_, sizeof(board)); }
  board* operator->() const { return board_; }
  board& operator*() const { return *board_; }

private:
  board* board_;
};

class scratch_folder {
public:
  scratch_folder() {
    std::string pattern = "/tmp/myc-bench-XXXXXX";
    must(::mkdtemp(pattern.data()) != nullptr, "mkdtemp");
    path_ = pattern;
  }
  ~scratch_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

private:
  std::string path_;
};

bool is_free(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  must(fd >= 0, "socket");
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  name.sin_port = htons(port);
  const bool is = ::bind(fd, reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0;
  ::close(fd);
  return is;
}

// Below those that the kernel gives to whoever connects: one of these might go to another process before it is used.
std::uint16_t free_port() {
  constexpr std::uint16_t first = 20'000;
  constexpr std::uint16_t count = 12'000;
  static std::mt19937 dice{std::random_device{}()};
  for (int tries = 0; tries < 1000; ++tries)
    if (const auto port = static_cast<std::uint16_t>(first + dice() % count); is_free(port))
      return port;
  throw std::runtime_error("no TCP port is free");
}

void pause_ms(unsigned ms) { ::usleep(ms * 1000); }

template <class Condition>
void wait_until(Condition holds, const char* what) {
  const auto limit = monotonic_ns() + static_cast<ticks>(patience_s * 1e9);
  while (!holds()) {
    must(monotonic_ns() < limit, std::string("in vain waited until ") + what);
    pause_ms(1);
  }
}

// A process between the two; ended with the measurement.
class running_server {
public:
  explicit running_server(const server& what) : pid_(::fork()) {
    must(pid_ >= 0, "fork");
    if (pid_ != 0)
      return;
    const int nowhere = ::open("/dev/null", O_RDWR);
    ::dup2(nowhere, 1);
    ::dup2(nowhere, 2);
    std::vector<char*> arguments;
    for (const auto& each : what.command)
      arguments.push_back(const_cast<char*>(each.c_str()));
    arguments.push_back(nullptr);
    ::execvp(arguments[0], arguments.data());
    ::_exit(127);
  }
  ~running_server() {
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
  }
  double cpu_s() const { // fields 14 and 15 of proc(5)'s stat, after the name in brackets
    std::ifstream file("/proc/" + std::to_string(pid_) + "/stat");
    std::string text;
    std::getline(file, text);
    const auto behind_name = text.rfind(')');
    unsigned long user = 0, system = 0;
    if (behind_name == std::string::npos ||
        std::sscanf(text.c_str() + behind_name, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
                    &system) != 2)
      return 0;
    return static_cast<double>(user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  }

private:
  const pid_t pid_;
};

// The party, tried again while a server is on its way.
std::unique_ptr<party> open_when_there(const transport& way, side which, const meeting& at) {
  const auto limit = monotonic_ns() + 10'000'000'000;
  for (;;) {
    try {
      return way.open(which, at);
    } catch (const std::exception&) {
      if (!way.serve || monotonic_ns() > limit)
        throw;
      pause_ms(20);
    }
  }
}

using work = void (*)(party&, board&, std::size_t size, std::uint64_t count);

void send_flow(party& with, board& shared, std::size_t size, std::uint64_t count) {
  const std::vector<std::uint8_t> message(size, 'm');
  const auto cpu = process_cpu_seconds();
  shared.began = monotonic_ns();
  for (std::uint64_t i = 0; i < count; ++i)
    with.send(message);
  with.flush();
  wait_until([&] { return shared.sink_is_done.load(); }, "the sink had everything");
  shared.source_cpu_s = process_cpu_seconds() - cpu;
}

void take_flow(party& with, board& shared, std::size_t, std::uint64_t count) {
  const auto cpu = process_cpu_seconds();
  with.receive([left = count](message_bytes) mutable { return --left != 0; });
  shared.ended = monotonic_ns();
  shared.sink_cpu_s = process_cpu_seconds() - cpu;
}

void ask(party& with, board& shared, std::size_t size, std::uint64_t count) {
  const std::uint64_t warm_up = count / 10;
  const std::vector<std::uint8_t> message(size, 'm');
  samples found(count);
  std::uint64_t left = warm_up + count;
  ticks sent = now();
  with.send(message);
  with.flush();
  with.receive([&](message_bytes) {
    const auto back = now();
    if (left <= count)
      found.add(sent, back);
    if (--left == 0)
      return false;
    sent = now();
    with.send(message);
    return true;
  });
  const std::array shares{0.5, 0.99, 0.999};
  for (std::size_t i = 0; i < shares.size(); ++i)
    shared.percentiles_us[i] = found.percentile_us(shares[i]) / 2;
}

void answer(party& with, board& shared, std::size_t size, std::uint64_t count) {
  const std::vector<std::uint8_t> message(size, 'm');
  with.receive([&, left = count + count / 10](message_bytes) mutable {
    with.send(message);
    return --left != 0;
  });
  with.flush();
  shared.sink_is_done = true;
  wait_until([&] { return shared.source_is_done.load(); }, "the source had everything");
}

[[noreturn]] void be(side which, const transport& way, const meeting& at, const placement& place, board& shared,
                     work what, std::uint64_t count) {
  try {
    // Threads of a library inherit it.
    which == side::source ? place.take_publisher_place(0) : place.take_worker_place();
    if (which == side::source)
      wait_until([&] { return shared.sink_is_open.load(); }, "the sink was open");
    const auto with = open_when_there(way, which, at);
    if (which == side::sink)
      shared.sink_is_open = true;
    what(*with, shared, at.size, count);
    (which == side::sink ? shared.sink_is_done : shared.source_is_done) = true;
    if (which == side::sink)
      wait_until([&] { return shared.source_is_done.load(); }, "the source was done");
  } catch (const std::exception& error) {
    std::snprintf(shared.failure.data(), shared.failure.size(), "%s: %s", which == side::source ? "source" : "sink",
                  error.what());
    ::_exit(1);
  }
  ::_exit(0);
}

// True when both have ended well.
bool wait_for_both(std::array<pid_t, 2> children) {
  bool good = true;
  for (std::size_t left = children.size(); left > 0; --left) {
    int status = 0;
    const auto ended = ::waitpid(-1, &status, 0);
    if (ended != children[0] && ended != children[1]) {
      ++left; // a server that died: both will tell
      continue;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
      continue;
    good = false;
    for (const auto each : children)
      ::kill(each, SIGKILL);
  }
  return good;
}

outcome measure(const transport& way, std::size_t size, std::uint64_t count, bool pinned, bool conversation) {
  const scratch_folder folder;
  const meeting at{folder.path(), free_port(), size, conversation};
  const auto place = pinned ? placement::pinned() : placement::unpinned();
  const shared_board shared;
  std::unique_ptr<running_server> between;
  if (way.serve)
    between = std::make_unique<running_server>(way.serve(at));
  const auto start = [&](side which, work what) {
    const auto pid = ::fork();
    must(pid >= 0, "fork");
    if (pid == 0)
      be(which, way, at, place, *shared, what, count);
    return pid;
  };
  const auto server_cpu = between ? between->cpu_s() : 0;
  const auto sink = start(side::sink, conversation ? answer : take_flow);
  const auto source = start(side::source, conversation ? ask : send_flow);
  outcome found;
  if (!wait_for_both({sink, source})) {
    found.failure = shared->failure[0] != 0 ? shared->failure.data() : "a process died";
    return found;
  }
  if (conversation) {
    found.p50_us = shared->percentiles_us[0];
    found.p99_us = shared->percentiles_us[1];
    found.p999_us = shared->percentiles_us[2];
    return found;
  }
  const auto messages = static_cast<double>(count);
  found.messages_per_s = messages * 1e9 / static_cast<double>(shared->ended - shared->began);
  const auto cpu = shared->source_cpu_s + shared->sink_cpu_s + (between ? between->cpu_s() - server_cpu : 0);
  found.cpu_us_per_message = cpu * 1e6 / messages;
  return found;
}

} // namespace

outcome measure_flow(const transport& way, std::size_t size, std::uint64_t count, bool pinned) {
  return measure(way, size, count, pinned, false);
}

outcome measure_conversation(const transport& way, std::size_t size, std::uint64_t count, bool pinned) {
  return measure(way, size, count, pinned, true);
}

} // namespace mycelium::bench
