#include "tools/benchmarks/samples.hpp"

#include <algorithm>
#include <cmath>

namespace mycelium::bench {

void samples::append(const samples& more) {
  kept_.resize(count_);
  kept_.insert(kept_.end(), more.kept_.begin(), more.kept_.begin() + static_cast<std::ptrdiff_t>(more.count_));
  count_ = kept_.size();
  backward_ += more.backward_;
  sorted_ = false;
}

double samples::percentile_us(double share) {
  if (count_ == 0) {
    return 0.0;
  }
  if (!sorted_) {
    std::sort(kept_.begin(), kept_.begin() + static_cast<std::ptrdiff_t>(count_));
    sorted_ = true;
  }
  const double rank = std::ceil(share * static_cast<double>(count_));
  const auto index = rank < 1.0 ? 0 : static_cast<std::size_t>(rank) - 1;
  return nanoseconds(kept_[std::min(index, count_ - 1)]) * 1e-3;
}

double median(std::vector<double> values) {
  if (values.empty()) {
    return 0.0;
  }
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

} // namespace mycelium::bench
