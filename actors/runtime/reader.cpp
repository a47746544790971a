#include "actors/runtime/reader.hpp"

#include <sched.h>

namespace mycelium::runtime {
namespace {

// Slots are never freed, only handed to the next thread: a writer may be looking at them.
constinit std::atomic<reader_slot*> all_slots{nullptr};

reader_slot* take_slot() {
  for (auto* slot = all_slots.load(std::memory_order_acquire); slot != nullptr; slot = slot->next)
    if (!slot->owned.load(std::memory_order_relaxed) && !slot->owned.exchange(true, std::memory_order_acquire))
      return slot;
  auto* fresh = new reader_slot;
  fresh->owned.store(true, std::memory_order_relaxed);
  fresh->next = all_slots.load(std::memory_order_relaxed);
  while (!all_slots.compare_exchange_weak(fresh->next, fresh, std::memory_order_seq_cst)) {
  }
  return fresh;
}

// Returns the slot when the thread ends. A publish from a later thread_local destructor claims a slot that stays taken:
// 64 bytes, and correct.
struct slot_owner {
  ~slot_owner() {
    if (auto* slot = this_reader) {
      this_reader = nullptr;
      slot->owned.store(false, std::memory_order_release);
    }
  }
};

} // namespace

reader_slot& claim_reader_slot() {
  static thread_local slot_owner owner;
  (void)owner;
  this_reader = take_slot();
  return *this_reader;
}

void wait_for_readers() noexcept {
  for (auto* slot = all_slots.load(std::memory_order_seq_cst); slot != nullptr; slot = slot->next) {
    const auto turn = slot->turn.load(std::memory_order_seq_cst);
    if ((turn & 1) == 0)
      continue;
    while (slot->turn.load(std::memory_order_acquire) == turn)
      sched_yield();
  }
}

int count_working() noexcept {
  int count = 0;
  for (auto* slot = all_slots.load(std::memory_order_acquire); slot != nullptr; slot = slot->next)
    count += slot != this_reader && slot->working.load(std::memory_order_acquire) ? 1 : 0;
  return count;
}

void forget_other_readers() noexcept {
  for (auto* slot = all_slots.load(std::memory_order_relaxed); slot != nullptr; slot = slot->next) {
    if (slot == this_reader)
      continue;
    slot->turn.store(0, std::memory_order_relaxed);
    slot->working.store(false, std::memory_order_relaxed);
    slot->owned.store(false, std::memory_order_relaxed);
  }
}

} // namespace mycelium::runtime
