// The SSGF engine, for physics.py.
#include "engine.hpp"

#include <vector>

namespace mycelium::backfire {
namespace {

PyObject* create(PyTypeObject* type, PyObject* args, PyObject*) {
  BackfireSsgfOptions options;
  backfire_ssgf_options_init(&options);
  PyObject *omega = nullptr, *k = nullptr;
  unsigned int n = 0;
  int pgbo_enabled = 0;
  unsigned long long seed = 0;
  network oscillators;
  if (!PyArg_ParseTuple(args, "OOIdIdpK:Ssgf", &omega, &k, &n, &options.lr_z, &options.n_micro, &options.noise_amp,
                        &pgbo_enabled, &seed) ||
      !oscillators.read(omega, k, n))
    return nullptr;
  options.seed = seed;
  options.pgbo_enabled = pgbo_enabled != 0;
  return new_engine<BackfireSsgf>(
      type, [&](BackfireSsgf** out) { return backfire_ssgf_create(&options, oscillators.get(), out); });
}

PyObject* step_as_dict(const BackfireSsgfStep& s) {
  return Py_BuildValue("{s:K,s:d,s:d,s:d,s:d,s:d,s:d,s:d,s:d,s:d,s:d,s:d,s:d,s:d,s:d,s:d,s:d,s:d,s:d,s:d,s:d,s:N,s:N}",
                       "step", static_cast<unsigned long long>(s.step), "u_total", s.u_total, "r_global", s.r_global,
                       "lambda1", s.lambda1, "c_micro", s.c_micro, "c4", s.c4, "c7", s.c7, "c8", s.c8, "c9", s.c9,
                       "c10", s.c10, "r_graph", s.r_graph, "c_pgbo", s.c_pgbo, "h_rec", s.h_rec, "dh_rec_dt",
                       s.dh_rec_dt, "lr_z_scale", s.lr_z_scale, "d_theta_scale", s.d_theta_scale, "tau_d_scale",
                       s.tau_d_scale, "lambda7", s.lambda7, "lambda8", s.lambda8, "lambda10", s.lambda10, "nu_star",
                       s.nu_star, "gate_open", PyBool_FromLong(s.gate_open), "refusal", PyBool_FromLong(s.refusal));
}

// The last step as a dict; None after none.
PyObject* run(PyObject* object, PyObject* args) {
  unsigned long long steps = 0;
  BackfireSsgfStep last{};
  last.struct_size = sizeof last;
  const auto step = [&](BackfireSsgf* handle, std::uint64_t count) { return backfire_ssgf_run(handle, count, &last); };
  if (!PyArg_ParseTuple(args, "K", &steps) || !run_in_slices<BackfireSsgf>(object, steps, 100, step))
    return nullptr;
  return steps == 0 ? ref::share(Py_None).release() : step_as_dict(last);
}

PyObject* read(PyObject* object, PyObject* args) {
  BackfireSsgf* handle = handle_of<BackfireSsgf>(object);
  int which = 0;
  Py_ssize_t count = 0;
  if (!handle || !PyArg_ParseTuple(args, "in", &which, &count))
    return nullptr;
  new_doubles out(static_cast<std::size_t>(count));
  if (!out)
    return nullptr;
  const std::int32_t status = backfire_ssgf_read(handle, static_cast<BackfireSsgfArray>(which), out.data(), out.size());
  return status < 0 ? raise(status) : out.release();
}

PyObject* log(PyObject* object, PyObject*) {
  BackfireSsgf* handle = handle_of<BackfireSsgf>(object);
  if (!handle)
    return nullptr;
  std::vector<BackfireSsgfStep> steps(1000); // all that the library keeps
  steps[0].struct_size = sizeof(BackfireSsgfStep);
  std::size_t count = 0;
  const std::int32_t status = backfire_ssgf_log(handle, steps.data(), steps.size(), &count);
  ref out(status < 0 ? raise(status) : PyList_New(static_cast<Py_ssize_t>(count)));
  for (std::size_t i = 0; out && i < count; ++i) {
    PyObject* step = step_as_dict(steps[i]);
    if (!step || PyList_SetItem(out.get(), static_cast<Py_ssize_t>(i), step) < 0)
      return nullptr;
  }
  return out.release();
}

PyObject* audio(PyObject* object, PyObject*) {
  BackfireSsgf* handle = handle_of<BackfireSsgf>(object);
  BackfireAudioMapping a{};
  a.struct_size = sizeof a;
  if (!handle)
    return nullptr;
  const std::int32_t status = backfire_ssgf_audio(handle, &a);
  if (status < 0)
    return raise(status);
  return Py_BuildValue("{s:d,s:d,s:d,s:d,s:d,s:s,s:d,s:d,s:d,s:N,s:N}", "r_global", a.r_global, "entrainment_intensity",
                       a.entrainment_intensity, "beat_hz", a.beat_hz, "pulse_hz", a.pulse_hz, "spatial_angle_deg",
                       a.spatial_angle_deg, "brainwave_band", a.brainwave_band, "fiedler_stability",
                       a.fiedler_stability, "spectral_gap", a.spectral_gap, "geometry_density", a.geometry_density,
                       "gate_open", PyBool_FromLong(a.gate_open), "refusal", PyBool_FromLong(a.refusal));
}

PyObject* set_tcbo_p_h1(PyObject* object, PyObject* args) {
  BackfireSsgf* handle = handle_of<BackfireSsgf>(object);
  double p_h1 = 0;
  if (!handle || !PyArg_ParseTuple(args, "d", &p_h1))
    return nullptr;
  const std::int32_t status = backfire_ssgf_set_tcbo_p_h1(handle, p_h1);
  return status < 0 ? raise(status) : ref::share(Py_None).release();
}

PyObject* status_of(PyObject* object, PyObject*) {
  BackfireSsgf* handle = handle_of<BackfireSsgf>(object);
  double r_global = 0;
  std::uint64_t steps = 0;
  std::uint32_t n = 0;
  if (!handle)
    return nullptr;
  const std::int32_t status = backfire_ssgf_status(handle, &r_global, &steps, &n);
  return status < 0 ? raise(status) : Py_BuildValue("(dKI)", r_global, static_cast<unsigned long long>(steps), n);
}

PyMethodDef methods[] = {{"run", run, METH_VARARGS, "run(steps) -> dict of the last step, or None"},
                         {"read", read, METH_VARARGS, "read(which, count) -> bytearray"},
                         {"log", log, METH_NOARGS, "log() -> list of dicts"},
                         {"audio", audio, METH_NOARGS, "audio() -> dict"},
                         {"set_tcbo_p_h1", set_tcbo_p_h1, METH_VARARGS, "set_tcbo_p_h1(p_h1)"},
                         {"status", status_of, METH_NOARGS, "status() -> (r_global, step_count, n)"},
                         {nullptr, nullptr, 0, nullptr}};

} // namespace

bool add_geometry(PyObject* module) {
  return add_engine<BackfireSsgf, backfire_ssgf_destroy>(
      module, "backfire_kernel._native.Ssgf", create, methods,
      "Ssgf(omega, k, n, lr_z, n_micro, noise_amp, pgbo_enabled, seed)");
}

} // namespace mycelium::backfire
