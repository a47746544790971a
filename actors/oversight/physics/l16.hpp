// The controller above the oscillators: three costs are held at zero and the order parameter at one half, each by a PI
// loop; a recursion error that keeps rising makes it refuse, and slow down what it steers.
#pragma once

#include "actors/oversight/physics/phases.hpp"

#include <deque>

namespace mycelium::oversight {

struct l16_options {
  int n = standard_size;
  double plv_threshold = 0.6;
  int plv_window = 10;
  int h_rec_window = 5;
  double refusal_lr_factor = 0.5;
  double refusal_d_factor = 0.5;
  double refusal_tau_factor = 1.5;

  result<void> check() const;
};

struct l16_input {
  double r_global = 0;
  double plv = 0; // phase locking value
  double c7 = 0;
  double c8 = 0;
  double c10 = 0;
  double p_h1 = 0;
  double h_frob = 0;
  double dt = 0.01;
};

struct l16_output {
  double lambda7 = 0;
  double lambda8 = 0;
  double lambda10 = 0;
  double nu_star = 0;
  bool gate_open = false;
  bool refusal = false;
  double h_rec = 0;
  double dh_rec_dt = 0;
  bool lyapunov_stable = true; // dh_rec_dt <= 0
  double avg_plv = 0;
  double lr_z_scale = 1;
  double d_theta_scale = 1;
  double tau_d_scale = 1;
};

// Eigenvectors now and for reference; with them the recursion error takes its full form.
struct l16_frame {
  const matrix* v = nullptr;
  const matrix* phi = nullptr;
};

class l16_controller {
public:
  static result<l16_controller> create(const l16_options& options = {});

  result<l16_output> step(values theta, const l16_input& in, const l16_frame& frame = {});
  void reset() { *this = l16_controller(options_); }
  int size() const noexcept { return options_.n; }

private:
  // out = clamp(kp e + ki I, 0.01, 10), I = clamp(I + e dt, -10, 10)
  struct loop {
    double kp;
    double ki;
    double integral = 0;
    double step(double error, double dt) noexcept;
  };

  explicit l16_controller(const l16_options& options) : options_(options) {}
  double slope() const noexcept; // of the recursion errors, per step

  l16_options options_;
  loop lambda7_{0.3, 0.03};
  loop lambda8_{0.3, 0.03};
  loop lambda10_{0.3, 0.03};
  loop nu_star_{0.5, 0.05};
  std::deque<double> plv_;
  std::deque<double> h_rec_;
};

} // namespace mycelium::oversight
