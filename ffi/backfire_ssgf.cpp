// The SSGF engine behind the C interface.
#include "actors/oversight/physics/ssgf.hpp"
#include "ffi/backfire_network.hpp"

using namespace mycelium;
using namespace mycelium::ffi;
using namespace mycelium::oversight;

struct BackfireSsgf {
  ssgf_engine engine;
};

namespace {

BackfireSsgfStep step_to_c(const ssgf_step& s) noexcept {
  return {0,
          s.step,
          s.u_total,
          s.r_global,
          s.lambda1,
          s.costs.c_micro,
          s.costs.c4,
          s.costs.c7,
          s.costs.c8,
          s.costs.c9,
          s.costs.c10,
          s.costs.r_graph,
          s.costs.c_pgbo,
          s.control.h_rec,
          s.control.dh_rec_dt,
          s.control.lr_z_scale,
          s.control.d_theta_scale,
          s.control.tau_d_scale,
          s.control.lambda7,
          s.control.lambda8,
          s.control.lambda10,
          s.control.nu_star,
          s.control.gate_open,
          s.control.refusal};
}

std::int32_t read_vector(const vector& from, double* out, std::size_t len) noexcept {
  if (const auto right = check_array("out", out, len, std::size_t(from.size())); right != BACKFIRE_SUCCESS)
    return right;
  std::copy_n(from.data(), len, out);
  return BACKFIRE_SUCCESS;
}

std::int32_t read_matrix(const matrix& from, double* out, std::size_t len) noexcept {
  if (const auto right = check_array("out", out, len, std::size_t(from.size())); right != BACKFIRE_SUCCESS)
    return right;
  copy_matrix(from, out);
  return BACKFIRE_SUCCESS;
}

} // namespace

extern "C" {

void backfire_ssgf_options_init(BackfireSsgfOptions* options) {
  if (options == nullptr)
    return;
  const ssgf_options d;
  *options = {sizeof *options, d.lr_z, d.noise_amp, d.seed, std::uint32_t(d.n_micro), d.pgbo_enabled};
}

int32_t backfire_ssgf_create(const BackfireSsgfOptions* options, const BackfireNetwork* network, BackfireSsgf** out) {
  if (out == nullptr)
    return fail_null("out");
  *out = nullptr;
  return fenced([&] {
    BackfireSsgfOptions o;
    if (!read_over_defaults(o, options, backfire_ssgf_options_init))
      return fail_struct_size();
    const auto oscillators = network_of(network);
    if (!oscillators)
      return fail(oscillators.error());
    auto made = ssgf_engine::create({.lr_z = o.lr_z,
                                     .n_micro = count_of(o.n_micro),
                                     .noise_amp = o.noise_amp,
                                     .pgbo_enabled = o.pgbo_enabled != 0,
                                     .seed = o.seed},
                                    *oscillators);
    if (!made)
      return fail(made.error());
    *out = new BackfireSsgf{std::move(*made)};
    return std::int32_t{BACKFIRE_SUCCESS};
  });
}

int32_t backfire_ssgf_run(BackfireSsgf* ssgf, uint64_t steps, BackfireSsgfStep* out) {
  if (ssgf == nullptr)
    return fail_null("ssgf");
  if (out != nullptr && out->struct_size < sizeof(std::size_t) * 2)
    return fail_struct_size();
  if (steps == 0)
    return BACKFIRE_SUCCESS;
  return fenced([&] {
    ssgf->engine.run(steps - 1);
    auto ours = step_to_c(ssgf->engine.outer_step());
    return out == nullptr ? std::int32_t{BACKFIRE_SUCCESS} : write_struct(out, ours);
  });
}

int32_t backfire_ssgf_read(const BackfireSsgf* ssgf, BackfireSsgfArray which, double* out, size_t len) {
  if (ssgf == nullptr)
    return fail_null("ssgf");
  const auto& engine = ssgf->engine;
  switch (which) {
  case BACKFIRE_SSGF_Z:
    return read_vector(engine.z(), out, len);
  case BACKFIRE_SSGF_THETA:
    return read_vector(engine.theta(), out, len);
  case BACKFIRE_SSGF_W:
    return read_matrix(engine.w(), out, len);
  case BACKFIRE_SSGF_EIGENVALUES:
    return read_vector(engine.pairs().lambda, out, len);
  case BACKFIRE_SSGF_EIGENVECTORS:
    return read_matrix(engine.pairs().v, out, len);
  case BACKFIRE_SSGF_H:
    return read_matrix(engine.h(), out, len);
  case BACKFIRE_SSGF_PHI:
    return read_matrix(engine.phi(), out, len);
  case BACKFIRE_SSGF_GRADIENT:
    return read_vector(engine.gradient(), out, len);
  }
  return fail(status::invalid_argument, "which is no BackfireSsgfArray");
}

int32_t backfire_ssgf_log(const BackfireSsgf* ssgf, BackfireSsgfStep* out, size_t cap, size_t* out_count) {
  if (ssgf == nullptr || out_count == nullptr || (out == nullptr && cap != 0))
    return fail_null(ssgf == nullptr ? "ssgf" : out_count == nullptr ? "out_count" : "out");
  const auto& log = ssgf->engine.log();
  const auto count = std::min(cap, log.size());
  const auto stride = count == 0 ? 0 : out->struct_size;
  if (count != 0 && stride < sizeof(std::size_t) * 2)
    return fail_struct_size();
  auto* place = reinterpret_cast<char*>(out);
  for (auto each = log.end() - std::ptrdiff_t(count); each != log.end(); ++each, place += stride) {
    auto ours = step_to_c(*each);
    ours.struct_size = stride;
    std::memcpy(place, &ours, std::min(stride, sizeof ours)); // the caller's steps may be shorter, or longer, than ours
  }
  *out_count = count;
  return BACKFIRE_SUCCESS;
}

int32_t backfire_ssgf_audio(const BackfireSsgf* ssgf, BackfireAudioMapping* out) {
  if (ssgf == nullptr || out == nullptr)
    return fail_null(ssgf == nullptr ? "ssgf" : "out");
  const auto sound = ssgf->engine.audio();
  BackfireAudioMapping ours{0,
                            sound.r_global,
                            sound.entrainment_intensity,
                            sound.beat_hz,
                            sound.pulse_hz,
                            sound.spatial_angle_deg,
                            sound.fiedler_stability,
                            sound.spectral_gap,
                            sound.geometry_density,
                            sound.brainwave_band,
                            sound.gate_open,
                            sound.refusal};
  return write_struct(out, ours);
}

int32_t backfire_ssgf_set_tcbo_p_h1(BackfireSsgf* ssgf, double p_h1) {
  if (ssgf == nullptr)
    return fail_null("ssgf");
  return fenced([&] { return answer(ssgf->engine.set_tcbo_p_h1(p_h1)); });
}

int32_t backfire_ssgf_status(const BackfireSsgf* ssgf, double* r_global, uint64_t* step_count, uint32_t* n) {
  if (ssgf == nullptr)
    return fail_null("ssgf");
  if (r_global != nullptr)
    *r_global = ssgf->engine.r_global();
  if (step_count != nullptr)
    *step_count = ssgf->engine.step_count();
  if (n != nullptr)
    *n = std::uint32_t(ssgf->engine.theta().size());
  return BACKFIRE_SUCCESS;
}

void backfire_ssgf_destroy(BackfireSsgf* ssgf) { delete ssgf; }

} // extern "C"
