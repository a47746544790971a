// Kuramoto oscillators with a field: d theta_n = Omega_n + sum_m K_nm sin(theta_m - theta_n) + F cos theta_n, stepped
// by Euler and Maruyama with noise sigma sqrt(dt) xi_n.
#pragma once

#include "actors/oversight/physics/oscillators.hpp"

namespace mycelium::oversight {

struct upde_options {
  double dt = 0.01; // s
  double field_pressure = 0.1;
  double noise_amplitude = 0.05;
  std::uint64_t seed = 42;

  result<void> check() const;
};

struct upde_progress {
  double t = 0;
  double r_global = 0;
  std::uint64_t step_count = 0;
};

struct upde_state : upde_progress {
  vector theta;
  vector dtheta_dt; // of the last step, without noise; zeros before the first
};

class upde_stepper {
public:
  static result<upde_stepper> create(const upde_options& options = {}, const network& net = {});

  result<upde_state> create_state(values theta) const;
  upde_state random_state();
  void step(upde_state& state) { run(state, 1); }
  void run(upde_state& state, std::uint64_t steps);
  // The same on phases that somebody else holds: theta is finite, and both spans have the network's size.
  void run(std::span<double> theta, std::span<double> dtheta_dt, upde_progress& progress, std::uint64_t steps);
  std::size_t size() const noexcept { return phases_.size(); }

private:
  upde_stepper(const upde_options& options, const network& net)
      : options_(options), phases_(net), random_(options.seed) {}

  upde_options options_;
  oscillators phases_;
  random_source random_;
};

} // namespace mycelium::oversight
