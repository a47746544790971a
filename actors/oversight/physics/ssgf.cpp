#include "actors/oversight/physics/ssgf.hpp"

#include <algorithm>

namespace mycelium::oversight {
namespace {

constexpr double micro_dt = 0.001;
constexpr double micro_field = 0.05;
constexpr double graph_share = 0.1; // of W and of h in the effective coupling
constexpr double farthest_z = 30;   // every weight stays a positive number, whatever the learning rate

double phase(const vector& theta, Eigen::Index i) { return theta[std::min(i, theta.size() - 1)]; }

} // namespace

result<void> ssgf_options::check() const {
  const auto wrong = [](const char* text) { return failure{status::invalid_argument, text}; };
  if (!(lr_z >= 0) || !std::isfinite(lr_z))
    return wrong("lr_z must be finite and >= 0");
  if (n_micro < 1 || n_micro > 100000)
    return wrong("n_micro must be in [1, 100000]");
  if (!(noise_amp >= 0 && noise_amp <= 1e300))
    return wrong("noise_amp must be in [0, 1e300]");
  return {};
}

result<ssgf_engine> ssgf_engine::create(const ssgf_options& options, const network& net) {
  if (const auto right = options.check(); !right)
    return right.error();
  if (const auto right = net.check(); !right)
    return right.error();
  const auto n = net.size();
  if (n < 3 || !((net.k.rowwise().sum().array() > 0).all()))
    return failure{status::invalid_argument, "the engine needs 3 oscillators, each with a positive sum of couplings"};
  auto pgbo = pgbo_engine::create({.n = int(n)});
  auto controller = l16_controller::create({.n = int(n)});
  if (!pgbo)
    return pgbo.error();
  if (!controller)
    return controller.error();
  return ssgf_engine(options, net, std::move(*pgbo), std::move(*controller));
}

ssgf_engine::ssgf_engine(const ssgf_options& options, const network& net, pgbo_engine pgbo, l16_controller controller)
    : options_(options), net_(net), phases_(net), random_(options.seed), pgbo_(std::move(pgbo)),
      controller_(std::move(controller)) {
  const auto n = net_.size();
  z_.resize(n * (n - 1) / 2);
  for (auto& each : z_)
    each = random_.uniform() - 0.5;
  gradient_ = vector::Zero(z_.size());
  theta_.resize(n);
  for (auto& each : theta_)
    each = tau * random_.uniform();
  phases_.place({theta_.data(), std::size_t(n)});
  w_ = weights_of(z_, n);
  h_ = matrix::Zero(n, n);
  phi_ = laplacian_eigenpairs(net_.k).v;
  pairs_ = laplacian_eigenpairs(w_);
}

void ssgf_engine::micro_steps() {
  phases_.set_coupling(net_.k + graph_share * w_ + graph_share * h_);
  const double noise = options_.noise_amp * control_.d_theta_scale * std::sqrt(micro_dt);
  for (int step = 0; step < options_.n_micro; ++step)
    phases_.step(micro_field, micro_dt, noise, random_);
  std::ranges::copy(phases_.theta(), theta_.begin());
}

ssgf_step ssgf_engine::outer_step() {
  micro_steps();
  const values phases(theta_.data(), std::size_t(theta_.size()));
  const double span = micro_dt * options_.n_micro;
  cost_setting at{phi_, theta_, phases_.order(), p_h1_, 0};
  if (options_.pgbo_enabled) {
    const auto bridge = *pgbo_.compute(phases, span);
    h_ = bridge.h_munu;
    at.h_frob = bridge.h_frob;
  }
  ssgf_step out;
  out.costs = costs_of(w_, pairs_, at);
  gradient_ = cost_gradient(z_, w_, pairs_, at);
  z_ -= options_.lr_z * control_.lr_z_scale * gradient_;
  z_ = z_.cwiseMax(-farthest_z).cwiseMin(farthest_z);
  w_ = weights_of(z_, theta_.size());
  pairs_ = laplacian_eigenpairs(w_, &pairs_.v);

  const l16_input in{.r_global = at.r_global,
                     .plv = at.r_global,
                     .c7 = out.costs.c7,
                     .c8 = out.costs.c8,
                     .c10 = out.costs.c10,
                     .p_h1 = p_h1_,
                     .h_frob = at.h_frob,
                     .dt = span};
  control_ = *controller_.step(phases, in, {&pairs_.v, &phi_});
  out.step = ++steps_;
  out.u_total = out.costs.total();
  out.r_global = at.r_global;
  out.lambda1 = pairs_.lambda[1];
  out.control = control_;
  log_.push_back(out);
  if (log_.size() > log_size)
    log_.pop_front();
  return out;
}

result<void> ssgf_engine::set_tcbo_p_h1(double p_h1) {
  if (!(p_h1 >= 0 && p_h1 <= 1))
    return failure{status::invalid_argument, "p_h1 must be in [0, 1]"};
  p_h1_ = p_h1;
  return {};
}

audio_mapping ssgf_engine::audio() const {
  const auto n = theta_.size();
  audio_mapping out;
  out.r_global = out.entrainment_intensity = r_global();
  out.beat_hz = 0.5 + 39.5 * std::abs(std::cos(phase(theta_, 1)));
  out.pulse_hz = 1 + 19 * std::abs(std::cos(phase(theta_, 3)));
  out.spatial_angle_deg = phase(theta_, 6) * 360 / tau;
  out.brainwave_band = out.beat_hz < 4    ? "delta"
                       : out.beat_hz < 8  ? "theta"
                       : out.beat_hz < 12 ? "alpha"
                       : out.beat_hz < 30 ? "beta"
                                          : "gamma";
  out.fiedler_stability = pairs_.lambda[1];
  out.spectral_gap = pairs_.lambda[2] - pairs_.lambda[1];
  out.geometry_density = w_.sum() / double(n * (n - 1));
  out.gate_open = control_.gate_open;
  out.refusal = control_.refusal;
  return out;
}

} // namespace mycelium::oversight
