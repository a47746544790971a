#include "actors/oversight/physics/upde.hpp"

namespace mycelium::oversight {

vector phase_velocity(const vector& omega, const matrix& k, double field, const vector& theta) {
  const Eigen::ArrayXd sine = theta.array().sin();
  const Eigen::ArrayXd cosine = theta.array().cos();
  const vector pull_sine = k * sine.matrix();
  const vector pull_cosine = k * cosine.matrix();
  return omega.array() + cosine * pull_sine.array() - sine * pull_cosine.array() + field * cosine;
}

result<void> upde_options::check() const {
  if (!(dt > 0) || !std::isfinite(dt))
    return failure{status::invalid_argument, "dt must be finite and > 0"};
  if (!std::isfinite(field_pressure))
    return failure{status::invalid_argument, "field_pressure must be finite"};
  if (!(noise_amplitude >= 0) || !std::isfinite(noise_amplitude))
    return failure{status::invalid_argument, "noise_amplitude must be finite and >= 0"};
  return {};
}

result<upde_stepper> upde_stepper::create(const upde_options& options, const network& oscillators) {
  if (const auto right = options.check(); !right)
    return right.error();
  if (const auto right = oscillators.check(); !right)
    return right.error();
  return upde_stepper(options, oscillators);
}

result<upde_state> upde_stepper::create_state(values theta) const {
  auto read = read_phases(theta, net_.size());
  if (!read)
    return read.error();
  const double r = order_parameter(*read);
  return upde_state{{.r_global = r}, std::move(*read), vector::Zero(net_.size())};
}

upde_state upde_stepper::random_state() {
  vector theta(net_.size());
  for (auto& each : theta)
    each = tau * random_.uniform();
  const double r = order_parameter(theta);
  return {{.r_global = r}, std::move(theta), vector::Zero(net_.size())};
}

void upde_stepper::run(upde_state& state, std::uint64_t steps) {
  const auto n = std::size_t(size());
  run({state.theta.data(), n}, {state.dtheta_dt.data(), n}, state, steps);
}

void upde_stepper::run(std::span<double> theta, std::span<double> dtheta_dt, upde_progress& progress,
                       std::uint64_t steps) {
  Eigen::Map<vector> phases(theta.data(), size());
  Eigen::Map<vector> velocity(dtheta_dt.data(), size());
  const double noise = options_.noise_amplitude * std::sqrt(options_.dt);
  for (; steps > 0; --steps) {
    velocity = phase_velocity(net_.omega, net_.k, options_.field_pressure, phases);
    for (Eigen::Index i = 0; i < phases.size(); ++i) // one normal each, also without noise: seeds stay comparable
      phases[i] = turned(phases[i] + velocity[i] * options_.dt + noise * random_.normal());
    ++progress.step_count;
    progress.t += options_.dt;
    progress.r_global = order_parameter(phases);
  }
}

} // namespace mycelium::oversight
