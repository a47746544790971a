// Waiting on a 32-bit atomic with a deadline, which std::atomic::wait does not offer. Linux futexes, private to the
// process.
#pragma once

#include "actors/runtime/deadline.hpp"

#include <atomic>
#include <cerrno>
#include <climits>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace mycelium::runtime {

// Sleeps while word == seen, until woken or the deadline; returns spuriously too, so callers loop on their condition.
inline void futex_wait(std::atomic<std::uint32_t>& word, std::uint32_t seen, const deadline& until) noexcept {
  timespec rest;
  timespec* timeout = nullptr;
  if (!until.never()) {
    const auto left = until.left();
    if (left == 0)
      return;
    rest.tv_sec = left / 1'000'000'000;
    rest.tv_nsec = left % 1'000'000'000;
    timeout = &rest;
  }
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, seen, timeout, nullptr, 0);
}

inline void futex_wake(std::atomic<std::uint32_t>& word, int sleepers = INT_MAX) noexcept {
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, sleepers, nullptr, nullptr, 0);
}

// Threads that wait for something that another thread changes now and then, without a lock and without a cost for the
// changing side while nobody waits: signal() is one load.
class waiting_room {
public:
  // Waits until done() or the deadline; true if done. done() must read what the signalling side wrote with seq_cst
  // order (or with a seq_cst read-modify-write between its write and its signal()).
  template <class Done>
  bool wait(const deadline& until, Done done) {
    if (done())
      return true;
    waiters_.fetch_add(1, std::memory_order_seq_cst);
    bool ok = false;
    for (;;) {
      const auto seen = epoch_.load(std::memory_order_seq_cst);
      ok = done();
      if (ok || until.passed())
        break;
      futex_wait(epoch_, seen, until);
    }
    waiters_.fetch_sub(1, std::memory_order_relaxed);
    return ok;
  }

  void signal() noexcept {
    if (waiters_.load(std::memory_order_seq_cst) != 0)
      wake();
  }

private:
  void wake() noexcept {
    epoch_.fetch_add(1, std::memory_order_seq_cst);
    futex_wake(epoch_);
  }

  std::atomic<std::uint32_t> waiters_{0};
  std::atomic<std::uint32_t> epoch_{0};
};

} // namespace mycelium::runtime
