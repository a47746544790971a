// How CAF's workers wait for work: one central FIFO, no allocation per job, and a worker without work sleeps on a
// condition variable. A producer wakes a worker only if one sleeps and none is being woken already; the woken one wakes
// the next if more work waits. CAF's own work stealing polls (34-50 % of a core at 1 kHz), its work sharing wakes once
// per job.
//
// In a lull of dense traffic a worker does not sleep at once: it looks away for a few microseconds, then looks again.
// That spares the publisher the system call that wakes, and both the cache misses of working on the same few cells of a
// nearly empty ring: 1.4 times the rate from one publisher to one subscriber (docs/performance.md).
#pragma once

#include "actors/runtime/callback_scope.hpp"
#include "actors/runtime/cores.hpp"
#include "actors/runtime/deadline.hpp"
#include "actors/runtime/exit_guard.hpp"

#include <caf/policy/unprofiled.hpp>
#include <caf/resumable.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <pthread.h>
#include <string>
#include <vector>

namespace mycelium::runtime {

class park_policy : public caf::policy::unprofiled {
public:
  struct worker_data {
    explicit worker_data(caf::scheduler::abstract_coordinator*) {}
    std::int64_t last_idle_ns = forever; // how long it was without work the last time
  };

  class coordinator_data {
  public:
    explicit coordinator_data(caf::scheduler::abstract_coordinator*) : jobs_(1024) {}

    void push(caf::resumable* job) {
      bool wake;
      {
        std::lock_guard lock(mutex_);
        if (tail_ - head_ == jobs_.size())
          grow();
        jobs_[tail_++ & (jobs_.size() - 1)] = job;
        wake = claim_wake();
      }
      if (wake)
        work_.notify_one();
    }

    caf::resumable* pop(worker_data& worker) {
      std::unique_lock lock(mutex_);
      if (head_ == tail_) {
        const auto since = monotonic_ns();
        if (has_cores_to_spare_ && worker.last_idle_ns < dense_ns)
          look_away(lock, since + linger_ns);
        if (head_ == tail_)
          sleep(lock);
        worker.last_idle_ns = monotonic_ns() - since;
      }
      auto* job = jobs_[head_++ & (jobs_.size() - 1)];
      const bool wake = head_ != tail_ && claim_wake();
      lock.unlock();
      if (wake)
        work_.notify_one();
      return job;
    }

    caf::resumable* try_pop() {
      std::lock_guard lock(mutex_);
      return head_ == tail_ ? nullptr : jobs_[head_++ & (jobs_.size() - 1)];
    }

  private:
    static constexpr std::int64_t linger_ns = 4'000; // about what it takes to wake a thread
    static constexpr std::int64_t dense_ns = 50'000; // idle for longer: sleep at once the next time

    // Those that look away count for the jobs that they will find.
    bool claim_wake() {
      if (sleepers_ == 0 || waking_ || tail_ - head_ <= lingering_)
        return false;
      return waking_ = true;
    }
    void look_away(std::unique_lock<std::mutex>& lock, std::int64_t until) {
      ++lingering_;
      lock.unlock();
      while (monotonic_ns() < until)
        relax();
      lock.lock();
      --lingering_;
    }
    void sleep(std::unique_lock<std::mutex>& lock) {
      ++sleepers_;
      do {
        work_.wait(lock);
        waking_ = false;
      } while (head_ == tail_);
      --sleepers_;
    }
    static void relax() noexcept {
#if defined(__x86_64__)
      __builtin_ia32_pause();
#elif defined(__aarch64__)
      asm volatile("yield");
#endif
    }
    void grow() {
      std::vector<caf::resumable*> larger(jobs_.size() * 2);
      for (auto i = head_; i != tail_; ++i)
        larger[i & (larger.size() - 1)] = jobs_[i & (jobs_.size() - 1)];
      jobs_.swap(larger);
    }

    std::mutex mutex_;
    std::condition_variable work_;
    std::vector<caf::resumable*> jobs_; // a power of two
    std::size_t head_ = 0;              // both only grow
    std::size_t tail_ = 0;
    int sleepers_ = 0;
    std::size_t lingering_ = 0; // workers that look away
    bool waking_ = false;       // one has been notified and has not looked yet
    const bool has_cores_to_spare_ = has_cores_to_spare();
  };

  template <class Coordinator>
  void central_enqueue(Coordinator* self, caf::resumable* job) {
    self->data().push(job);
  }
  template <class Worker>
  void external_enqueue(Worker* self, caf::resumable* job) {
    self->parent()->data().push(job);
  }
  template <class Worker>
  void internal_enqueue(Worker* self, caf::resumable* job) {
    self->parent()->data().push(job);
  }
  template <class Worker>
  void resume_job_later(Worker* self, caf::resumable* job) {
    self->parent()->data().push(job);
  }

  template <class Worker>
  void before_resume(Worker*, caf::resumable*) {
    exit_guard::begin_work();
  }
  template <class Worker>
  void after_resume(Worker*, caf::resumable*) {
    exit_guard::end_work();
  }

  template <class Worker>
  caf::resumable* dequeue(Worker* self) {
    if (!on_pooled_worker) {
      on_pooled_worker = true;
      exit_guard::on_runtime_thread = true;
      pthread_setname_np(pthread_self(), ("myc.worker." + std::to_string(self->id())).c_str());
    }
    exit_guard::checkpoint();
    return self->parent()->data().pop(self->data());
  }

  template <class Worker, class F>
  void foreach_resumable(Worker*, F) {}
  template <class Coordinator, class F>
  void foreach_central_resumable(Coordinator* self, F f) {
    while (auto* job = self->data().try_pop())
      f(job);
  }
};

} // namespace mycelium::runtime
