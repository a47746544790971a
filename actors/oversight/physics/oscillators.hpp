// The oscillators of an engine while they run: phases with their sines and cosines at hand, stepped by the fastest
// kernel that the processor has.
#pragma once

#include "actors/oversight/physics/phase_kernel.hpp"
#include "actors/oversight/physics/phases.hpp"
#include "actors/oversight/physics/random.hpp"

#include <vector>

namespace mycelium::oversight {

class oscillators {
public:
  explicit oscillators(const network& net, const phase_kernel& kernel = best_phase_kernel());

  std::size_t size() const noexcept { return n_; }
  void set_coupling(const matrix& k); // symmetric, of the same size

  // Puts the phases where they are given; free when they are there already.
  void place(values theta) noexcept;
  // By Euler and Maruyama: field pressure, dt, and noise times one standard normal each, two random numbers an
  // oscillator also where noise is 0.
  void step(double field, double dt, double noise, random_source& random) noexcept;

  values theta() const noexcept { return {theta_.data(), n_}; }
  values velocity() const noexcept { return {velocity_.data(), n_}; } // of the last step, without noise
  double order() const noexcept { return order_; }

private:
  using array = std::vector<double>;

  std::size_t n_;
  const phase_kernel* kernel_;
  array omega_;
  array k_; // column by column, each padded
  array theta_;
  array sine_;
  array cosine_;
  array velocity_;
  array first_; // uniform numbers, and the noise made of them
  array second_;
  array noise_;
  bool silent_ = false; // all noise_ is 0
  double order_ = 0;
};

} // namespace mycelium::oversight
