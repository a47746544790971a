// Raw samples and what is reported of them. Not thread-safe: one writer, read when it has stopped.
#pragma once

#include "tools/benchmarks/clock.hpp"

#include <cstdint>
#include <vector>

namespace mycelium::bench {

// Durations in ticks, kept one by one: percentiles come from the samples themselves, not from buckets or from
// 1/throughput. Memory is touched at construction, so that no page fault falls into a measurement.
class samples {
public:
  explicit samples(std::size_t capacity) : kept_(capacity, 0) {}

  bool full() const { return count_ == kept_.size(); }
  std::size_t count() const { return count_; }
  // A later time that lies before the earlier one means that the processors' counters disagree: see backward().
  void add(ticks from, ticks to) {
    if (full()) {
      return;
    }
    if (to < from) {
      ++backward_;
      to = from;
    }
    kept_[count_++] = to - from > UINT32_MAX ? UINT32_MAX : static_cast<std::uint32_t>(to - from);
  }
  std::uint64_t backward() const { return backward_; }
  void append(const samples& more);
  // Nearest rank: the smallest sample that at least share of all samples do not exceed, in microseconds. Sorts.
  double percentile_us(double share);

private:
  std::vector<std::uint32_t> kept_;
  std::size_t count_ = 0;
  std::uint64_t backward_ = 0;
  bool sorted_ = false;
};

// Middle value, or the mean of the two middle ones; 0 for none.
double median(std::vector<double> values);

} // namespace mycelium::bench
