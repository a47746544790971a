// Back-pressure for ways that have none (CAF's mailboxes are unbounded, nng's pub socket drops): a publisher waits
// while the slowest of its receivers is more than a window behind. Receivers acknowledge in chunks, through memory,
// which costs them less than any message would.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <vector>

namespace mycelium::bench {

// One publisher's. sent() is called by it, received(i) by receiver i.
class window {
public:
  window(std::size_t receivers, unsigned size) : chunk_(size < 4 ? 1 : size / 4), receivers_(receivers) {}

  // After each message; may wait.
  void sent() {
    if (++sent_ % chunk_ == 0 && !room()) {
      wait();
    }
  }
  // After each message.
  void received(std::size_t receiver) {
    receiver_state& mine = receivers_[receiver];
    if (++mine.count % chunk_ == 0) {
      mine.chunks.store(mine.count / chunk_, std::memory_order_seq_cst);
      if (waiting_.load(std::memory_order_seq_cst)) {
        const std::lock_guard guard(mutex_);
        moved_.notify_one();
      }
    }
  }

private:
  struct alignas(64) receiver_state {
    std::uint64_t count = 0; // the receiver's own
    std::atomic<std::uint64_t> chunks{0};
    receiver_state() = default;
    receiver_state(receiver_state&& other) noexcept : count(other.count), chunks(other.chunks.load()) {}
  };

  // The next chunk fits: at most three of the four are still under way.
  bool room() const {
    const std::uint64_t begun = sent_ / chunk_;
    for (const receiver_state& one : receivers_) {
      if (one.chunks.load(std::memory_order_seq_cst) + 3 < begun) {
        return false;
      }
    }
    return true;
  }

  void wait() {
    std::unique_lock guard(mutex_);
    waiting_.store(true, std::memory_order_seq_cst);
    const bool moved = moved_.wait_for(guard, std::chrono::seconds(10), [this] { return room(); });
    waiting_.store(false, std::memory_order_relaxed);
    if (!moved) {
      throw std::runtime_error("no acknowledgement for 10 s: a message was lost");
    }
  }

  const std::uint64_t chunk_;
  std::uint64_t sent_ = 0;
  std::vector<receiver_state> receivers_;
  std::mutex mutex_;
  std::condition_variable moved_;
  std::atomic<bool> waiting_{false};
};

} // namespace mycelium::bench
