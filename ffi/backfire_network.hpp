// Oscillators as the C interface gives them.
#pragma once

#include "actors/oversight/physics/phases.hpp"
#include "ffi/backfire_border.hpp"

namespace mycelium::ffi {

// NULL is the standard network. invalid_argument also where a length does not fit.
result<oversight::network> network_of(const BackfireNetwork* given);

// n * n numbers, row by row.
oversight::matrix matrix_of(const double* data, std::size_t n);
void copy_matrix(const oversight::matrix& from, double* to) noexcept;

} // namespace mycelium::ffi
