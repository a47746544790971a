// What a publishing thread owns in one runtime: its identity, its sequence and its counters. Written by that thread
// alone; read by statistics.
#pragma once

#include "actors/runtime/counted.hpp"
#include "actors/runtime/thread_state.hpp"

#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

namespace mycelium::runtime {

class alignas(64) publisher : public counted<publisher> {
public:
  std::uint64_t id() const noexcept { return id_.load(std::memory_order_relaxed); }
  std::uint64_t next_sequence() noexcept { return ++sequence_; }
  void count_accepted(std::size_t bytes) noexcept {
    bump(published_, 1);
    bump(bytes_, bytes);
  }
  void count_refused() noexcept { bump(refused_, 1); }

  std::uint64_t published() const noexcept { return published_.load(std::memory_order_relaxed); }
  std::uint64_t published_bytes() const noexcept { return bytes_.load(std::memory_order_relaxed); }
  std::uint64_t refused() const noexcept { return refused_.load(std::memory_order_relaxed); }

private:
  friend class publisher_list;
  friend struct publishers_of_thread;
  // One writer: no read-modify-write.
  static void bump(std::atomic<std::uint64_t>& counter, std::uint64_t by) noexcept {
    counter.store(counter.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }

  std::uint64_t sequence_ = 0;
  std::atomic<std::uint64_t> id_{0};
  std::atomic<std::uint64_t> published_{0};
  std::atomic<std::uint64_t> bytes_{0};
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<bool> in_use_{false};   // by a living thread
  std::atomic<bool> orphaned_{false}; // the runtime is gone
};

// The publishers of one runtime.
class publisher_list {
public:
  publisher_list();
  ~publisher_list();
  publisher_list(const publisher_list&) = delete;
  publisher_list& operator=(const publisher_list&) = delete;

  publisher& mine() {
    if (cached.list == serial_) [[likely]]
      return *cached.entry;
    return find_or_claim();
  }

  struct totals {
    std::uint64_t published = 0;
    std::uint64_t published_bytes = 0;
    std::uint64_t refused = 0;
  };
  totals sum() const;

private:
  friend struct publishers_of_thread;
  publisher& find_or_claim();
  publisher& remember(publisher& p) noexcept;
  counted_ptr<publisher> claim();

  struct cache {
    std::uint64_t list = 0;
    publisher* entry = nullptr;
  };
  MYCELIUM_HOT_THREAD_LOCAL static cache cached;

  const std::uint64_t serial_; // unique in the process, never reused
  mutable std::mutex mutex_;
  std::vector<counted_ptr<publisher>> all_;
};

} // namespace mycelium::runtime
