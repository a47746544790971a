// Phases of oscillators, in radians, and the sixteen of the standard network.
#pragma once

#include "schema/status.hpp"

#include <Eigen/Core>

#include <span>

namespace mycelium::oversight {

using vector = Eigen::VectorXd;
using matrix = Eigen::MatrixXd;
using values = std::span<const double>;

constexpr int standard_size = 16;
const vector& standard_omega();    // natural frequencies, rad/s
const matrix& standard_coupling(); // symmetric, zero diagonal

double turned(double angle) noexcept;  // into [0, 2 pi)
double wrapped(double angle) noexcept; // into [-pi, pi]
// |mean of e^(i theta)|: 1 where all phases agree.
double order_parameter(const vector& theta) noexcept;
double circular_mean(const vector& theta) noexcept;

bool all_finite(values numbers) noexcept;
// A vector of n finite numbers. invalid_argument: "theta length mismatch: ..." or "input theta contains NaN or Inf".
result<vector> read_phases(values theta, Eigen::Index n, const char* name = "theta");

// The oscillators of an engine. invalid_argument unless k is n x n, symmetric, finite and zero on its diagonal.
struct network {
  vector omega = standard_omega();
  matrix k = standard_coupling();

  Eigen::Index size() const noexcept { return omega.size(); }
  result<void> check() const;
  // The first n of the standard oscillators: 2 to 16.
  static result<network> standard(int n);
};

} // namespace mycelium::oversight
