// What a publishing thread owns in one runtime: its identity, its sequence and its counters. Written by that thread
// alone; read by statistics.
#pragma once

#include "actors/runtime/counted.hpp"
#include "actors/runtime/thread_state.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

namespace mycelium::runtime {

// Messages of one type: by threads of this process, and from other nodes.
struct type_traffic {
  std::uint64_t published = 0;
  std::uint64_t published_bytes = 0;
  std::uint64_t arrived = 0;
  std::uint64_t arrived_bytes = 0;
};

class alignas(64) publisher : public counted<publisher> {
public:
  ~publisher();

  std::uint64_t id() const noexcept { return id_.load(std::memory_order_relaxed); }
  std::uint64_t next_sequence() noexcept { return ++sequence_; }
  void count_accepted(std::uint16_t type_id, std::size_t bytes) {
    auto& count = count_of(type_id);
    bump(count.published, 1);
    bump(count.published_bytes, bytes);
  }
  void count_arrived(std::uint16_t type_id, std::size_t bytes) {
    auto& count = count_of(type_id);
    bump(count.arrived, 1);
    bump(count.arrived_bytes, bytes);
  }
  void count_refused() noexcept { bump(refused_, 1); }

  void add_traffic(std::map<std::uint16_t, type_traffic>& to) const;
  std::uint64_t refused() const noexcept { return refused_.load(std::memory_order_relaxed); }

private:
  friend class publisher_list;
  friend struct publishers_of_thread;
  // One writer: no read-modify-write.
  static void bump(std::atomic<std::uint64_t>& counter, std::uint64_t by) noexcept {
    counter.store(counter.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }
  struct type_count {
    std::uint16_t type_id = 0;
    std::atomic<std::uint64_t> published{0};
    std::atomic<std::uint64_t> published_bytes{0};
    std::atomic<std::uint64_t> arrived{0};
    std::atomic<std::uint64_t> arrived_bytes{0};
    type_count* older = nullptr;
  };
  // Most threads publish few types: they are found without a search.
  type_count& count_of(std::uint16_t type_id) {
    auto* recent = recent_[type_id % recent_.size()];
    return recent != nullptr && recent->type_id == type_id ? *recent : find_or_add(type_id);
  }
  type_count& find_or_add(std::uint16_t type_id);

  std::uint64_t sequence_ = 0;
  std::atomic<std::uint64_t> id_{0};
  std::array<type_count*, 16> recent_{};
  std::map<std::uint16_t, type_count*> counts_; // of the thread alone; statistics follow newest_
  std::atomic<type_count*> newest_{nullptr};
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
  std::map<std::uint16_t, type_traffic> traffic() const; // by type

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
  std::uint64_t next_id_;
  std::vector<counted_ptr<publisher>> all_;
};

} // namespace mycelium::runtime
