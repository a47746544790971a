#include "tools/cli/rate_statistics.hpp"

#include <cmath>

namespace mycelium::cli {

void spread::add(double value) {
  least_ = count_ == 0 ? value : std::min(least_, value);
  most_ = count_ == 0 ? value : std::max(most_, value);
  ++count_;
  const auto before = value - mean_;
  mean_ += before / static_cast<double>(count_);
  squares_ += before * (value - mean_);
  newest_.push_back(value);
  if (newest_.size() > most_kept)
    newest_.pop_front();
}

double spread::deviation() const { return count_ == 0 ? 0 : std::sqrt(squares_ / static_cast<double>(count_)); }

double spread::quantile(double part) const {
  if (newest_.empty())
    return 0;
  std::vector<double> sorted(newest_.begin(), newest_.end());
  const auto rank = std::ceil(part * static_cast<double>(sorted.size()));
  const auto at =
      sorted.begin() + static_cast<std::ptrdiff_t>(std::clamp(rank, 1.0, static_cast<double>(sorted.size()))) - 1;
  std::ranges::nth_element(sorted, at);
  return *at;
}

void flow::add(double since_last_s, bool has_last, std::size_t size, double delay_s) {
  if (has_last)
    intervals_s.add(since_last_s);
  bytes.add(static_cast<double>(size));
  delays_s.add(delay_s);
}

} // namespace mycelium::cli
