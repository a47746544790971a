#include "actors/oversight/physics/sec.hpp"
#include "actors/oversight/physics/random.hpp"

#include <algorithm>

namespace mycelium::oversight {

result<sec_functional> sec_functional::create(double lambda_omega, double lambda_entropy, const network& oscillators) {
  if (!(lambda_omega >= 0) || !(lambda_entropy >= 0) || !std::isfinite(lambda_omega + lambda_entropy))
    return failure{status::invalid_argument, "lambda_omega and lambda_entropy must be finite and >= 0"};
  if (const auto right = oscillators.check(); !right)
    return right.error();
  return sec_functional(lambda_omega, lambda_entropy, oscillators);
}

result<sec_result> sec_functional::evaluate(values theta, std::optional<values> previous, double dt) const {
  const auto now = read_phases(theta, net_.size());
  if (!now)
    return now.error();
  sec_result out;
  out.v_coupling = coupling(*now);
  out.v_entropy = entropy(*now);
  if (previous) {
    const auto before = read_phases(*previous, net_.size(), "theta_prev");
    if (!before)
      return before.error();
    if (!(dt > 0) || !std::isfinite(dt))
      return failure{status::invalid_argument, "dt must be finite and > 0"};
    out.v_frequency = frequency(*now, *before, dt);
    out.dv_dt = ((out.v_coupling + out.v_entropy) - (coupling(*before) + entropy(*before))) / dt;
  }
  out.v = out.v_coupling + out.v_frequency + out.v_entropy;
  out.v_normalised = std::clamp(out.v / largest_, 0.0, 1.0);
  out.coherence_score = 1 - out.v_normalised;
  out.r_global = order_parameter(*now);
  return out;
}

double sec_functional::coupling(const vector& theta) const {
  double sum = 0;
  for (Eigen::Index n = 0; n < theta.size(); ++n)
    for (Eigen::Index m = 0; m < n; ++m)
      sum += net_.k(n, m) * (1 - std::cos(theta[n] - theta[m]));
  return 2 * sum; // over ordered pairs
}

// Phases are known up to full turns: the advance is taken on the branch nearest the natural one.
double sec_functional::frequency(const vector& theta, const vector& previous, double dt) const {
  double sum = 0;
  for (Eigen::Index n = 0; n < theta.size(); ++n) {
    const double seen = theta[n] - previous[n];
    const double advance = seen - tau * std::round((seen - net_.omega[n] * dt) / tau);
    const double off = advance / dt - net_.omega[n];
    sum += off * off;
  }
  return lambda_omega_ * sum;
}

double sec_functional::entropy(const vector& theta) const {
  const auto points = std::max<Eigen::Index>(theta.size(), 16);
  Eigen::ArrayXd density(points);
  for (Eigen::Index k = 0; k < points; ++k)
    density[k] = (2 * (tau * double(k) / double(points) - theta.array()).cos()).exp().sum();
  density /= density.sum();
  return lambda_entropy_ * std::max(std::log(double(points)) + (density * density.log()).sum(), 0.0);
}

double sec_functional::critical_coupling() const noexcept {
  const double deviation = std::sqrt((net_.omega.array() - net_.omega.mean()).square().mean());
  const double peak = 1 / (std::sqrt(tau) * deviation);
  return 2 / (std::numbers::pi * peak);
}

} // namespace mycelium::oversight
