// The inner loops of the oscillators, compiled once for every set of vector instructions. All of them do the same
// operations in the same order, so they agree to the bit; which one runs changes only the time.
#pragma once

#include <cstddef>
#include <span>

namespace mycelium::oversight {

// Arrays are padded to a multiple of this; what lies behind an array's n numbers is finite and means nothing.
constexpr std::size_t phase_padding = 16;
constexpr std::size_t padded_size(std::size_t n) noexcept {
  return (n + phase_padding - 1) / phase_padding * phase_padding;
}

// Angles up to here are reduced fast enough to be exact; those beyond go to the standard library.
constexpr double farthest_phase = 1 << 20;

// One step of d theta_n = omega_n + sum_m k_nm sin(theta_m - theta_n) + field cos theta_n, with noise.
struct phase_step {
  std::size_t n = 0;
  const double* omega = nullptr;
  const double* k = nullptr; // column by column, each padded
  double field = 0;
  double dt = 0;
  const double* noise = nullptr; // added to each phase
  double* theta = nullptr;       // in and out: into [0, 2 pi)
  double* sine = nullptr;        // of theta, in and out
  double* cosine = nullptr;
  double* velocity = nullptr; // out: without noise
  double order = 0;           // out: |mean of e^(i theta)|
  // Turns phases that are beyond farthest_phase after a step.
  void (*turn_far)(double* theta, std::size_t count) noexcept = nullptr;
};

struct phase_kernel {
  const char* name;
  // Sines and cosines of angles up to farthest_phase; count is a multiple of phase_padding. Within 2 units in the last
  // place.
  void (*sincos)(const double* angle, double* sine, double* cosine, std::size_t count) noexcept;
  // e^x for |x| up to 700; count is a multiple of phase_padding. Within 2 units in the last place.
  void (*exponential)(const double* x, double* out, std::size_t count) noexcept;
  // |mean of (cosine, sine)| of n.
  double (*order)(const double* sine, const double* cosine, std::size_t n) noexcept;
  // scale * sqrt(-2 ln max(first, 1e-300)) cos(2 pi second) for uniform numbers in [0, 1): standard normals, scaled.
  void (*normals)(const double* first, const double* second, double scale, double* out, std::size_t count) noexcept;
  void (*step)(phase_step& at) noexcept;
};

// Those that this processor runs, the fastest last; there is always one.
std::span<const phase_kernel* const> phase_kernels() noexcept;
inline const phase_kernel& best_phase_kernel() noexcept { return *phase_kernels().back(); }

} // namespace mycelium::oversight
