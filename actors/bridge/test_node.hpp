// Nodes for tests: a bus with a bridge, and inboxes that wait for what comes.
#pragma once

#include "actors/bridge/bridge.hpp"

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace mycelium::bridge {

using namespace std::chrono_literals;
using runtime::deadline;
using runtime::message;

constexpr std::uint16_t type = 20001;
constexpr std::int64_t patience = 20'000'000'000;

// What a subscription got, and somebody who waits for it.
class inbox {
public:
  void add(const message& m) {
    std::lock_guard lock(mutex_);
    got_.emplace_back(m.data(), m.data() + m.size());
    sequences_.push_back(m.sequence);
    changed_.notify_all();
  }
  bool wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::nanoseconds(patience), [&] { return got_.size() >= count; });
  }
  std::vector<std::string> all() {
    std::lock_guard lock(mutex_);
    return got_;
  }
  std::vector<std::uint64_t> sequences() {
    std::lock_guard lock(mutex_);
    return sequences_;
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> got_;
  std::vector<std::uint64_t> sequences_;
};

// What a node has said.
class spoken {
public:
  void add(const char* text) {
    std::lock_guard lock(mutex_);
    lines_.emplace_back(text);
    changed_.notify_all();
  }
  std::size_t count(const std::string& part) {
    std::lock_guard lock(mutex_);
    return count_locked(part);
  }
  bool wait_for(const std::string& part, std::size_t times = 1) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::nanoseconds(patience), [&] { return count_locked(part) >= times; });
  }
  std::string all() {
    std::lock_guard lock(mutex_);
    std::string text;
    for (const auto& line : lines_)
      text += line + "\n";
    return text;
  }

private:
  std::size_t count_locked(const std::string& part) const {
    return std::size_t(std::ranges::count_if(lines_, [&](const auto& line) { return line.find(part) != line.npos; }));
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> lines_;
};

class node {
public:
  explicit node(const std::string& name, settings how = {}) {
    runtime::runtime_options options;
    options.name = name;
    options.threads = 2;
    options.log = [this](runtime::log_level, const char* text) { log_.add(text); };
    bus_ = std::move(*runtime::bus::start(options));
    auto started = bridge::start(*bus_, std::move(how));
    EXPECT_TRUE(started) << (started ? "" : started.error().text);
    bridge_ = *started;
  }
  ~node() { close(); }
  void close() {
    if (bus_) {
      EXPECT_TRUE(bus_->close(deadline::in(patience)));
      bridge_.reset();
      bus_.reset();
    }
  }

  address listen(const std::string& at) {
    auto bound = bridge_->listen(*parse_address(at));
    EXPECT_TRUE(bound) << (bound ? "" : bound.error().text);
    return bound ? *bound : address{};
  }
  void dial(const address& to) { EXPECT_TRUE(bridge_->dial(to)); }
  void linked(std::size_t count) { EXPECT_TRUE(bridge_->wait_for_links(count, deadline::in(patience))); }

  std::uint64_t subscribe(inbox& to, std::uint16_t type_id = type, runtime::policy when_full = runtime::policy::block) {
    runtime::subscription_options options;
    options.type_id = type_id;
    options.when_full = when_full;
    options.block_timeout_ns = patience;
    options.user_data = &to;
    options.on_message = [](const MyceliumMessage* m, void* user_data) {
      static_cast<inbox*>(user_data)->add(*reinterpret_cast<const message*>(m));
    };
    return *bus_->subscribe(std::move(options));
  }
  // Until somebody else's subscription is known here.
  void wanted(std::uint16_t type_id = type, std::size_t count = 1) {
    EXPECT_TRUE(bus_->wait_for_subscribers(type_id, count, deadline::in(patience)));
  }
  status publish(const std::string& text, std::uint16_t type_id = type) {
    runtime::read_guard guard;
    return bus_->publish(guard, type_id, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  }
  runtime::bus& bus() { return *bus_; }
  bridge& link() { return *bridge_; }
  spoken& log() { return log_; }

private:
  spoken log_;
  std::unique_ptr<runtime::bus> bus_;
  std::shared_ptr<bridge> bridge_;
};

// A folder for sockets, for the time of a test.
class socket_folder {
public:
  socket_folder() {
    std::string pattern = "/tmp/myc-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr)
      ADD_FAILURE() << "no folder in /tmp";
    path_ = pattern;
  }
  ~socket_folder() { std::filesystem::remove_all(path_); }
  std::string at(int which = 0) const { return "unix:" + path_ + "/" + std::to_string(which); }
  const std::string& path() const { return path_; }

private:
  std::string path_;
};

inline int connect_to(const std::string& path) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  path.copy(name.sun_path, sizeof name.sun_path - 1);
  EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&name), sizeof name), 0) << path;
  return fd;
}

} // namespace mycelium::bridge
