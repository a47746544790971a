#include "actors/oversight/physics/oscillators.hpp"

#include <algorithm>
#include <cstring>

namespace mycelium::oversight {
namespace {

void turn_far(double* theta, std::size_t count) noexcept { std::transform(theta, theta + count, theta, turned); }

} // namespace

oscillators::oscillators(const network& net, const phase_kernel& kernel)
    : n_(std::size_t(net.size())), kernel_(&kernel) {
  const auto padded = padded_size(n_);
  for (auto* each : {&omega_, &theta_, &velocity_, &sine_, &cosine_, &second_, &noise_})
    each->assign(padded, 0);
  first_.assign(padded, 1); // what is behind n has no noise
  std::copy_n(net.omega.data(), n_, omega_.begin());
  set_coupling(net.k);
  place(array(n_, 0.0));
}

void oscillators::set_coupling(const matrix& k) {
  const auto padded = padded_size(n_);
  k_.resize(padded * n_);
  for (std::size_t j = 0; j < n_; ++j)
    std::copy_n(k.data() + j * n_, n_, k_.data() + j * padded);
}

void oscillators::place(values theta) noexcept {
  if (order_ != 0 && std::memcmp(theta.data(), theta_.data(), n_ * sizeof(double)) == 0)
    return;
  std::copy(theta.begin(), theta.end(), theta_.begin());
  const bool near =
      std::all_of(theta.begin(), theta.end(), [](double each) { return std::abs(each) < farthest_phase; });
  if (near)
    kernel_->sincos(theta_.data(), sine_.data(), cosine_.data(), theta_.size());
  else
    for (std::size_t i = 0; i < n_; ++i) {
      sine_[i] = std::sin(theta_[i]);
      cosine_[i] = std::cos(theta_[i]);
    }
  order_ = kernel_->order(sine_.data(), cosine_.data(), n_);
}

void oscillators::step(double field, double dt, double noise, random_source& random) noexcept {
  for (std::size_t i = 0; i < n_; ++i) {
    first_[i] = random.uniform();
    second_[i] = random.uniform();
  }
  if (noise != 0)
    kernel_->normals(first_.data(), second_.data(), noise, noise_.data(), noise_.size());
  else if (!silent_)
    std::fill(noise_.begin(), noise_.end(), 0.0);
  silent_ = noise == 0;
  phase_step at{.n = n_,
                .omega = omega_.data(),
                .k = k_.data(),
                .field = field,
                .dt = dt,
                .noise = noise_.data(),
                .theta = theta_.data(),
                .sine = sine_.data(),
                .cosine = cosine_.data(),
                .velocity = velocity_.data(),
                .turn_far = turn_far};
  kernel_->step(at);
  order_ = at.order;
}

} // namespace mycelium::oversight
