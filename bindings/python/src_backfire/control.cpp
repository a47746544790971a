// The L16 controller, the PGBO and the TCBO, for physics.py.
#include "engine.hpp"

namespace mycelium::backfire {
namespace {

// ---- L16 ----

PyObject* create_l16(PyTypeObject* type, PyObject* args, PyObject*) {
  BackfireL16Options options;
  backfire_l16_options_init(&options);
  if (!PyArg_ParseTuple(args, "IdIIddd:L16", &options.n, &options.plv_threshold, &options.plv_window,
                        &options.h_rec_window, &options.refusal_lr_factor, &options.refusal_d_factor,
                        &options.refusal_tau_factor))
    return nullptr;
  return new_engine<BackfireL16>(type, [&](BackfireL16** out) { return backfire_l16_create(&options, out); });
}

// step(theta, r_global, plv, c7, c8, c10, p_h1, h_frob, dt, v, phi) -> the fields of BackfireL16Output, in its order
PyObject* l16_step(PyObject* object, PyObject* args) {
  BackfireL16* handle = handle_of<BackfireL16>(object);
  BackfireL16Input in{};
  in.struct_size = sizeof in;
  PyObject *phases = nullptr, *v = nullptr, *phi = nullptr;
  doubles theta, now, reference;
  if (!handle ||
      !PyArg_ParseTuple(args, "OddddddddOO", &phases, &in.r_global, &in.plv, &in.c7, &in.c8, &in.c10, &in.p_h1,
                        &in.h_frob, &in.dt, &v, &phi) ||
      !theta.read(phases, "theta") || !now.read(v, "v") || !reference.read(phi, "phi"))
    return nullptr;
  in.v = now.data();
  in.v_len = now.size();
  in.phi = reference.data();
  in.phi_len = reference.size();
  BackfireL16Output out{};
  out.struct_size = sizeof out;
  const std::int32_t status = backfire_l16_step(handle, theta.data(), theta.size(), &in, &out);
  if (status < 0)
    return raise(status);
  return Py_BuildValue("(ddddddddddNNN)", out.lambda7, out.lambda8, out.lambda10, out.nu_star, out.h_rec, out.dh_rec_dt,
                       out.avg_plv, out.lr_z_scale, out.d_theta_scale, out.tau_d_scale, PyBool_FromLong(out.gate_open),
                       PyBool_FromLong(out.refusal), PyBool_FromLong(out.lyapunov_stable));
}

PyMethodDef l16_methods[] = {
    {"step", l16_step, METH_VARARGS, "step(theta, r_global, plv, c7, c8, c10, p_h1, h_frob, dt, v, phi) -> tuple"},
    {"reset", reset_engine<BackfireL16, backfire_l16_reset>, METH_NOARGS, "reset()"},
    {nullptr, nullptr, 0, nullptr}};

// ---- PGBO ----

PyObject* create_pgbo(PyTypeObject* type, PyObject* args, PyObject*) {
  BackfirePgboOptions options;
  backfire_pgbo_options_init(&options);
  int traceless = 0;
  if (!PyArg_ParseTuple(args, "Idddp:Pgbo", &options.n, &options.alpha, &options.kappa, &options.u_cap, &traceless))
    return nullptr;
  options.traceless = traceless != 0;
  return new_engine<BackfirePgbo>(type, [&](BackfirePgbo** out) { return backfire_pgbo_create(&options, out); });
}

PyObject* pgbo_compute(PyObject* object, PyObject* args) {
  BackfirePgbo* handle = handle_of<BackfirePgbo>(object);
  PyObject* phases = nullptr;
  double dt = 0;
  doubles theta;
  if (!handle || !PyArg_ParseTuple(args, "Od", &phases, &dt) || !theta.read(phases, "theta"))
    return nullptr;
  new_doubles u(theta.size()), h(theta.size() * theta.size());
  BackfirePgboResult result{};
  result.struct_size = sizeof result;
  if (!u || !h)
    return nullptr;
  const std::int32_t status =
      backfire_pgbo_compute(handle, theta.data(), theta.size(), dt, u.data(), u.size(), h.data(), h.size(), &result);
  if (status < 0)
    return raise(status);
  return Py_BuildValue("(OOddd)", u.get(), h.get(), result.u_norm, result.h_trace, result.h_frob);
}

PyObject* pgbo_set_boundary(PyObject* object, PyObject* potential) {
  BackfirePgbo* handle = handle_of<BackfirePgbo>(object);
  doubles a;
  if (!handle || !a.read(potential, "a"))
    return nullptr;
  const std::int32_t status = backfire_pgbo_set_boundary_potential(handle, a.data(), a.size());
  return status < 0 ? raise(status) : ref::share(Py_None).release();
}

PyMethodDef pgbo_methods[] = {
    {"compute", pgbo_compute, METH_VARARGS, "compute(theta, dt) -> (u_mu, h_munu, u_norm, h_trace, h_frob)"},
    {"set_boundary_potential", pgbo_set_boundary, METH_O, "set_boundary_potential(a)"},
    {"reset", reset_engine<BackfirePgbo, backfire_pgbo_reset>, METH_NOARGS, "reset()"},
    {nullptr, nullptr, 0, nullptr}};

// ---- TCBO ----

PyObject* create_tcbo(PyTypeObject* type, PyObject* args, PyObject*) {
  BackfireTcboOptions options;
  backfire_tcbo_options_init(&options);
  if (!PyArg_ParseTuple(args, "IdddIII:Tcbo", &options.n, &options.tau_h1, &options.beta, &options.s0,
                        &options.window_size, &options.embed_dim, &options.tau_delay))
    return nullptr;
  return new_engine<BackfireTcbo>(type, [&](BackfireTcbo** out) { return backfire_tcbo_create(&options, out); });
}

PyObject* tcbo_push(PyObject* object, PyObject* phases) {
  BackfireTcbo* handle = handle_of<BackfireTcbo>(object);
  doubles theta;
  if (!handle || !theta.read(phases, "theta"))
    return nullptr;
  const std::int32_t status = backfire_tcbo_push(handle, theta.data(), theta.size());
  return status < 0 ? raise(status) : ref::share(Py_None).release();
}

PyObject* tcbo_compute(PyObject* object, PyObject* args) {
  BackfireTcboResult result{};
  result.struct_size = sizeof result;
  int force = 0;
  // The bars of a large window take milliseconds.
  const auto compute = [&](BackfireTcbo* handle, std::uint64_t) {
    return backfire_tcbo_compute(handle, force, &result);
  };
  if (!PyArg_ParseTuple(args, "p", &force) || !run_in_slices<BackfireTcbo>(object, 1, 1, compute))
    return nullptr;
  return Py_BuildValue("(ddNI)", result.p_h1, result.s_h1, PyBool_FromLong(result.is_conscious), result.samples);
}

PyMethodDef tcbo_methods[] = {
    {"push", tcbo_push, METH_O, "push(theta)"},
    {"compute", tcbo_compute, METH_VARARGS, "compute(force) -> (p_h1, s_h1, is_conscious, samples)"},
    {"reset", reset_engine<BackfireTcbo, backfire_tcbo_reset>, METH_NOARGS, "reset()"},
    {nullptr, nullptr, 0, nullptr}};

PyObject* create_tcbo_controller(PyTypeObject* type, PyObject* args, PyObject*) {
  BackfireTcboControllerOptions options;
  backfire_tcbo_controller_options_init(&options);
  if (!PyArg_ParseTuple(args, "dddd:TcboController", &options.tau_h1, &options.kp, &options.ki, &options.kappa_max))
    return nullptr;
  return new_engine<BackfireTcboController>(
      type, [&](BackfireTcboController** out) { return backfire_tcbo_controller_create(&options, out); });
}

PyObject* tcbo_controller_step(PyObject* object, PyObject* args) {
  BackfireTcboController* handle = handle_of<BackfireTcboController>(object);
  double p_h1 = 0, dt = 0, kappa = 0;
  if (!handle || !PyArg_ParseTuple(args, "dd", &p_h1, &dt))
    return nullptr;
  const std::int32_t status = backfire_tcbo_controller_step(handle, p_h1, dt, &kappa);
  return status < 0 ? raise(status) : PyFloat_FromDouble(kappa);
}

PyMethodDef tcbo_controller_methods[] = {
    {"step", tcbo_controller_step, METH_VARARGS, "step(p_h1, dt) -> float"},
    {"reset", reset_engine<BackfireTcboController, backfire_tcbo_controller_reset>, METH_NOARGS, "reset()"},
    {nullptr, nullptr, 0, nullptr}};

} // namespace

bool add_control(PyObject* module) {
  return add_engine<BackfireL16, backfire_l16_destroy>(
             module, "backfire_kernel._native.L16", create_l16, l16_methods,
             "L16(n, plv_threshold, plv_window, h_rec_window, lr, d and tau factor of a refusal)") &&
         add_engine<BackfirePgbo, backfire_pgbo_destroy>(module, "backfire_kernel._native.Pgbo", create_pgbo,
                                                         pgbo_methods, "Pgbo(n, alpha, kappa, u_cap, traceless)") &&
         add_engine<BackfireTcbo, backfire_tcbo_destroy>(
             module, "backfire_kernel._native.Tcbo", create_tcbo, tcbo_methods,
             "Tcbo(n, tau_h1, beta, s0, window_size, embed_dim, tau_delay)") &&
         add_engine<BackfireTcboController, backfire_tcbo_controller_destroy>(
             module, "backfire_kernel._native.TcboController", create_tcbo_controller, tcbo_controller_methods,
             "TcboController(tau_h1, kp, ki, kappa_max)");
}

} // namespace mycelium::backfire
