#include "actors/oversight/physics/geometry.hpp"

#include <Eigen/Eigenvalues>

#include <algorithm>
#include <cmath>

namespace mycelium::oversight {
namespace {

constexpr double conscious = 0.72;
constexpr double least_lambda = 1e-12;

double softplus(double z) noexcept { return std::max(z, 0.0) + std::log1p(std::exp(-std::abs(z))); }
double logistic(double z) noexcept { return 1 / (1 + std::exp(-z)); }

Eigen::Index watched_phase(Eigen::Index n) noexcept { return std::min<Eigen::Index>(7, n - 1); }
Eigen::Index watched_row(Eigen::Index n) noexcept { return std::min<Eigen::Index>(8, n - 1); }
bool crosses(Eigen::Index i, Eigen::Index j, Eigen::Index n) noexcept { return (i < n / 2) != (j < n / 2); }
double crossings(Eigen::Index n) noexcept { return double((n / 2) * (n - n / 2)); }

double stray(const cost_setting& at) {
  const double s = std::sin(at.theta[watched_phase(at.theta.size())] - circular_mean(at.theta));
  return s * s;
}

vector inverse_roots(const matrix& w) { return w.rowwise().sum().array().rsqrt(); }

// d total / d L, as the symmetric G of d total = sum G_ij dL_ij: from lambda1 and v1 by perturbation of first order.
matrix laplacian_gradient(const eigenpairs& pairs, const cost_setting& at) {
  const auto n = pairs.lambda.size();
  const vector v1 = pairs.v.col(1);
  const double lambda1 = pairs.lambda[1];
  double by_lambda1 = -0.1 * 0.1 / ((lambda1 + 1e-8) * (lambda1 + 1e-8));
  if (lambda1 > least_lambda)
    by_lambda1 -= 0.3 * stray(at) / (lambda1 * lambda1);
  const vector by_v1 = 0.5 * 2 * (v1 - at.phi.col(1));
  vector moved = vector::Zero(n);
  for (Eigen::Index k = 0; k < n; ++k) {
    const double gap = lambda1 - pairs.lambda[k];
    if (k != 1 && std::abs(gap) > 1e-10) // vectors of one eigenvalue have no derivative of their own
      moved += by_v1.dot(pairs.v.col(k)) / gap * pairs.v.col(k);
  }
  return by_lambda1 * (v1 * v1.transpose()) + 0.5 * (moved * v1.transpose() + v1 * moved.transpose());
}

} // namespace

matrix weights_of(const vector& z, Eigen::Index n) {
  matrix w = matrix::Zero(n, n);
  for (Eigen::Index i = 0, at = 0; i < n; ++i)
    for (Eigen::Index j = i + 1; j < n; ++j, ++at)
      w(i, j) = w(j, i) = softplus(z[at]);
  return w;
}

eigenpairs laplacian_eigenpairs(const matrix& w, const matrix* reference) {
  const auto n = w.rows();
  const vector roots = inverse_roots(w);
  const matrix laplacian = matrix::Identity(n, n) - matrix(roots.asDiagonal() * w * roots.asDiagonal());
  const Eigen::SelfAdjointEigenSolver<matrix> solver(laplacian);
  eigenpairs out{solver.eigenvalues(), solver.eigenvectors()};
  for (Eigen::Index k = 0; k < n; ++k) {
    Eigen::Index largest = 0;
    out.v.col(k).cwiseAbs().maxCoeff(&largest);
    const double sign = reference != nullptr ? reference->col(k).dot(out.v.col(k)) : out.v(largest, k);
    if (sign < 0)
      out.v.col(k) *= -1;
  }
  return out;
}

graph_costs costs_of(const matrix& w, const eigenpairs& pairs, const cost_setting& at) {
  const auto n = w.rows();
  const double lambda1 = pairs.lambda[1];
  graph_costs out;
  out.c_micro = 1 - at.r_global;
  out.c7 = (pairs.v.col(1) - at.phi.col(1)).squaredNorm();
  out.c8 = stray(at) / std::max(lambda1, least_lambda);
  const double off = w.row(watched_row(n)).sum() / double(n) - 1;
  out.c9 = off * off;
  out.c10 = w.topRightCorner(n / 2, n - n / 2).squaredNorm() / crossings(n);
  out.r_graph = 0.01 * w.squaredNorm() + 0.1 / (lambda1 + 1e-8);
  const double missing = std::max(conscious - at.p_h1, 0.0);
  out.c4 = missing * missing;
  out.c_pgbo = 0.01 * at.h_frob * at.h_frob;
  return out;
}

vector cost_gradient(const vector& z, const matrix& w, const eigenpairs& pairs, const cost_setting& at) {
  const auto n = w.rows();
  const vector degrees = w.rowwise().sum();
  const vector roots = inverse_roots(w);
  const matrix g = laplacian_gradient(pairs, at);
  // L_ij = delta_ij - s_i W_ij s_j with s = degree^-1/2: a weight moves L itself and through the degrees of both its
  // ends.
  const matrix m = roots.asDiagonal() * w * roots.asDiagonal();
  const vector by_degree = g.cwiseProduct(m).rowwise().sum().cwiseQuotient(degrees);
  const auto row = watched_row(n);
  const double by_row = 0.2 * 2 * (w.row(row).sum() / double(n) - 1) / double(n);

  vector out(z.size());
  for (Eigen::Index i = 0, k = 0; i < n; ++i)
    for (Eigen::Index j = i + 1; j < n; ++j, ++k) {
      double by_weight = -2 * g(i, j) * roots[i] * roots[j] + by_degree[i] + by_degree[j];
      by_weight += 0.1 * 0.01 * 4 * w(i, j);
      if (i == row || j == row)
        by_weight += by_row;
      if (crosses(i, j, n))
        by_weight += 0.4 * 2 * w(i, j) / crossings(n);
      out[k] = by_weight * logistic(z[k]);
    }
  return out;
}

} // namespace mycelium::oversight
