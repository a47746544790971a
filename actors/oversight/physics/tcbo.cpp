#include "actors/oversight/physics/tcbo.hpp"
#include "actors/oversight/physics/rips.hpp"

#include <algorithm>
#include <cmath>

namespace mycelium::oversight {
namespace {

constexpr double noise_floor = 0.05; // shorter bars are none

failure wrong(const char* text) { return {status::invalid_argument, text}; }

} // namespace

result<void> tcbo_options::check() const {
  if (n < 1 || n > 1024)
    return wrong("n must be in [1, 1024]");
  if (!(tau_h1 >= 0 && tau_h1 <= 1))
    return wrong("tau_h1 must be in [0, 1]");
  if (!(beta > 0) || !std::isfinite(beta) || !std::isfinite(s0))
    return wrong("beta must be finite and > 0, s0 finite");
  if (embed_dim < 1 || embed_dim > 64 || tau_delay < 1 || tau_delay > 64)
    return wrong("embed_dim and tau_delay must be in [1, 64]");
  if (window_size > 256 || window_size - (embed_dim - 1) * tau_delay < 3)
    return wrong("window_size must be at most 256 and leave 3 points: window_size - (embed_dim - 1) tau_delay >= 3");
  return {};
}

result<tcbo_observer> tcbo_observer::create(const tcbo_options& options) {
  if (const auto right = options.check(); !right)
    return right.error();
  return tcbo_observer(options);
}

tcbo_observer::tcbo_observer(const tcbo_options& options)
    : options_(options), ring_(matrix::Zero(2 * options.n, options.window_size)),
      squares_(matrix::Zero(options.window_size, options.window_size)) {}

result<void> tcbo_observer::push(values theta) {
  const auto read = read_phases(theta, options_.n);
  if (!read)
    return read.error();
  ring_.col(next_) << read->array().cos().matrix(), read->array().sin().matrix();
  for (int i = 0; i < options_.window_size; ++i)
    squares_(i, next_) = squares_(next_, i) = (ring_.col(i) - ring_.col(next_)).squaredNorm();
  next_ = (next_ + 1) % options_.window_size;
  samples_ = std::min(samples_ + 1, options_.window_size);
  stale_ = true;
  return {};
}

// Of a full window, whose oldest sample is in the next column.
matrix tcbo_observer::cloud_distances() const {
  const int reach = (options_.embed_dim - 1) * options_.tau_delay;
  const int points = options_.window_size - reach;
  const auto column = [this](int sample) { return (next_ + sample) % options_.window_size; };
  matrix out = matrix::Zero(points, points);
  for (int i = 0; i < points; ++i)
    for (int j = 0; j < i; ++j) {
      double sum = 0;
      for (int d = 0; d <= reach; d += options_.tau_delay)
        sum += squares_(column(i + d), column(j + d));
      out(i, j) = out(j, i) = std::sqrt(sum / (double(options_.n) * options_.embed_dim));
    }
  return out;
}

const tcbo_result& tcbo_observer::compute(bool force) {
  if (samples_ < options_.window_size || (!stale_ && !force))
    return last_;
  stale_ = false;
  const auto bars = rips_holes(cloud_distances());
  const double longest = bars.empty() ? 0 : bars.front().length();
  last_.s_h1 = longest > noise_floor ? longest : 0;
  last_.p_h1 = 1 / (1 + std::exp(-options_.beta * (last_.s_h1 - options_.s0)));
  last_.is_conscious = last_.p_h1 > options_.tau_h1;
  return last_;
}

result<tcbo_result> tcbo_observer::push_and_compute(values theta, bool force) {
  if (const auto pushed = push(theta); !pushed)
    return pushed.error();
  return compute(force);
}

void tcbo_observer::reset() noexcept {
  samples_ = next_ = 0;
  last_ = {};
  stale_ = false;
}

result<tcbo_controller> tcbo_controller::create(double tau_h1, double kp, double ki, double kappa_max) {
  if (!(tau_h1 >= 0 && tau_h1 <= 1))
    return wrong("tau_h1 must be in [0, 1]");
  if (!(kp >= 0) || !(ki > 0) || !(kappa_max > 0) || !std::isfinite(kp + ki + kappa_max))
    return wrong("kp must be finite and >= 0, ki and kappa_max finite and > 0");
  return tcbo_controller(tau_h1, kp, ki, kappa_max);
}

result<double> tcbo_controller::step(double p_h1, double dt) {
  if (!std::isfinite(p_h1) || !(dt > 0) || !std::isfinite(dt))
    return wrong("p_h1 must be finite, dt finite and > 0");
  const double error = tau_h1_ - p_h1;
  integral_ = std::clamp(integral_ + error * dt, 0.0, kappa_max_ / ki_);
  return std::clamp(kp_ * error + ki_ * integral_, 0.0, kappa_max_);
}

} // namespace mycelium::oversight
