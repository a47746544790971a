// Random numbers, the standard network, the UPDE and the SEC functional, for physics.py.
#include "engine.hpp"

namespace mycelium::backfire {
namespace {

// ---- random numbers ----

PyObject* create_random(PyTypeObject* type, PyObject* args, PyObject*) {
  unsigned long long seed = 0;
  if (!PyArg_ParseTuple(args, "K:Random", &seed))
    return nullptr;
  return new_engine<BackfireRandom>(type, [&](BackfireRandom** out) {
    *out = backfire_random_create(seed);
    return *out ? BACKFIRE_SUCCESS : BACKFIRE_ERROR_INTERNAL;
  });
}

PyObject* random_next(PyObject* object, PyObject*) {
  std::uint64_t value = 0;
  const std::int32_t status = backfire_random_next(handle_of<BackfireRandom>(object), &value, 1);
  return status < 0 ? raise(status) : PyLong_FromUnsignedLongLong(value);
}

template <std::int32_t (*Fill)(BackfireRandom*, double*, std::size_t)>
PyObject* random_numbers(PyObject* object, PyObject* args) {
  Py_ssize_t count = 0;
  if (!PyArg_ParseTuple(args, "n", &count))
    return nullptr;
  if (count < 0) {
    PyErr_SetString(PyExc_ValueError, "the number of random numbers must be 0 or more");
    return nullptr;
  }
  new_doubles out(static_cast<std::size_t>(count));
  if (!out)
    return nullptr;
  const std::int32_t status = Fill(handle_of<BackfireRandom>(object), out.data(), out.size());
  return status < 0 ? raise(status) : out.release();
}

PyMethodDef random_methods[] = {
    {"next", random_next, METH_NOARGS, "next() -> int"},
    {"uniform", random_numbers<backfire_random_uniform>, METH_VARARGS, "uniform(count) -> bytearray"},
    {"normal", random_numbers<backfire_random_normal>, METH_VARARGS, "normal(count) -> bytearray"},
    {nullptr, nullptr, 0, nullptr}};

// ---- UPDE ----

PyObject* create_upde(PyTypeObject* type, PyObject* args, PyObject*) {
  BackfireUpdeOptions options;
  backfire_upde_options_init(&options);
  PyObject *omega = nullptr, *k = nullptr;
  unsigned long long seed = 0;
  network oscillators;
  if (!PyArg_ParseTuple(args, "dddKOO:Upde", &options.dt, &options.field_pressure, &options.noise_amplitude, &seed,
                        &omega, &k) ||
      !oscillators.read(omega, k, 0))
    return nullptr;
  options.seed = seed;
  PyObject* made = new_engine<BackfireUpde>(
      type, [&](BackfireUpde** out) { return backfire_upde_create(&options, oscillators.get(), out); });
  if (made)
    engine_of<BackfireUpde>(made)->n = oscillators.size();
  return made;
}

PyObject* upde_begin(PyObject* object, PyObject* theta) {
  BackfireUpde* handle = handle_of<BackfireUpde>(object);
  doubles phases;
  BackfireUpdeState state{};
  state.struct_size = sizeof state;
  if (!handle || !phases.read(theta, "theta"))
    return nullptr;
  const std::int32_t status = backfire_upde_begin(handle, phases.data(), phases.size(), &state);
  if (status < 0)
    return raise(status);
  ref copy(PyByteArray_FromStringAndSize(reinterpret_cast<const char*>(phases.data()),
                                         static_cast<Py_ssize_t>(phases.size() * sizeof(double))));
  return copy ? Py_BuildValue("(Od)", copy.get(), state.r_global) : nullptr;
}

PyObject* upde_begin_random(PyObject* object, PyObject*) {
  BackfireUpde* handle = handle_of<BackfireUpde>(object);
  if (!handle)
    return nullptr;
  new_doubles theta(engine_of<BackfireUpde>(object)->n);
  BackfireUpdeState state{};
  state.struct_size = sizeof state;
  if (!theta)
    return nullptr;
  const std::int32_t status = backfire_upde_begin_random(handle, theta.data(), theta.size(), &state);
  return status < 0 ? raise(status) : Py_BuildValue("(Od)", theta.get(), state.r_global);
}

// run(steps, theta, dtheta_dt, t, r_global, step_count) -> (t, r_global, step_count); both bytearrays are written.
PyObject* upde_run(PyObject* object, PyObject* args) {
  BackfireUpdeState state{};
  state.struct_size = sizeof state;
  unsigned long long steps = 0, count = 0;
  PyObject *theta = nullptr, *velocity = nullptr;
  if (!PyArg_ParseTuple(args, "KO!O!ddK", &steps, &PyByteArray_Type, &theta, &PyByteArray_Type, &velocity, &state.t,
                        &state.r_global, &count))
    return nullptr;
  state.step_count = count;
  buffer phases, slopes; // pinned, so that nobody resizes them meanwhile
  if (!phases.acquire(theta, PyBUF_WRITABLE) || !slopes.acquire(velocity, PyBUF_WRITABLE))
    return nullptr;
  const auto step = [&](BackfireUpde* handle, std::uint64_t slice) {
    return backfire_upde_run(handle, slice, static_cast<double*>(phases.view().buf), phases.size() / sizeof(double),
                             static_cast<double*>(slopes.view().buf), slopes.size() / sizeof(double), &state);
  };
  if (!run_in_slices<BackfireUpde>(object, steps, 10000, step))
    return nullptr;
  return Py_BuildValue("(ddK)", state.t, state.r_global, static_cast<unsigned long long>(state.step_count));
}

PyMethodDef upde_methods[] = {
    {"begin", upde_begin, METH_O, "begin(theta) -> (bytearray, r_global)"},
    {"begin_random", upde_begin_random, METH_NOARGS, "begin_random() -> (bytearray, r_global)"},
    {"run", upde_run, METH_VARARGS,
     "run(steps, theta, dtheta_dt, t, r_global, step_count) -> (t, r_global, step_count)"},
    {nullptr, nullptr, 0, nullptr}};

// ---- SEC ----

PyObject* create_sec(PyTypeObject* type, PyObject* args, PyObject*) {
  BackfireSecOptions options;
  backfire_sec_options_init(&options);
  PyObject *omega = nullptr, *k = nullptr;
  network oscillators;
  if (!PyArg_ParseTuple(args, "ddOO:Sec", &options.lambda_omega, &options.lambda_entropy, &omega, &k) ||
      !oscillators.read(omega, k, 0))
    return nullptr;
  return new_engine<BackfireSec>(
      type, [&](BackfireSec** out) { return backfire_sec_create(&options, oscillators.get(), out); });
}

// evaluate(theta, previous or None, dt) -> the fields of BackfireSecResult, in its order
PyObject* sec_evaluate(PyObject* object, PyObject* args) {
  BackfireSec* handle = handle_of<BackfireSec>(object);
  PyObject *now = nullptr, *before = nullptr;
  double dt = 0;
  doubles theta, previous;
  if (!handle || !PyArg_ParseTuple(args, "OOd", &now, &before, &dt) || !theta.read(now, "theta") ||
      !previous.read(before, "theta_prev"))
    return nullptr;
  BackfireSecResult result{};
  result.struct_size = sizeof result;
  const std::int32_t status =
      backfire_sec_evaluate(handle, theta.data(), theta.size(), previous.data(), previous.size(), dt, &result);
  if (status < 0)
    return raise(status);
  return Py_BuildValue("(dddddddd)", result.v, result.v_normalised, result.coherence_score, result.r_global,
                       result.v_coupling, result.v_frequency, result.v_entropy, result.dv_dt);
}

template <std::int32_t (*Read)(const BackfireSec*, double*)>
PyObject* sec_number(PyObject* object, PyObject*) {
  double value = 0;
  const std::int32_t status = Read(handle_of<BackfireSec>(object), &value);
  return status < 0 ? raise(status) : PyFloat_FromDouble(value);
}

PyMethodDef sec_methods[] = {
    {"evaluate", sec_evaluate, METH_VARARGS, "evaluate(theta, previous, dt) -> tuple"},
    {"critical_coupling", sec_number<backfire_sec_critical_coupling>, METH_NOARGS, "critical_coupling() -> float"},
    {"largest", sec_number<backfire_sec_largest>, METH_NOARGS, "largest() -> float"},
    {nullptr, nullptr, 0, nullptr}};

// ---- the standard network ----

template <std::int32_t (*Read)(double*, std::size_t)>
PyObject* standard(std::size_t size) {
  new_doubles out(size);
  if (!out)
    return nullptr;
  const std::int32_t status = Read(out.data(), out.size());
  return status < 0 ? raise(status) : out.release();
}

} // namespace

PyObject* standard_omega(PyObject*, PyObject*) { return standard<backfire_standard_omega>(BACKFIRE_STANDARD_SIZE); }

PyObject* standard_coupling(PyObject*, PyObject*) {
  return standard<backfire_standard_coupling>(BACKFIRE_STANDARD_SIZE * BACKFIRE_STANDARD_SIZE);
}

bool add_oscillators(PyObject* module) {
  return add_engine<BackfireRandom, backfire_random_destroy>(module, "backfire_kernel._native.Random", create_random,
                                                             random_methods, "Random(seed)") &&
         add_engine<BackfireUpde, backfire_upde_destroy>(module, "backfire_kernel._native.Upde", create_upde,
                                                         upde_methods,
                                                         "Upde(dt, field_pressure, noise_amplitude, seed, omega, k)") &&
         add_engine<BackfireSec, backfire_sec_destroy>(module, "backfire_kernel._native.Sec", create_sec, sec_methods,
                                                       "Sec(lambda_omega, lambda_entropy, omega, k)");
}

} // namespace mycelium::backfire
