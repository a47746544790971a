// How often messages come, how large they are, and how long they have been on their way.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

namespace mycelium::cli {

// Count, mean, least and most of what was added, its standard deviation (of the population; Welford's method), and
// quantiles of the newest million.
class spread {
public:
  void add(double value);
  std::uint64_t count() const noexcept { return count_; }
  double sum() const noexcept { return mean_ * static_cast<double>(count_); }
  double mean() const noexcept { return mean_; }
  double least() const noexcept { return least_; }
  double most() const noexcept { return most_; }
  double deviation() const;
  // The value below which this part of all lies: nearest rank. 0 without values.
  double quantile(double part) const;

private:
  static constexpr std::size_t most_kept = 1'000'000;
  std::uint64_t count_ = 0;
  double mean_ = 0, squares_ = 0, least_ = 0, most_ = 0;
  std::deque<double> newest_;
};

// Messages of one type: in an interval, or in all of them.
struct flow {
  spread intervals_s; // between two messages, as they come
  spread bytes;
  spread delays_s; // from the publisher's timestamp until now

  void add(double since_last_s, bool has_last, std::size_t size, double delay_s);
};

} // namespace mycelium::cli
