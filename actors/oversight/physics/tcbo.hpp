// Whether the joint motion of the oscillators closes a loop: the longest hole in its delay embedding.
#pragma once

#include "actors/oversight/physics/phases.hpp"

#include <vector>

namespace mycelium::oversight {

struct tcbo_options {
  int n = standard_size;
  double tau_h1 = 0.72;
  double beta = 8.0;
  double s0 = 0.5; // the lifetime at which p_h1 is one half
  int window_size = 50;
  int embed_dim = 3;
  int tau_delay = 1;

  result<void> check() const;
};

struct tcbo_result {
  double p_h1 = 0;           // 1 / (1 + exp(-beta (s - s0))); 0 until the window is full
  double s_h1 = 0;           // the longest bar, where it is over 0.05; a unit circle has about sqrt 3
  bool is_conscious = false; // p_h1 > tau_h1
};

// A point of the cloud holds cosine and sine of every oscillator now and at embed_dim - 1 earlier times, divided by
// sqrt(n embed_dim): it lies on the unit sphere, whatever n is.
class tcbo_observer {
public:
  static result<tcbo_observer> create(const tcbo_options& options = {});

  result<void> push(values theta);
  // Of the last window; computed anew only after a push, or if forced.
  const tcbo_result& compute(bool force = false);
  result<tcbo_result> push_and_compute(values theta, bool force = false);
  void reset() noexcept;
  int samples() const noexcept { return samples_; } // in the window

private:
  explicit tcbo_observer(const tcbo_options& options);
  matrix cloud_distances() const;

  tcbo_options options_;
  // The window is a ring: sample t is in column t % window_size, cosines above sines, and so are the squared distances
  // of any two. A point of the cloud is made of embed_dim samples, and so are distances: the cloud itself is never
  // made.
  matrix ring_;
  matrix squares_;
  int samples_ = 0;
  int next_ = 0; // column
  tcbo_result last_;
  bool stale_ = false;
};

// Raises kappa while p_h1 is under tau_h1: kappa = clamp(kp e + ki I, 0, kappa_max), I = clamp(I + e dt, 0, kappa_max /
// ki).
class tcbo_controller {
public:
  static result<tcbo_controller> create(double tau_h1 = 0.72, double kp = 0.8, double ki = 0.2, double kappa_max = 5);

  result<double> step(double p_h1, double dt);
  void reset() noexcept { integral_ = 0; }

private:
  tcbo_controller(double tau_h1, double kp, double ki, double kappa_max)
      : tau_h1_(tau_h1), kp_(kp), ki_(ki), kappa_max_(kappa_max) {}

  double tau_h1_;
  double kp_;
  double ki_;
  double kappa_max_;
  double integral_ = 0;
};

} // namespace mycelium::oversight
