#include "actors/oversight/physics/sec.hpp"
#include "actors/oversight/physics/random.hpp"

#include <algorithm>
#include <numeric>

namespace mycelium::oversight {

namespace {

// Phases that are too far for the kernel are known to no more digits than this.
double near_phase(double theta) noexcept { return std::abs(theta) < farthest_phase / 2 ? theta : turned(theta); }

} // namespace

result<sec_functional> sec_functional::create(double lambda_omega, double lambda_entropy, const network& oscillators) {
  if (!(lambda_omega >= 0) || !(lambda_entropy >= 0) || !std::isfinite(lambda_omega + lambda_entropy))
    return failure{status::invalid_argument, "lambda_omega and lambda_entropy must be finite and >= 0"};
  if (const auto right = oscillators.check(); !right)
    return right.error();
  return sec_functional(lambda_omega, lambda_entropy, oscillators);
}

sec_functional::sec_functional(double lambda_omega, double lambda_entropy, const network& oscillators)
    : lambda_omega_(lambda_omega), lambda_entropy_(lambda_entropy), net_(oscillators),
      largest_(std::max(2 * oscillators.k.sum(), 1e-12)) {
  const auto points = padded_size(std::size_t(std::max<Eigen::Index>(net_.size(), 16)));
  std::vector<double> angle(points);
  for (std::size_t k = 0; k < points; ++k)
    angle[k] = tau * double(k) / double(std::max<Eigen::Index>(net_.size(), 16));
  point_sine_.resize(points);
  point_cosine_.resize(points);
  best_phase_kernel().sincos(angle.data(), point_sine_.data(), point_cosine_.data(), points);
}

result<sec_result> sec_functional::evaluate(values theta, std::optional<values> previous, double dt) const {
  const auto now = read_phases(theta, net_.size());
  if (!now)
    return now.error();
  sec_result out;
  const auto here = measure(*now);
  out.v_coupling = here.coupling;
  out.v_entropy = here.entropy;
  if (previous) {
    const auto before = read_phases(*previous, net_.size(), "theta_prev");
    if (!before)
      return before.error();
    if (!(dt > 0) || !std::isfinite(dt))
      return failure{status::invalid_argument, "dt must be finite and > 0"};
    out.v_frequency = frequency(*now, *before, dt);
    const auto there = measure(*before);
    out.dv_dt = ((here.coupling + here.entropy) - (there.coupling + there.entropy)) / dt;
  }
  out.v = out.v_coupling + out.v_frequency + out.v_entropy;
  out.v_normalised = std::clamp(out.v / largest_, 0.0, 1.0);
  out.coherence_score = 1 - out.v_normalised;
  out.r_global = here.order;
  return out;
}

sec_functional::energy sec_functional::measure(const vector& theta) const {
  const auto n = std::size_t(theta.size());
  const auto padded = padded_size(n);
  std::vector<double> work(3 * padded);
  double* angle = work.data();
  double* sine = angle + padded;
  double* cosine = sine + padded;
  std::transform(theta.begin(), theta.end(), angle, near_phase);
  const auto& kernel = best_phase_kernel();
  kernel.sincos(angle, sine, cosine, padded);
  return {coupling({angle, n}), entropy({sine, n}, {cosine, n}), kernel.order(sine, cosine, n)};
}

// Each cosine is that of the difference itself: where phases agree, products of single ones would leave only rounding.
double sec_functional::coupling(values theta) const {
  constexpr std::size_t block = 128;
  double difference[block] = {};
  double weight[block] = {};
  double sine[block];
  double cosine[block];
  double sum = 0;
  std::size_t used = 0;
  const auto add_block = [&] {
    best_phase_kernel().sincos(difference, sine, cosine, block);
    for (std::size_t i = 0; i < used; ++i)
      sum += weight[i] * (1 - cosine[i]);
    used = 0;
  };
  for (std::size_t n = 0; n < theta.size(); ++n)
    for (std::size_t m = 0; m < n; ++m) {
      difference[used] = theta[n] - theta[m];
      weight[used] = net_.k(Eigen::Index(m), Eigen::Index(n));
      if (++used == block)
        add_block();
    }
  add_block();
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

// cos(x - theta) from the sines and cosines of both.
double sec_functional::entropy(values sine, values cosine) const {
  const auto points = std::max<std::size_t>(sine.size(), 16);
  const auto padded = point_sine_.size();
  std::vector<double> work(2 * padded);
  double* density = work.data();
  double* part = density + padded;
  for (std::size_t j = 0; j < sine.size(); ++j) {
    for (std::size_t k = 0; k < padded; ++k)
      part[k] = 2 * (point_cosine_[k] * cosine[j] + point_sine_[k] * sine[j]);
    best_phase_kernel().exponential(part, part, padded);
    for (std::size_t k = 0; k < padded; ++k)
      density[k] += part[k];
  }
  const double sum = std::accumulate(density, density + points, 0.0);
  double information = 0;
  for (std::size_t k = 0; k < points; ++k)
    information += density[k] / sum * std::log(density[k] / sum);
  return lambda_entropy_ * std::max(std::log(double(points)) + information, 0.0);
}

double sec_functional::critical_coupling() const noexcept {
  const double deviation = std::sqrt((net_.omega.array() - net_.omega.mean()).square().mean());
  const double peak = 1 / (std::sqrt(tau) * deviation);
  return 2 / (std::numbers::pi * peak);
}

} // namespace mycelium::oversight
