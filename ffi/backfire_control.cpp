// L16 controller, PGBO engine, TCBO observer and controller behind the C interface.
#include "actors/oversight/physics/l16.hpp"
#include "actors/oversight/physics/pgbo.hpp"
#include "actors/oversight/physics/tcbo.hpp"
#include "ffi/backfire_network.hpp"

using namespace mycelium;
using namespace mycelium::ffi;
using namespace mycelium::oversight;

struct BackfireL16 {
  l16_controller controller;
};

struct BackfirePgbo {
  pgbo_engine engine;
};

struct BackfireTcbo {
  tcbo_observer observer;
};

struct BackfireTcboController {
  tcbo_controller controller;
};

namespace {

// Makes a handle from options over their defaults.
template <class Handle, class Options, class Make>
std::int32_t create(const Options* options, void (*init)(Options*), Handle** out, Make make) noexcept {
  if (out == nullptr)
    return fail_null("out");
  *out = nullptr;
  return fenced([&] {
    Options ours;
    if (!read_over_defaults(ours, options, init))
      return fail_struct_size();
    auto made = make(ours);
    if (!made)
      return fail(made.error());
    *out = new Handle{std::move(*made)};
    return std::int32_t{BACKFIRE_SUCCESS};
  });
}

std::int32_t write_output(const l16_output& found, BackfireL16Output* out) noexcept {
  BackfireL16Output ours{0,
                         found.lambda7,
                         found.lambda8,
                         found.lambda10,
                         found.nu_star,
                         found.h_rec,
                         found.dh_rec_dt,
                         found.avg_plv,
                         found.lr_z_scale,
                         found.d_theta_scale,
                         found.tau_d_scale,
                         found.gate_open,
                         found.refusal,
                         found.lyapunov_stable,
                         0};
  return write_struct(out, ours);
}

std::int32_t step(l16_controller& controller, std::span<const double> theta, const BackfireL16Input& in,
                  BackfireL16Output* out) {
  const auto n = std::size_t(controller.size());
  matrix v;
  matrix phi;
  l16_frame frame;
  if (in.v != nullptr && in.phi != nullptr) {
    if (in.v_len != n * n || in.phi_len != n * n)
      return in.v_len != n * n ? fail_length("v", n * n, in.v_len) : fail_length("phi", n * n, in.phi_len);
    v = matrix_of(in.v, n);
    phi = matrix_of(in.phi, n);
    if (!v.allFinite() || !phi.allFinite())
      return fail(status::invalid_argument, "input v or phi contains NaN or Inf");
    frame = {&v, &phi};
  }
  const auto found = controller.step(theta,
                                     {.r_global = in.r_global,
                                      .plv = in.plv,
                                      .c7 = in.c7,
                                      .c8 = in.c8,
                                      .c10 = in.c10,
                                      .p_h1 = in.p_h1,
                                      .h_frob = in.h_frob,
                                      .dt = in.dt},
                                     frame);
  return found ? write_output(*found, out) : fail(found.error());
}

std::int32_t write_result(const tcbo_observer& observer, const tcbo_result& found, BackfireTcboResult* out) noexcept {
  BackfireTcboResult ours{0, found.p_h1, found.s_h1, found.is_conscious, std::uint32_t(observer.samples())};
  return write_struct(out, ours);
}

} // namespace

