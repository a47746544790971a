// What the files of backfire_kernel._native share.
#pragma once

#include "bindings/python/src/python.hpp"

#include "backfire.h"

#include <cstdint>
#include <ctime>
#include <string>

namespace mycelium::backfire {

using python::buffer;
using python::method;
using python::ref;
using python::slot;
using python::without_gil;

// Sets the exception of a status: ValueError with the library's text, MemoryError. Always NULL.
PyObject* raise(std::int32_t status);

// What the package's Python files give: made once, when the module is loaded.
struct python_side {
  PyObject* actions;    // tuple of Action, by number
  PyObject* kinds;      // tuple of HaltKind, by number
  PyObject* describe;   // scoring.describe(exception) -> str
  PyObject* to_doubles; // arrays.to_doubles(object, name) -> a buffer of doubles
  PyObject* empty;      // ""
};
extern python_side shared;
bool add_python_side();

// Ends the current exception and gives its text; empty if it is none that a scorer's failure may be (KeyboardInterrupt
// and the like): then it stays set.
ref take_failure();

// What a BackfireConfig or StreamOptions of Python has. False with an error.
bool read_config(PyObject* config, BackfireConfig& out);
bool read_options(PyObject* options, BackfireOptions& out);
// Of a tuple of their numbers, in the order of the C struct: None, or a ValueError.
PyObject* check_config(PyObject*, PyObject* values);
PyObject* check_options(PyObject*, PyObject* values);
// bytes to such a tuple, and back to a str.
PyObject* config_from_json(PyObject*, PyObject* text);
PyObject* config_to_json(PyObject*, PyObject* values);

extern PyTypeObject* interlock_type;
BackfireInterlock* interlock_of(PyObject* object); // of that type
bool add_interlock(PyObject* module);
bool add_verdict(PyObject* module);
bool add_native_scorer(PyObject* module);
bool add_stream(PyObject* module);
bool add_knowledge(PyObject* module);
bool add_scorer(PyObject* module);
bool add_oscillators(PyObject* module);
bool add_control(PyObject* module);
bool add_geometry(PyObject* module);
PyObject* standard_omega(PyObject*, PyObject*);
PyObject* standard_coupling(PyObject*, PyObject*);

inline std::int64_t now_ns() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

// UTF-8 of a str, valid as long as the str and held are. Lone surrogates become three bytes each. NULL with an error.
inline const char* utf8_of(PyObject* text, Py_ssize_t& length, ref& held) {
  if (const char* bytes = PyUnicode_AsUTF8AndSize(text, &length))
    return bytes;
  PyErr_Clear();
  held = ref(PyUnicode_AsEncodedString(text, "utf-8", "surrogatepass"));
  char* bytes = nullptr;
  return held && PyBytes_AsStringAndSize(held.get(), &bytes, &length) == 0 ? bytes : nullptr;
}

// A str from a function (buffer, cap, out_len) of the library. NULL with an error.
template <class Write>
PyObject* text_of(Write write) {
  char text[512];
  std::size_t length = 0;
  std::int32_t status = write(text, sizeof text, &length);
  if (status >= 0 && length < sizeof text)
    return PyUnicode_DecodeUTF8(text, static_cast<Py_ssize_t>(length), "replace");
  std::string longer(length + 1, '\0');
  if (status >= 0)
    status = write(longer.data(), longer.size(), &length);
  return status < 0 ? raise(status) : PyUnicode_DecodeUTF8(longer.data(), static_cast<Py_ssize_t>(length), "replace");
}

// A heap type's object is freed by what its most derived type says.
inline void free_object(PyObject* object) {
  PyTypeObject* type = Py_TYPE(object);
  reinterpret_cast<freefunc>(PyType_GetSlot(type, Py_tp_free))(object);
  Py_DECREF(reinterpret_cast<PyObject*>(type));
}

template <class Object>
Object* allocate(PyTypeObject* type) {
  return reinterpret_cast<Object*>(reinterpret_cast<allocfunc>(PyType_GetSlot(type, Py_tp_alloc))(type, 0));
}

} // namespace mycelium::backfire
