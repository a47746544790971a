// The module mycelium_native._native.
#include "codec.hpp"
#include "errors.hpp"
#include "loan.hpp"
#include "message.hpp"
#include "runtime.hpp"
#include "subscription.hpp"

#include "mycelium.h"

#include <string>

namespace mycelium::python {

bool add_queue(PyObject* module);

namespace {

PyObject* schema_digest(PyObject*, PyObject*) {
  std::uint8_t digest[MYCELIUM_DIGEST_SIZE];
  if (const std::int32_t status = mycelium_schema_digest(digest); status < 0)
    return raise(status);
  return PyBytes_FromStringAndSize(reinterpret_cast<const char*>(digest), MYCELIUM_DIGEST_SIZE);
}

PyObject* info_json(PyObject*, PyObject*) {
  std::size_t length = 0;
  std::int32_t status = mycelium_info_json(nullptr, 0, &length);
  std::string text(length + 1, '\0');
  if (status >= 0)
    status = mycelium_info_json(text.data(), text.size(), &length);
  return status < 0 ? raise(status) : PyUnicode_FromStringAndSize(text.data(), static_cast<Py_ssize_t>(length));
}

// For aio.py, which gets statuses and replies from a queue.
PyObject* error_of(PyObject*, PyObject* number) {
  const long status = PyLong_AsLong(number);
  if (PyErr_Occurred())
    return nullptr;
  raise(static_cast<std::int32_t>(status), "");
  PyObject *type = nullptr, *value = nullptr, *trace = nullptr;
  PyErr_Fetch(&type, &value, &trace);
  PyErr_NormalizeException(&type, &value, &trace);
  Py_XDECREF(type);
  Py_XDECREF(trace);
  return value;
}

PyObject* exit_begins(PyObject*, PyObject*) {
  begin_exit();
  return ref::share(Py_None).release();
}

PyObject* take_reply_of(PyObject*, PyObject* const* args, Py_ssize_t count) {
  if (count != 2 || Py_TYPE(args[0]) != message_type) {
    PyErr_SetString(PyExc_TypeError, "take_reply(message, cls)");
    return nullptr;
  }
  return read_reply(args[0], args[1]);
}

PyMethodDef functions[] = {
    {"error", error_of, METH_O, "error(status): the exception that a status of the C interface becomes."},
    {"begin_exit", exit_begins, METH_NOARGS,
     "The interpreter ends: threads that find their runtime closed are parked."},
    {"take_reply", method(take_reply_of), METH_FASTCALL,
     "take_reply(message, cls): a reply as what the requester expects."},
    {"encode", python_encode, METH_O,
     "encode(message) -> bytes: the canonical bytes of a message of a generated class."},
    {"decode", method(python_decode), METH_FASTCALL,
     "decode(cls, data): a message from a buffer. Vectors of scalars are views of data. ValueError if it is "
     "malformed."},
    {"schema_digest", schema_digest, METH_NOARGS, "schema_digest() -> bytes: the digest of the built-in schema."},
    {"info_json", info_json, METH_NOARGS, "info_json() -> str: all that a bug report needs."},
    {nullptr, nullptr, 0, nullptr}};

int execute(PyObject* module) {
  static bool loaded = false;
  if (std::exchange(loaded, true)) {
    PyErr_SetString(PyExc_ImportError,
                    "mycelium_native cannot be loaded twice in one process, nor in a subinterpreter");
    return -1;
  }
  const bool good = add_errors(module) && add_view_type(module) && add_message_types(module) &&
                    add_statistics(module) && add_bridge_statistics(module) && add_runtime(module) &&
                    add_subscription(module) && add_oversight(module) && add_queue(module) && add_loan(module) &&
                    PyModule_AddIntConstant(module, "LAYOUT_VERSION", layout_version) == 0 &&
                    PyModule_AddStringConstant(module, "__version__", mycelium_version()) == 0;
  return good ? 0 : -1;
}

PyModuleDef_Slot module_slots[] = {{Py_mod_exec, slot(execute)}, {0, nullptr}};

PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "mycelium_native._native", nullptr, 0, functions, module_slots, nullptr, nullptr, nullptr};

} // namespace
} // namespace mycelium::python

PyMODINIT_FUNC PyInit__native(void) { return PyModuleDef_Init(&mycelium::python::definition); }
