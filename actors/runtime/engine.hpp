// CAF for one runtime: the actor system with our scheduler policy, the supervisor that watches and restarts
// subscription actors, and the actor that delivers the outcomes of requests. Only files that include this see CAF.
#pragma once

#include "actors/runtime/counted.hpp"
#include "actors/runtime/lane.hpp"

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <cstdint>
#include <functional>

namespace mycelium::runtime {

class request_table;

class engine {
public:
  struct settings {
    std::uint32_t threads = 1;
    request_table* requests = nullptr;
    // Run by the supervisor when a subscription's actor died of something else than its own end.
    std::function<void(std::uint64_t subscription_id)> restart;
  };

  // Starts the workers; every thread that it starts blocks all signals. Throws what CAF throws.
  explicit engine(settings how);
  // Every actor has to be gone or on its way: see stop().
  ~engine();

  // A new actor for a lane, watched by the supervisor.
  caf::actor spawn(const counted_ptr<lane>& data);
  // Asks an actor to leave; it was not to be restarted any more.
  static void dismiss(const caf::actor& who);
  // After every subscription's actor was dismissed and no handle is left: dismisses the engine's own and waits for all.
  void stop();
  std::size_t threads() const;

  caf::actor_system& system() noexcept { return system_; }

private:
  static caf::actor_system_config& configure(caf::actor_system_config& config, const settings& how);

  settings how_;
  caf::actor_system_config config_; // outlives the system
  caf::actor_system system_;
  caf::actor supervisor_;
  caf::actor courier_;
};

// CAF leaves a counted pointer to the system's logger in each thread that creates a system or spawns an actor, and
// ~actor_system waits for the logger's last holder: destroying on another thread, or after a subscribe on one that
// lives on, would hang. So such threads let go at the end of this scope.
struct thread_let_go {
  thread_let_go() = default;
  ~thread_let_go();
  thread_let_go(const thread_let_go&) = delete;
  thread_let_go& operator=(const thread_let_go&) = delete;
};

} // namespace mycelium::runtime
