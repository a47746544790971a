#include "actors/oversight/physics/upde.hpp"

#include <algorithm>

namespace mycelium::oversight {

result<void> upde_options::check() const {
  if (!(dt > 0) || !std::isfinite(dt))
    return failure{status::invalid_argument, "dt must be finite and > 0"};
  if (!std::isfinite(field_pressure))
    return failure{status::invalid_argument, "field_pressure must be finite"};
  if (!(noise_amplitude >= 0) || !std::isfinite(noise_amplitude))
    return failure{status::invalid_argument, "noise_amplitude must be finite and >= 0"};
  return {};
}

result<upde_stepper> upde_stepper::create(const upde_options& options, const network& net) {
  if (const auto right = options.check(); !right)
    return right.error();
  if (const auto right = net.check(); !right)
    return right.error();
  const vector fastest = net.omega.cwiseAbs() + net.k.cwiseAbs().rowwise().sum();
  const double noise = options.noise_amplitude * std::sqrt(options.dt);
  if (!std::isfinite((fastest.maxCoeff() + std::abs(options.field_pressure)) * options.dt + 40 * noise))
    return failure{status::invalid_argument,
                   "a step must be finite: omega, k, field_pressure, noise_amplitude or dt is too large"};
  return upde_stepper(options, net);
}

result<upde_state> upde_stepper::create_state(values theta) const {
  auto read = read_phases(theta, Eigen::Index(size()));
  if (!read)
    return read.error();
  const double r = order_parameter(*read);
  return upde_state{{.r_global = r}, std::move(*read), vector::Zero(Eigen::Index(size()))};
}

upde_state upde_stepper::random_state() {
  vector theta = vector::Zero(Eigen::Index(size()));
  for (auto& each : theta)
    each = tau * random_.uniform();
  const double r = order_parameter(theta);
  return {{.r_global = r}, std::move(theta), vector::Zero(Eigen::Index(size()))};
}

void upde_stepper::run(upde_state& state, std::uint64_t steps) {
  run({state.theta.data(), size()}, {state.dtheta_dt.data(), size()}, state, steps);
}

void upde_stepper::run(std::span<double> theta, std::span<double> dtheta_dt, upde_progress& progress,
                       std::uint64_t steps) {
  if (steps == 0)
    return;
  const double noise = options_.noise_amplitude * std::sqrt(options_.dt);
  phases_.place(theta);
  for (auto left = steps; left > 0; --left) {
    phases_.step(options_.field_pressure, options_.dt, noise, random_);
    progress.t += options_.dt;
  }
  progress.step_count += steps;
  progress.r_global = phases_.order();
  std::ranges::copy(phases_.theta(), theta.begin());
  std::ranges::copy(phases_.velocity(), dtheta_dt.begin());
}

} // namespace mycelium::oversight
