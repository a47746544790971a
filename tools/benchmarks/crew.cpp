#include "tools/benchmarks/crew.hpp"

#include <algorithm>

namespace mycelium::bench {

crew::crew(unsigned size, const placement& places) {
  for (unsigned i = 0; i < size; ++i) {
    threads_.emplace_back([this, i, places] { serve(i, places); });
  }
}

crew::~crew() {
  {
    const std::lock_guard guard(mutex_);
    leaving_ = true;
  }
  begin_.notify_all();
  for (std::thread& one : threads_) {
    one.join();
  }
}

ticks crew::run(const std::function<void(unsigned)>& work) {
  std::unique_lock guard(mutex_);
  work_ = &work;
  running_ = static_cast<unsigned>(threads_.size());
  earliest_ = UINT64_MAX;
  failure_ = nullptr;
  ++round_;
  begin_.notify_all();
  done_.wait(guard, [this] { return running_ == 0; });
  if (failure_) {
    std::rethrow_exception(failure_);
  }
  return earliest_;
}

void crew::serve(unsigned index, const placement& places) {
  places.take_publisher_place(index);
  std::uint64_t served = 0;
  std::unique_lock guard(mutex_);
  for (;;) {
    begin_.wait(guard, [&] { return leaving_ || round_ != served; });
    if (leaving_) {
      return;
    }
    served = round_;
    guard.unlock();
    const ticks start = now();
    std::exception_ptr failure;
    try {
      (*work_)(index);
    } catch (...) {
      failure = std::current_exception();
    }
    guard.lock();
    earliest_ = std::min(earliest_, start);
    if (failure && !failure_) {
      failure_ = failure;
    }
    if (--running_ == 0) {
      done_.notify_one();
    }
  }
}

} // namespace mycelium::bench
