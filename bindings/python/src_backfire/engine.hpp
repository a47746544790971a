// A handle of the library as an object of Python. One thread at a time uses an engine; long runs release the GIL.
#pragma once

#include "doubles.hpp"

#include <algorithm>

namespace mycelium::backfire {

template <class Handle>
struct engine {
  PyObject_HEAD Handle* handle;
  bool busy;       // a run has released the GIL
  std::uint32_t n; // oscillators, where the engine itself is asked for them
};

template <class Handle>
engine<Handle>* engine_of(PyObject* object) {
  return reinterpret_cast<engine<Handle>*>(object);
}

// The handle, unless another thread uses it: then NULL with an error.
template <class Handle>
Handle* handle_of(PyObject* object) {
  auto* self = engine_of<Handle>(object);
  if (!self->busy)
    return self->handle;
  PyErr_SetString(PyExc_RuntimeError, "another thread uses this engine: give each thread one of its own");
  return nullptr;
}

// A new object, with what create(&handle) made. NULL with an error.
template <class Handle, class Create>
PyObject* new_engine(PyTypeObject* type, Create create) {
  auto* self = allocate<engine<Handle>>(type);
  if (!self)
    return nullptr;
  const std::int32_t status = create(&self->handle);
  if (status >= 0)
    return reinterpret_cast<PyObject*>(self);
  Py_DECREF(reinterpret_cast<PyObject*>(self));
  return raise(status);
}

template <class Handle, void (*Destroy)(Handle*)>
void deallocate_engine(PyObject* object) {
  Destroy(engine_of<Handle>(object)->handle);
  free_object(object);
}

// Calls run(handle, count) for slices of steps, with the GIL released unless there are few; between them Ctrl-C is
// heard. False with an error.
template <class Handle, class Run>
bool run_in_slices(PyObject* object, std::uint64_t steps, std::uint64_t slice, Run run) {
  Handle* handle = handle_of<Handle>(object);
  if (!handle)
    return false;
  for (std::uint64_t left = steps;;) {
    const std::uint64_t count = std::min(left, slice);
    std::int32_t status = 0;
    if (steps * 8 <= slice) {
      status = run(handle, count);
    } else {
      engine_of<Handle>(object)->busy = true;
      status = without_gil([&] { return run(handle, count); });
      engine_of<Handle>(object)->busy = false;
    }
    if (status < 0)
      return raise(status), false;
    left -= count;
    if (left == 0)
      return true;
    if (PyErr_CheckSignals() < 0)
      return false;
  }
}

template <class Handle, std::int32_t (*Reset)(Handle*)>
PyObject* reset_engine(PyObject* object, PyObject*) {
  Handle* handle = handle_of<Handle>(object);
  if (!handle)
    return nullptr;
  const std::int32_t status = Reset(handle);
  return status < 0 ? raise(status) : ref::share(Py_None).release();
}

// Adds a type whose name is "backfire_kernel._native.X".
template <class Handle, void (*Destroy)(Handle*)>
bool add_engine(PyObject* module, const char* name, newfunc create, PyMethodDef* methods, const char* doc) {
  PyType_Slot slots[] = {{Py_tp_new, slot(create)},
                         {Py_tp_dealloc, slot(deallocate_engine<Handle, Destroy>)},
                         {Py_tp_methods, methods},
                         {Py_tp_doc, const_cast<char*>(doc)},
                         {0, nullptr}};
  PyType_Spec spec = {name, sizeof(engine<Handle>), 0, Py_TPFLAGS_DEFAULT, slots};
  ref type(PyType_FromModuleAndSpec(module, &spec, nullptr));
  return type && PyModule_AddType(module, reinterpret_cast<PyTypeObject*>(type.get())) == 0;
}

} // namespace mycelium::backfire
