#include "actors/oversight/physics/l16.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

namespace mycelium::oversight {
namespace {

constexpr double conscious = 0.72;

void keep(std::deque<double>& window, double value, int size) {
  window.push_back(value);
  if (window.size() > std::size_t(size))
    window.pop_front();
}

double variance(const Eigen::ArrayXd& x) { return (x - x.mean()).square().mean(); }

double recursion_error(const vector& theta, const l16_input& in, const l16_frame& frame) {
  const double apart = 1 - std::clamp(in.r_global, 0.0, 1.0);
  const double missing = std::max(conscious - in.p_h1, 0.0);
  if (frame.v == nullptr || frame.phi == nullptr)
    return std::max(apart + missing, 0.0);
  return (*frame.v - *frame.phi).squaredNorm() + apart + variance(theta.array().sin()) + variance(theta.array().cos()) +
         missing + 0.01 * in.h_frob;
}

} // namespace

result<void> l16_options::check() const {
  if (n < 2 || n > 1024 || plv_window < 1 || plv_window > 65536 || h_rec_window < 1 || h_rec_window > 65536)
    return failure{status::invalid_argument, "n must be in [2, 1024], plv_window and h_rec_window in [1, 65536]"};
  for (const double each : {plv_threshold, refusal_lr_factor, refusal_d_factor, refusal_tau_factor})
    if (!(each >= 0) || !std::isfinite(each))
      return failure{status::invalid_argument, "plv_threshold and the refusal factors must be finite and >= 0"};
  return {};
}

result<l16_controller> l16_controller::create(const l16_options& options) {
  if (const auto right = options.check(); !right)
    return right.error();
  return l16_controller(options);
}

double l16_controller::loop::step(double error, double dt) noexcept {
  integral = std::clamp(integral + error * dt, -10.0, 10.0);
  return std::clamp(kp * error + ki * integral, 0.01, 10.0);
}

result<l16_output> l16_controller::step(values theta, const l16_input& in, const l16_frame& frame) {
  const auto phases = read_phases(theta, options_.n);
  if (!phases)
    return phases.error();
  for (const double each : {in.r_global, in.plv, in.c7, in.c8, in.c10, in.p_h1, in.h_frob})
    if (!std::isfinite(each))
      return failure{status::invalid_argument, "every input must be finite"};
  if (!(in.dt > 0) || !std::isfinite(in.dt))
    return failure{status::invalid_argument, "dt must be finite and > 0"};

  l16_output out;
  out.lambda7 = lambda7_.step(in.c7, in.dt);
  out.lambda8 = lambda8_.step(in.c8, in.dt);
  out.lambda10 = lambda10_.step(in.c10, in.dt);
  out.nu_star = nu_star_.step(0.5 - in.r_global, in.dt);

  keep(plv_, in.plv, options_.plv_window);
  out.avg_plv = std::accumulate(plv_.begin(), plv_.end(), 0.0) / double(plv_.size());
  out.gate_open = out.avg_plv > options_.plv_threshold;

  out.h_rec = recursion_error(*phases, in, frame);
  keep(h_rec_, out.h_rec, options_.h_rec_window + 1);
  const bool falls = std::adjacent_find(h_rec_.begin(), h_rec_.end(), std::greater_equal<>()) != h_rec_.end();
  out.refusal = h_rec_.size() == std::size_t(options_.h_rec_window) + 1 && !falls;
  out.dh_rec_dt = slope() / in.dt;
  out.lyapunov_stable = out.dh_rec_dt <= 0;
  if (out.refusal) {
    out.lr_z_scale = options_.refusal_lr_factor;
    out.d_theta_scale = options_.refusal_d_factor;
    out.tau_d_scale = options_.refusal_tau_factor;
  }
  return out;
}

double l16_controller::slope() const noexcept {
  const auto count = double(h_rec_.size());
  if (count < 2)
    return 0;
  const double middle = (count - 1) / 2;
  const double mean = std::accumulate(h_rec_.begin(), h_rec_.end(), 0.0) / count;
  double across = 0;
  double along = 0;
  for (std::size_t i = 0; i < h_rec_.size(); ++i) {
    across += (double(i) - middle) * (h_rec_[i] - mean);
    along += (double(i) - middle) * (double(i) - middle);
  }
  return across / along;
}

} // namespace mycelium::oversight
