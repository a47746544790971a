// What the benchmark of bridges asks of each transport: two processes that send each other messages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace mycelium::bench {

using message_bytes = std::span<const std::uint8_t>;

// One process's side. Used by one thread; a handler may send.
class party {
public:
  virtual ~party() = default;
  virtual void send(message_bytes message) = 0; // waits where there is no room; nothing is lost on purpose
  virtual void flush() {}                       // after the last of many
  // Hands over each message that comes, until the handler returns false.
  virtual void receive(const std::function<bool(message_bytes)>& handler) = 0;
};

enum class side { source, sink };

struct meeting {
  std::string folder; // for sockets; empty at the start
  std::uint16_t port; // free a moment ago
  std::size_t size;   // of every message
  bool conversation;  // each message is answered before the next: nothing is to be gathered
};

// Starts what both sides need beside themselves; its process is ended after each measurement.
struct server {
  std::vector<std::string> command;
};

struct transport {
  std::string name;
  // The sink is opened first. It may not hear the source yet when this returns, but nothing that the source sends
  // after its own open() may be lost.
  std::function<std::unique_ptr<party>(side, const meeting&)> open;
  std::function<server(const meeting&)> serve = {};
  std::string missing = {}; // why it cannot run here
};

void add_raw(std::vector<transport>& to);
void add_mycelium(std::vector<transport>& to);
void add_zeromq(std::vector<transport>& to);
void add_nng(std::vector<transport>& to);
void add_nats(std::vector<transport>& to);
void add_redis(std::vector<transport>& to);

// Throws with what was tried unless it held.
inline void must(bool held, const std::string& what) {
  if (!held)
    throw std::runtime_error(what);
}

} // namespace mycelium::bench
