// How CAF's workers wait for work: one central FIFO, no allocation per job, and a worker without work sleeps on a
// condition variable. A producer wakes a worker only if one sleeps and none is being woken already; the woken one wakes
// the next if more work waits. CAF's own work stealing polls (34-50 % of a core at 1 kHz), its work sharing wakes once
// per job.
#pragma once

#include "actors/runtime/callback_scope.hpp"
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

    caf::resumable* pop() {
      std::unique_lock lock(mutex_);
      if (head_ == tail_) {
        ++sleepers_;
        do {
          work_.wait(lock);
          waking_ = false;
        } while (head_ == tail_);
        --sleepers_;
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
    bool claim_wake() {
      if (sleepers_ == 0 || waking_)
        return false;
      return waking_ = true;
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
    bool waking_ = false; // one has been notified and has not looked yet
  };

  struct worker_data {
    explicit worker_data(caf::scheduler::abstract_coordinator*) {}
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
    return self->parent()->data().pop();
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
