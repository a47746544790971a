// For tests: phases to begin with, and closeness to a golden figure.
#pragma once

#include "actors/oversight/physics/phases.hpp"
#include "actors/oversight/physics/random.hpp"

#include <gtest/gtest.h>

#include <iomanip>
#include <vector>

namespace mycelium::oversight::testing {

inline void expect_close(double found, double golden, double relative = 1e-12) {
  EXPECT_LE(std::abs(found - golden), relative * std::abs(golden)) << std::setprecision(17) << found << " " << golden;
}

inline std::vector<double> ramp(double step = 0.4) {
  std::vector<double> theta;
  for (int i = 0; i < standard_size; ++i)
    theta.push_back(step * i);
  return theta;
}

inline std::vector<double> random_phases(random_source& random, int n = standard_size) {
  std::vector<double> theta(static_cast<std::size_t>(n));
  for (auto& each : theta)
    each = tau * random.uniform();
  return theta;
}

} // namespace mycelium::oversight::testing