extern "C" {

void backfire_l16_options_init(BackfireL16Options* options) {
  if (options == nullptr)
    return;
  const l16_options d;
  *options = {sizeof *options, std::uint32_t(d.n),  std::uint32_t(d.plv_window), std::uint32_t(d.h_rec_window), 0,
              d.plv_threshold, d.refusal_lr_factor, d.refusal_d_factor,          d.refusal_tau_factor};
}

int32_t backfire_l16_create(const BackfireL16Options* options, BackfireL16** out) {
  return create(options, backfire_l16_options_init, out, [](const BackfireL16Options& o) {
    return l16_controller::create({.n = count_of(o.n),
                                   .plv_threshold = o.plv_threshold,
                                   .plv_window = count_of(o.plv_window),
                                   .h_rec_window = count_of(o.h_rec_window),
                                   .refusal_lr_factor = o.refusal_lr_factor,
                                   .refusal_d_factor = o.refusal_d_factor,
                                   .refusal_tau_factor = o.refusal_tau_factor});
  });
}

int32_t backfire_l16_step(BackfireL16* l16, const double* theta, size_t len, const BackfireL16Input* in,
                          BackfireL16Output* out) {
  if (l16 == nullptr || in == nullptr || out == nullptr)
    return fail_null(l16 == nullptr ? "l16" : in == nullptr ? "in" : "out");
  BackfireL16Input ours;
  if (!read_struct(ours, in) || out->struct_size < sizeof(std::size_t) * 2)
    return fail_struct_size();
  return fenced([&] { return step(l16->controller, array_of(theta, len), ours, out); });
}

int32_t backfire_l16_reset(BackfireL16* l16) {
  if (l16 == nullptr)
    return fail_null("l16");
  return fenced([&] {
    l16->controller.reset();
    return std::int32_t{BACKFIRE_SUCCESS};
  });
}

void backfire_l16_destroy(BackfireL16* l16) { delete l16; }

void backfire_pgbo_options_init(BackfirePgboOptions* options) {
  if (options == nullptr)
    return;
  const pgbo_options d;
  *options = {sizeof *options, std::uint32_t(d.n), d.traceless, d.alpha, d.kappa, d.u_cap};
}

int32_t backfire_pgbo_create(const BackfirePgboOptions* options, BackfirePgbo** out) {
  return create(options, backfire_pgbo_options_init, out, [](const BackfirePgboOptions& o) {
    return pgbo_engine::create(
        {.n = count_of(o.n), .alpha = o.alpha, .kappa = o.kappa, .u_cap = o.u_cap, .traceless = o.traceless != 0});
  });
}

int32_t backfire_pgbo_compute(BackfirePgbo* pgbo, const double* theta, size_t len, double dt, double* u_mu,
                              size_t u_len, double* h_munu, size_t h_len, BackfirePgboResult* out) {
  if (pgbo == nullptr || out == nullptr)
    return fail_null(pgbo == nullptr ? "pgbo" : "out");
  // Before the step: it must not count where the caller cannot have its result.
  const auto n = std::size_t(pgbo->engine.size());
  if (const auto right = check_wanted("u_mu", u_mu, u_len, n); right != BACKFIRE_SUCCESS)
    return right;
  if (const auto right = check_wanted("h_munu", h_munu, h_len, n * n); right != BACKFIRE_SUCCESS)
    return right;
  if (out->struct_size < sizeof(std::size_t) * 2)
    return fail_struct_size();
  return fenced([&] {
    const auto found = pgbo->engine.compute(array_of(theta, len), dt);
    if (!found)
      return fail(found.error());
    std::copy_n(found->u_mu.data(), u_len, u_mu);
    if (h_len != 0)
      copy_matrix(found->h_munu, h_munu);
    BackfirePgboResult ours{0, found->u_norm, found->h_trace, found->h_frob};
    return write_struct(out, ours);
  });
}

int32_t backfire_pgbo_set_boundary_potential(BackfirePgbo* pgbo, const double* a, size_t len) {
  if (pgbo == nullptr)
    return fail_null("pgbo");
  return fenced([&] { return answer(pgbo->engine.set_boundary_potential(array_of(a, len))); });
}

int32_t backfire_pgbo_reset(BackfirePgbo* pgbo) {
  if (pgbo == nullptr)
    return fail_null("pgbo");
  pgbo->engine.reset();
  return BACKFIRE_SUCCESS;
}

void backfire_pgbo_destroy(BackfirePgbo* pgbo) { delete pgbo; }

void backfire_tcbo_options_init(BackfireTcboOptions* options) {
  if (options == nullptr)
    return;
  const tcbo_options d;
  *options = {sizeof *options,
              std::uint32_t(d.n),
              std::uint32_t(d.window_size),
              std::uint32_t(d.embed_dim),
              std::uint32_t(d.tau_delay),
              d.tau_h1,
              d.beta,
              d.s0};
}

int32_t backfire_tcbo_create(const BackfireTcboOptions* options, BackfireTcbo** out) {
  return create(options, backfire_tcbo_options_init, out, [](const BackfireTcboOptions& o) {
    return tcbo_observer::create({.n = count_of(o.n),
                                  .tau_h1 = o.tau_h1,
                                  .beta = o.beta,
                                  .s0 = o.s0,
                                  .window_size = count_of(o.window_size),
                                  .embed_dim = count_of(o.embed_dim),
                                  .tau_delay = count_of(o.tau_delay)});
  });
}

int32_t backfire_tcbo_push(BackfireTcbo* tcbo, const double* theta, size_t len) {
  if (tcbo == nullptr)
    return fail_null("tcbo");
  return fenced([&] { return answer(tcbo->observer.push(array_of(theta, len))); });
}

int32_t backfire_tcbo_compute(BackfireTcbo* tcbo, int32_t force, BackfireTcboResult* out) {
  if (tcbo == nullptr || out == nullptr)
    return fail_null(tcbo == nullptr ? "tcbo" : "out");
  return fenced([&] { return write_result(tcbo->observer, tcbo->observer.compute(force != 0), out); });
}

int32_t backfire_tcbo_reset(BackfireTcbo* tcbo) {
  if (tcbo == nullptr)
    return fail_null("tcbo");
  tcbo->observer.reset();
  return BACKFIRE_SUCCESS;
}

void backfire_tcbo_destroy(BackfireTcbo* tcbo) { delete tcbo; }

void backfire_tcbo_controller_options_init(BackfireTcboControllerOptions* options) {
  if (options != nullptr)
    *options = {sizeof *options, 0.72, 0.8, 0.2, 5};
}

int32_t backfire_tcbo_controller_create(const BackfireTcboControllerOptions* options, BackfireTcboController** out) {
  return create(options, backfire_tcbo_controller_options_init, out, [](const BackfireTcboControllerOptions& o) {
    return tcbo_controller::create(o.tau_h1, o.kp, o.ki, o.kappa_max);
  });
}

int32_t backfire_tcbo_controller_step(BackfireTcboController* controller, double p_h1, double dt, double* out_kappa) {
  if (controller == nullptr || out_kappa == nullptr)
    return fail_null(controller == nullptr ? "controller" : "out_kappa");
  return fenced([&] {
    const auto kappa = controller->controller.step(p_h1, dt);
    if (!kappa)
      return fail(kappa.error());
    *out_kappa = *kappa;
    return std::int32_t{BACKFIRE_SUCCESS};
  });
}

int32_t backfire_tcbo_controller_reset(BackfireTcboController* controller) {
  if (controller == nullptr)
    return fail_null("controller");
  controller->controller.reset();
  return BACKFIRE_SUCCESS;
}

void backfire_tcbo_controller_destroy(BackfireTcboController* controller) { delete controller; }

} // extern "C"
