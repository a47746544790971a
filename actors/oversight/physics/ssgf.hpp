// A graph that learns while oscillators run on it: each outer step lets them move, asks what graph and motion cost, and
// moves the graph down the gradient.
#pragma once

#include "actors/oversight/physics/geometry.hpp"
#include "actors/oversight/physics/l16.hpp"
#include "actors/oversight/physics/oscillators.hpp"
#include "actors/oversight/physics/pgbo.hpp"

#include <deque>

namespace mycelium::oversight {

struct ssgf_options {
  double lr_z = 0.01;
  int n_micro = 10;
  double noise_amp = 0.02;
  bool pgbo_enabled = true;
  std::uint64_t seed = 42;

  result<void> check() const;
};

struct ssgf_step {
  std::uint64_t step = 0; // 1 for the first
  double u_total = 0;
  double r_global = 0;
  graph_costs costs;
  double lambda1 = 0;
  l16_output control;
};

struct audio_mapping {
  double r_global = 0;
  double entrainment_intensity = 0; // R
  double beat_hz = 0;               // 0.5 + 39.5 |cos theta1|
  double pulse_hz = 0;              // 1 + 19 |cos theta3|
  double spatial_angle_deg = 0;     // theta6
  const char* brainwave_band = "";  // of beat_hz: delta < 4, theta < 8, alpha < 12, beta < 30, gamma
  double fiedler_stability = 0;     // lambda1
  double spectral_gap = 0;          // lambda2 - lambda1
  double geometry_density = 0;      // mean weight
  bool gate_open = false;           // of the controller's last step
  bool refusal = false;
};

class ssgf_engine {
public:
  static constexpr std::size_t log_size = 1000; // outer steps that log() remembers

  static result<ssgf_engine> create(const ssgf_options& options = {}, const network& net = {});

  ssgf_step outer_step();
  void run(std::uint64_t steps) {
    for (; steps > 0; --steps)
      outer_step();
  }
  result<void> set_tcbo_p_h1(double p_h1); // in [0, 1]
  audio_mapping audio() const;

  double r_global() const noexcept { return phases_.order(); }
  std::uint64_t step_count() const noexcept { return steps_; }
  const vector& z() const noexcept { return z_; }
  const vector& theta() const noexcept { return theta_; }
  const matrix& w() const noexcept { return w_; }
  const eigenpairs& pairs() const noexcept { return pairs_; }
  const matrix& h() const noexcept { return h_; }
  const matrix& phi() const noexcept { return phi_; }
  const vector& gradient() const noexcept { return gradient_; } // of the last step; zeros before the first
  const std::deque<ssgf_step>& log() const noexcept { return log_; }

private:
  ssgf_engine(const ssgf_options& options, const network& net, pgbo_engine pgbo, l16_controller controller);

  void micro_steps();

  ssgf_options options_;
  network net_;
  oscillators phases_;
  random_source random_;
  pgbo_engine pgbo_;
  l16_controller controller_;
  vector z_;
  vector theta_;
  vector gradient_;
  matrix w_;
  matrix h_;
  eigenpairs pairs_;
  matrix phi_; // eigenvectors of the coupling K
  l16_output control_;
  double p_h1_ = 0;
  std::uint64_t steps_ = 0;
  std::deque<ssgf_step> log_;
};

} // namespace mycelium::oversight
