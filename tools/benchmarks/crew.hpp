// The publishers' threads of a run: start together, one after another run, end together.
#pragma once

#include "tools/benchmarks/clock.hpp"
#include "tools/benchmarks/placement.hpp"

#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace mycelium::bench {

class crew {
public:
  // Threads 0 .. size - 1, each on a publisher's place.
  crew(unsigned size, const placement& places);
  ~crew();
  crew(const crew&) = delete;
  crew& operator=(const crew&) = delete;

  // Runs work(i) on every thread and waits for all. The earliest start, in ticks; rethrows the first exception of a
  // work.
  ticks run(const std::function<void(unsigned)>& work);

private:
  void serve(unsigned index, const placement& places);

  std::mutex mutex_;
  std::condition_variable begin_;
  std::condition_variable done_;
  const std::function<void(unsigned)>* work_ = nullptr;
  std::uint64_t round_ = 0;
  unsigned running_ = 0;
  bool leaving_ = false;
  ticks earliest_ = 0;
  std::exception_ptr failure_;
  std::vector<std::thread> threads_;
};

} // namespace mycelium::bench
