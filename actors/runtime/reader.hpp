// Read-copy-update for what every publish reads: the handle table and the routing snapshot. A thread that reads raises
// its own flag (one exchange on a cache line that nobody else writes); a writer swaps a pointer, then waits until every
// thread that was reading at that moment has stopped, then frees the old one. No user code runs and nothing blocks
// while a flag is up, so a writer waits for microseconds.
#pragma once

#include "actors/runtime/thread_state.hpp"

#include <atomic>
#include <cstdint>

namespace mycelium::runtime {

struct alignas(64) reader_slot {
  std::atomic<std::uint64_t> turn{0}; // odd while the thread reads
  std::atomic<bool> owned{false};
  std::atomic<bool> working{false}; // a worker between two checkpoints: see exit_guard.hpp
  reader_slot* next = nullptr;
};

reader_slot& claim_reader_slot(); // this thread's, registered for its life
MYCELIUM_HOT_THREAD_LOCAL inline reader_slot* this_reader = nullptr;

// Raised for a scope, or until release(). May nest.
class read_guard {
public:
  read_guard() noexcept : slot_(this_reader != nullptr ? this_reader : &claim_reader_slot()) {
    turn_ = slot_->turn.load(std::memory_order_relaxed);
    outermost_ = (turn_ & 1) == 0;
    if (outermost_)
      slot_->turn.exchange(turn_ + 1, std::memory_order_seq_cst);
  }
  ~read_guard() { release(); }
  read_guard(const read_guard&) = delete;
  read_guard& operator=(const read_guard&) = delete;

  void release() noexcept {
    if (outermost_)
      slot_->turn.store(turn_ + 2, std::memory_order_release);
    outermost_ = false;
  }

private:
  reader_slot* slot_;
  std::uint64_t turn_;
  bool outermost_;
};

// How many threads, the calling one not counted, are marked as working.
int count_working() noexcept;

// Returns when no thread reads what was unpublished before the call. Must not be called under a read_guard.
void wait_for_readers() noexcept;

// After fork: the child has one thread, and the flags of the others would stay up for ever.
void forget_other_readers() noexcept;

} // namespace mycelium::runtime
