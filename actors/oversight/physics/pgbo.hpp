// The phase velocity of all oscillators, bounded, and the rank-one tensor that it spans.
#pragma once

#include "actors/oversight/physics/phases.hpp"

namespace mycelium::oversight {

struct pgbo_options {
  int n = standard_size;
  double alpha = 0.5; // of the boundary potential
  double kappa = 0.3;
  double u_cap = 10.0; // |u| stays below
  bool traceless = false;
};

struct pgbo_result {
  vector u_mu;
  matrix h_munu; // kappa u u^T, symmetric
  double u_norm = 0;
  double h_trace = 0;
  double h_frob = 0;
};

class pgbo_engine {
public:
  static result<pgbo_engine> create(const pgbo_options& options = {});

  // Velocity since the last call, 0 in the first.
  result<pgbo_result> compute(values theta, double dt);
  result<void> set_boundary_potential(values a);
  void reset() noexcept { previous_.resize(0); }
  int size() const noexcept { return options_.n; }

private:
  explicit pgbo_engine(const pgbo_options& options) : options_(options), boundary_(vector::Zero(options.n)) {}

  pgbo_options options_;
  vector boundary_;
  vector previous_;
};

} // namespace mycelium::oversight
