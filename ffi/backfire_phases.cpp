// UPDE stepper and SEC functional behind the C interface.
#include "actors/oversight/physics/sec.hpp"
#include "actors/oversight/physics/upde.hpp"
#include "ffi/backfire_network.hpp"

using namespace mycelium;
using namespace mycelium::ffi;
using namespace mycelium::oversight;

struct BackfireUpde {
  upde_stepper stepper;
  std::vector<double> velocity; // for callers who do not want it
};

struct BackfireSec {
  sec_functional functional;
};

namespace {

std::int32_t write_state(const upde_progress& at, BackfireUpdeState* out) noexcept {
  BackfireUpdeState ours{0, at.t, at.r_global, at.step_count};
  return write_struct(out, ours);
}

upde_options options_of(const BackfireUpdeOptions& o) noexcept {
  return {.dt = o.dt, .field_pressure = o.field_pressure, .noise_amplitude = o.noise_amplitude, .seed = o.seed};
}

} // namespace

extern "C" {

void backfire_upde_options_init(BackfireUpdeOptions* options) {
  if (options == nullptr)
    return;
  const upde_options d;
  *options = {sizeof *options, d.dt, d.field_pressure, d.noise_amplitude, d.seed};
}

int32_t backfire_upde_create(const BackfireUpdeOptions* options, const BackfireNetwork* network, BackfireUpde** out) {
  if (out == nullptr)
    return fail_null("out");
  *out = nullptr;
  return fenced([&] {
    BackfireUpdeOptions ours;
    if (!read_over_defaults(ours, options, backfire_upde_options_init))
      return fail_struct_size();
    const auto oscillators = network_of(network);
    if (!oscillators)
      return fail(oscillators.error());
    auto made = upde_stepper::create(options_of(ours), *oscillators);
    if (!made)
      return fail(made.error());
    *out = new BackfireUpde{std::move(*made), std::vector<double>(std::size_t(oscillators->size()))};
    return std::int32_t{BACKFIRE_SUCCESS};
  });
}

int32_t backfire_upde_begin(const BackfireUpde* upde, const double* theta, size_t len, BackfireUpdeState* out) {
  if (upde == nullptr || out == nullptr)
    return fail_null(upde == nullptr ? "upde" : "out");
  return fenced([&] {
    const auto state = upde->stepper.create_state(array_of(theta, len));
    return state ? write_state(*state, out) : fail(state.error());
  });
}

int32_t backfire_upde_begin_random(BackfireUpde* upde, double* theta, size_t len, BackfireUpdeState* out) {
  if (upde == nullptr || out == nullptr)
    return fail_null(upde == nullptr ? "upde" : "out");
  if (const auto right = check_array("theta", theta, len, upde->velocity.size()); right != BACKFIRE_SUCCESS)
    return right;
  return fenced([&] {
    const auto state = upde->stepper.random_state();
    std::copy_n(state.theta.data(), len, theta);
    return write_state(state, out);
  });
}

int32_t backfire_upde_run(BackfireUpde* upde, uint64_t steps, double* theta, size_t len, double* dtheta_dt,
                          size_t dtheta_len, BackfireUpdeState* state) {
  if (upde == nullptr || state == nullptr)
    return fail_null(upde == nullptr ? "upde" : "state");
  const auto n = upde->velocity.size();
  if (const auto right = check_array("theta", theta, len, n); right != BACKFIRE_SUCCESS)
    return right;
  if (const auto right = check_wanted("dtheta_dt", dtheta_dt, dtheta_len, n); right != BACKFIRE_SUCCESS)
    return right;
  if (!all_finite({theta, n}))
    return fail(status::invalid_argument, "input theta contains NaN or Inf");
  BackfireUpdeState ours{};
  if (!read_struct(ours, state))
    return fail_struct_size();
  upde_progress at{ours.t, ours.r_global, ours.step_count};
  upde->stepper.run({theta, n}, {dtheta_len == 0 ? upde->velocity.data() : dtheta_dt, n}, at, steps);
  return write_state(at, state);
}

void backfire_upde_destroy(BackfireUpde* upde) { delete upde; }

void backfire_sec_options_init(BackfireSecOptions* options) {
  if (options != nullptr)
    *options = {sizeof *options, 0.1, 0.01};
}

int32_t backfire_sec_create(const BackfireSecOptions* options, const BackfireNetwork* network, BackfireSec** out) {
  if (out == nullptr)
    return fail_null("out");
  *out = nullptr;
  return fenced([&] {
    BackfireSecOptions ours;
    if (!read_over_defaults(ours, options, backfire_sec_options_init))
      return fail_struct_size();
    const auto oscillators = network_of(network);
    if (!oscillators)
      return fail(oscillators.error());
    auto made = sec_functional::create(ours.lambda_omega, ours.lambda_entropy, *oscillators);
    if (!made)
      return fail(made.error());
    *out = new BackfireSec{std::move(*made)};
    return std::int32_t{BACKFIRE_SUCCESS};
  });
}

int32_t backfire_sec_evaluate(const BackfireSec* sec, const double* theta, size_t len, const double* previous,
                              size_t previous_len, double dt, BackfireSecResult* out) {
  if (sec == nullptr || out == nullptr)
    return fail_null(sec == nullptr ? "sec" : "out");
  return fenced([&] {
    std::optional<values> before;
    if (previous != nullptr || previous_len != 0)
      before = array_of(previous, previous_len);
    const auto found = sec->functional.evaluate(array_of(theta, len), before, dt);
    if (!found)
      return fail(found.error());
    BackfireSecResult ours{0,
                           found->v,
                           found->v_normalised,
                           found->coherence_score,
                           found->r_global,
                           found->v_coupling,
                           found->v_frequency,
                           found->v_entropy,
                           found->dv_dt};
    return write_struct(out, ours);
  });
}

int32_t backfire_sec_critical_coupling(const BackfireSec* sec, double* out) {
  if (sec == nullptr || out == nullptr)
    return fail_null(sec == nullptr ? "sec" : "out");
  *out = sec->functional.critical_coupling();
  return BACKFIRE_SUCCESS;
}

int32_t backfire_sec_largest(const BackfireSec* sec, double* out) {
  if (sec == nullptr || out == nullptr)
    return fail_null(sec == nullptr ? "sec" : "out");
  *out = sec->functional.largest();
  return BACKFIRE_SUCCESS;
}

void backfire_sec_destroy(BackfireSec* sec) { delete sec; }

} // extern "C"
