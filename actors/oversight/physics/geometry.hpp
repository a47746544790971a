// A weighted graph given by free parameters, its normalised Laplacian's eigenvectors, what it costs, and the gradient
// of that cost by the parameters.
#pragma once

#include "actors/oversight/physics/phases.hpp"

namespace mycelium::oversight {

// z (n (n - 1) / 2 numbers, the upper triangle row by row) -> W = softplus(z): symmetric, positive, zero diagonal.
matrix weights_of(const vector& z, Eigen::Index n);

// Of L = I - D^-1/2 W D^-1/2, ascending. Each vector's sign: that of the reference's, if there is one, else its
// component of largest magnitude is positive.
struct eigenpairs {
  vector lambda;
  matrix v; // columns
};
eigenpairs laplacian_eigenpairs(const matrix& w, const matrix* reference = nullptr);

// What the costs depend on besides the graph.
struct cost_setting {
  matrix phi; // reference eigenvectors
  vector theta;
  double r_global = 0;
  double p_h1 = 0;
  double h_frob = 0;
};

struct graph_costs {
  double c_micro = 0; // 1 - R
  double c7 = 0;      // |v1 - phi's column 1|^2
  double c8 = 0;      // sin^2(theta[7] - circular mean) / max(lambda1, 1e-12)
  double c9 = 0;      // (sum of W's row 8 / n - 1)^2
  double c10 = 0;     // mean of W^2 between the lower and the upper half of the oscillators
  double r_graph = 0; // 0.01 |W|^2 + 0.1 / (lambda1 + 1e-8)
  double c4 = 0;      // max(0.72 - p_h1, 0)^2
  double c_pgbo = 0;  // 0.01 |h|^2

  double total() const noexcept {
    return c_micro + 0.5 * c7 + 0.3 * c8 + 0.2 * c9 + 0.4 * c10 + 0.1 * r_graph + 0.3 * c4 + 0.05 * c_pgbo;
  }
};

graph_costs costs_of(const matrix& w, const eigenpairs& pairs, const cost_setting& at);
// d total / d z with the setting held.
vector cost_gradient(const vector& z, const matrix& w, const eigenpairs& pairs, const cost_setting& at);

} // namespace mycelium::oversight
