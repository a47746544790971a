#include "actors/oversight/physics/pgbo.hpp"

#include <cmath>

namespace mycelium::oversight {

result<pgbo_engine> pgbo_engine::create(const pgbo_options& options) {
  if (options.n < 2 || options.n > 1024)
    return failure{status::invalid_argument, "n must be in [2, 1024]"};
  if (!(options.u_cap > 0) || !std::isfinite(options.u_cap))
    return failure{status::invalid_argument, "u_cap must be finite and > 0"};
  if (!std::isfinite(options.alpha) || !std::isfinite(options.kappa))
    return failure{status::invalid_argument, "alpha and kappa must be finite"};
  return pgbo_engine(options);
}

result<void> pgbo_engine::set_boundary_potential(values a) {
  auto read = read_phases(a, options_.n, "boundary potential");
  if (!read)
    return read.error();
  boundary_ = std::move(*read);
  return {};
}

result<pgbo_result> pgbo_engine::compute(values theta, double dt) {
  auto now = read_phases(theta, options_.n);
  if (!now)
    return now.error();
  if (!(dt > 0) || !std::isfinite(dt))
    return failure{status::invalid_argument, "dt must be finite and > 0"};
  pgbo_result out;
  out.u_mu = -options_.alpha * boundary_;
  if (previous_.size() != 0)
    out.u_mu += (*now - previous_).unaryExpr(&wrapped) / dt;
  const double raw = out.u_mu.stableNorm();
  if (!std::isfinite(raw))
    return failure{status::invalid_argument, "dt is too small: the velocity is not finite"};
  out.u_mu /= 1 + raw / options_.u_cap;
  for (out.u_norm = out.u_mu.norm(); out.u_norm >= options_.u_cap; out.u_norm = out.u_mu.norm())
    out.u_mu *= 1 - 1e-15; // the 1 is rounded away in a sum with what is far larger
  // Product first: kappa u_i u_j from the left would not be the same number for (i, j) and (j, i).
  const matrix product = out.u_mu * out.u_mu.transpose();
  out.h_munu = options_.kappa * product;
  if (options_.traceless)
    out.h_munu.diagonal().array() -= out.h_munu.trace() / options_.n;
  out.h_trace = out.h_munu.trace();
  out.h_frob = out.h_munu.norm();
  previous_ = std::move(*now);
  return out;
}

} // namespace mycelium::oversight
