// Process exit without close. A host may return from main, or call exit, while runtimes live: their threads must not
// run user code, or the engine's, while static objects are being destroyed under them. The first runtime registers an
// atexit handler that raises a flag; every thread of a runtime parks for ever at its next checkpoint (before each
// callback and each look for work), and the handler waits a moment for callbacks that run to return. From then on every
// runtime counts as closed; destroying one leaves its threads parked.
#pragma once

#include "actors/runtime/reader.hpp"

#include <atomic>

namespace mycelium::runtime::exit_guard {

inline std::atomic<bool> exiting{false};
MYCELIUM_HOT_THREAD_LOCAL inline bool on_runtime_thread = false;
[[noreturn]] void park() noexcept;

inline bool is_exiting() noexcept { return exiting.load(std::memory_order_relaxed); }

// Does nothing on a thread of the host, which runs inline callbacks.
inline void checkpoint() noexcept {
  if (is_exiting() && on_runtime_thread) [[unlikely]]
    park();
}

// Around the work of a runtime's thread. The handler looks only after a pause, so that a relaxed store is seen.
inline void begin_work() noexcept {
  auto& slot = this_reader != nullptr ? *this_reader : claim_reader_slot();
  slot.working.store(true, std::memory_order_relaxed);
  on_runtime_thread = true;
  checkpoint();
}
inline void end_work() noexcept {
  if (this_reader != nullptr)
    this_reader->working.store(false, std::memory_order_release);
}

// A thread that sleeps where it cannot look, in somebody else's event loop: it is at work all its life, and woken when
// the process exits, to park().
class sleeper {
public:
  virtual void wake_to_park() noexcept = 0; // on the thread that exits

protected:
  sleeper() = default;
  ~sleeper() = default;
};
void add(sleeper& who);
void remove(sleeper& who);

void install(); // registers the handler once a process

} // namespace mycelium::runtime::exit_guard
