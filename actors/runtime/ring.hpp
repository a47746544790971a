// A bounded multi-producer ring of messages, with one consumer at a time (Vyukov's bounded queue). Each cell counts the
// turns it was filled and emptied: 2 * lap when free for that lap, 2 * lap + 1 when full; so zeroed memory is an empty
// ring, and pages are touched only once messages come. Producers may also pop, to drop the oldest: both sides then use
// pop_shared.
#pragma once

#include "actors/runtime/message.hpp"

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>
#include <sys/mman.h>

namespace mycelium::runtime {

class ring {
public:
  // capacity: a power of two, at least 2. Throws std::bad_alloc.
  explicit ring(std::size_t capacity) : mask_(capacity - 1), bits_(std::countr_zero(capacity)) {
    void* memory = mmap(nullptr, capacity * sizeof(cell), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
      throw std::bad_alloc();
    cells_ = static_cast<cell*>(memory);
  }
  ~ring() { munmap(cells_, capacity() * sizeof(cell)); }
  ring(const ring&) = delete;
  ring& operator=(const ring&) = delete;

  std::size_t capacity() const noexcept { return mask_ + 1; }
  std::uint64_t pushed() const noexcept { return tail_.load(std::memory_order_seq_cst); }
  std::uint64_t popped() const noexcept { return head_.load(std::memory_order_relaxed); }

  // False if it is full. A push is one seq_cst read-modify-write after the message is in: what the caller reads next
  // (is the consumer asleep?) is not read before.
  bool push(const message* m) noexcept {
    auto at = tail_.load(std::memory_order_relaxed);
    for (;;) {
      auto& c = cells_[at & mask_];
      const auto ahead = static_cast<std::int64_t>(c.turn.load(std::memory_order_acquire) - free_turn(at));
      if (ahead == 0) {
        if (tail_.compare_exchange_weak(at, at + 1, std::memory_order_relaxed)) {
          c.value = m;
          c.turn.exchange(free_turn(at) + 1, std::memory_order_seq_cst);
          return true;
        }
      } else if (ahead < 0) {
        return false;
      } else {
        at = tail_.load(std::memory_order_relaxed);
      }
    }
  }

  // The only consumer.
  const message* pop() noexcept {
    const auto at = head_.load(std::memory_order_relaxed);
    auto& c = cells_[at & mask_];
    if (c.turn.load(std::memory_order_acquire) != free_turn(at) + 1)
      return nullptr;
    const auto* m = c.value;
    c.turn.store(free_turn(at) + 2, std::memory_order_release);
    head_.store(at + 1, std::memory_order_relaxed);
    return m;
  }

  // One consumer among others.
  const message* pop_shared() noexcept {
    auto at = head_.load(std::memory_order_relaxed);
    for (;;) {
      auto& c = cells_[at & mask_];
      const auto ahead = static_cast<std::int64_t>(c.turn.load(std::memory_order_acquire) - (free_turn(at) + 1));
      if (ahead == 0) {
        if (head_.compare_exchange_weak(at, at + 1, std::memory_order_relaxed)) {
          const auto* m = c.value;
          c.turn.store(free_turn(at) + 2, std::memory_order_release);
          return m;
        }
      } else if (ahead < 0) {
        return nullptr;
      } else {
        at = head_.load(std::memory_order_relaxed);
      }
    }
  }

  // Is there nothing to pop? seq_cst, to be read after the consumer announced that it goes to sleep.
  bool nothing_to_pop() const noexcept {
    const auto at = head_.load(std::memory_order_relaxed);
    return cells_[at & mask_].turn.load(std::memory_order_seq_cst) != free_turn(at) + 1;
  }
  // False also while a producer has claimed a cell that it has not filled yet.
  bool empty() const noexcept { return pushed() == popped(); }

  // Brings the next message, its header and the beginning of its payload, towards the cache of the only consumer.
  void prefetch() const noexcept {
    const auto at = head_.load(std::memory_order_relaxed);
    const auto& c = cells_[at & mask_];
    if (c.turn.load(std::memory_order_acquire) == free_turn(at) + 1) {
      __builtin_prefetch(c.value);
      __builtin_prefetch(c.value + 1);
    }
  }

private:
  struct cell {
    std::atomic<std::uint64_t> turn;
    const message* value;
  };
  std::uint64_t free_turn(std::uint64_t at) const noexcept { return (at >> bits_) * 2; }

  cell* cells_;
  std::size_t mask_;
  int bits_;
  alignas(64) std::atomic<std::uint64_t> tail_{0};
  alignas(64) std::atomic<std::uint64_t> head_{0};
};

} // namespace mycelium::runtime
