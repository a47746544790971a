// The bus as CAF gives it: one actor per subscription, one CAF message per delivery, a snapshot of the routes, CAF's
// sharing policy. No lanes, no pool, no bound, nothing clever: what the runtime must agree with, and what its engine
// grew from (docs/architecture.md).
#pragma once

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace mycelium::reference {

struct plain_message {
  std::uint16_t type_id;
  std::string payload;
};

// Any thread; publish is in order per calling thread.
class plain_bus {
public:
  using callback = std::function<void(const plain_message&)>;

  plain_bus();
  ~plain_bus();
  plain_bus(const plain_bus&) = delete;
  plain_bus& operator=(const plain_bus&) = delete;

  // The last `history` kept messages of the type come first. Callbacks of one subscription are never two at once.
  std::uint64_t subscribe(std::uint16_t type_id, std::size_t history, callback on_message);
  // No callback runs afterwards; what still waits is dropped.
  void unsubscribe(std::uint64_t id);
  void publish(std::uint16_t type_id, std::string payload);
  // Is not kept.
  void publish_to(std::uint64_t subscription, std::uint16_t type_id, std::string payload);
  // From now on the last `depth` messages; 0 forgets them.
  void keep_history(std::uint16_t type_id, std::size_t depth);
  // Until everything that was published before has been delivered.
  void flush();

private:
  using shared_message = std::shared_ptr<const plain_message>;
  struct destination {
    std::uint64_t id;
    caf::actor actor;
  };
  using routes = std::map<std::uint16_t, std::vector<destination>>;
  struct kept {
    std::size_t depth = 0;
    std::deque<shared_message> messages;
  };

  std::shared_ptr<const routes> snapshot() const { return std::atomic_load(&routes_); }
  void keep(const shared_message& m);

  caf::actor_system_config config_;
  caf::actor_system system_;
  std::shared_ptr<const routes> routes_ = std::make_shared<routes>(); // read without the mutex
  std::mutex mutex_;                                                  // who changes routes or history
  std::map<std::uint16_t, kept> history_;
  std::uint64_t last_id_ = 0;
};

} // namespace mycelium::reference
