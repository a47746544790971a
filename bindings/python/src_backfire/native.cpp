#include "native.hpp"

namespace mycelium::backfire {

python_side shared;

PyObject* raise(std::int32_t status) {
  if (status == BACKFIRE_ERROR_INTERNAL)
    return PyErr_NoMemory();
  PyErr_SetString(PyExc_ValueError, backfire_last_error());
  return nullptr;
}

namespace {

// The members of an IntEnum that are numbered from 0 on.
PyObject* members_of(PyObject* module, const char* name) {
  ref type(PyObject_GetAttrString(module, name));
  return type ? PySequence_Tuple(type.get()) : nullptr;
}

} // namespace

bool add_python_side() {
  ref kinds(PyImport_ImportModule("backfire_kernel.kinds"));
  if (!kinds)
    return false;
  shared.actions = members_of(kinds.get(), "Action");
  shared.kinds = members_of(kinds.get(), "HaltKind");
  ref arrays(PyImport_ImportModule("backfire_kernel.arrays"));
  shared.to_doubles = arrays ? PyObject_GetAttrString(arrays.get(), "to_doubles") : nullptr;
  shared.empty = PyUnicode_FromString("");
  return shared.actions && shared.kinds && shared.to_doubles && shared.empty;
}

ref take_failure() {
  if (!PyErr_ExceptionMatches(PyExc_Exception))
    return ref();
  PyObject *type = nullptr, *value = nullptr, *trace = nullptr;
  PyErr_Fetch(&type, &value, &trace);
  PyErr_NormalizeException(&type, &value, &trace);
  ref own_type(type), own_value(value), own_trace(trace);
  if (!shared.describe) { // scoring needs this module itself
    ref scoring(PyImport_ImportModule("backfire_kernel.scoring"));
    shared.describe = scoring ? PyObject_GetAttrString(scoring.get(), "describe") : nullptr;
  }
  return ref(shared.describe ? PyObject_CallFunctionObjArgs(shared.describe, value, nullptr) : nullptr);
}

} // namespace mycelium::backfire
