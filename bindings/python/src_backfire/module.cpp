// The module backfire_kernel._native.
#include "native.hpp"

#include "mycelium.h"

namespace mycelium::backfire {
namespace {

PyMethodDef functions[] = {
    {"check_config", check_config, METH_O, "check_config(values): ValueError if they are no configuration."},
    {"check_options", check_options, METH_O, "check_options(values): ValueError if they are no options."},
    {"config_from_json", config_from_json, METH_O, "config_from_json(bytes): the values of a configuration."},
    {"config_to_json", config_to_json, METH_O, "config_to_json(values): a str."},
    {"standard_omega", standard_omega, METH_NOARGS, "standard_omega() -> bytearray"},
    {"standard_coupling", standard_coupling, METH_NOARGS, "standard_coupling() -> bytearray"},
    {nullptr, nullptr, 0, nullptr}};

int execute(PyObject* module) {
  static bool loaded = false;
  if (std::exchange(loaded, true)) {
    PyErr_SetString(PyExc_ImportError,
                    "backfire_kernel cannot be loaded twice in one process, nor in a subinterpreter");
    return -1;
  }
  const unsigned int found = backfire_abi_version();
  if (found >> 16 != BACKFIRE_ABI_MAJOR || (found & 0xFFFF) < BACKFIRE_ABI_MINOR) {
    PyErr_Format(PyExc_ImportError,
                 "backfire_kernel needs version %d.%d of oversight in libmycelium_ffi, and version %u.%u is loaded: "
                 "install its packages in one version",
                 BACKFIRE_ABI_MAJOR, BACKFIRE_ABI_MINOR, found >> 16, found & 0xFFFF);
    return -1;
  }
  const bool good = add_python_side() && add_interlock(module) && add_verdict(module) && add_native_scorer(module) &&
                    add_stream(module) && add_knowledge(module) && add_scorer(module) && add_oscillators(module) &&
                    add_control(module) && add_geometry(module) &&
                    PyModule_AddStringConstant(module, "__version__", mycelium_version()) == 0;
  return good ? 0 : -1;
}

PyModuleDef_Slot module_slots[] = {{Py_mod_exec, slot(execute)}, {0, nullptr}};

PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "backfire_kernel._native", nullptr, 0, functions, module_slots, nullptr, nullptr, nullptr};

} // namespace
} // namespace mycelium::backfire

PyMODINIT_FUNC PyInit__native(void) { return PyModuleDef_Init(&mycelium::backfire::definition); }
