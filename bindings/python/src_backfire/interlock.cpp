// Interlock: lets tokens pass while it is active.
#include "native.hpp"

namespace mycelium::backfire {

PyTypeObject* interlock_type = nullptr;

namespace {

struct interlock {
  PyObject_HEAD BackfireInterlock* handle;
};

PyObject* create(PyTypeObject* type, PyObject* args, PyObject* keywords) {
  static const char* names[] = {nullptr};
  if (!PyArg_ParseTupleAndKeywords(args, keywords, ":Interlock", const_cast<char**>(names)))
    return nullptr;
  auto* self = allocate<interlock>(type);
  if (!self)
    return nullptr;
  self->handle = backfire_interlock_create();
  if (!self->handle) {
    Py_DECREF(reinterpret_cast<PyObject*>(self));
    return PyErr_NoMemory();
  }
  return reinterpret_cast<PyObject*>(self);
}

void deallocate(PyObject* object) {
  backfire_interlock_destroy(interlock_of(object));
  free_object(object);
}

PyObject* stop(PyObject* object, PyObject*) {
  backfire_interlock_stop(interlock_of(object));
  return ref::share(Py_None).release();
}

PyObject* reactivate(PyObject* object, PyObject*) {
  backfire_interlock_reactivate(interlock_of(object));
  return ref::share(Py_None).release();
}

PyObject* get_is_active(PyObject* object, void*) {
  return PyBool_FromLong(backfire_interlock_is_active(interlock_of(object)));
}

PyMethodDef methods[] = {
    {"stop", stop, METH_NOARGS, "stop(): every stream of it halts at its next token. From any thread."},
    {"reactivate", reactivate, METH_NOARGS,
     "reactivate(): streams that begin or go on after it may pass; one that has halted stays so. From any thread."},
    {nullptr, nullptr, 0, nullptr}};

PyGetSetDef properties[] = {{"is_active", get_is_active, nullptr, "True until stop() or a hard halt.", nullptr},
                            {nullptr, nullptr, nullptr, nullptr, nullptr}};

} // namespace

BackfireInterlock* interlock_of(PyObject* object) { return reinterpret_cast<interlock*>(object)->handle; }

bool add_interlock(PyObject* module) {
  static PyType_Slot slots[] = {{Py_tp_new, slot(create)},
                                {Py_tp_dealloc, slot(deallocate)},
                                {Py_tp_methods, methods},
                                {Py_tp_getset, properties},
                                {Py_tp_doc, const_cast<char*>("Lets tokens pass while it is active, as it is at first. "
                                                              "Any number of streams and threads may use it.")},
                                {0, nullptr}};
  static PyType_Spec spec = {"backfire_kernel.Interlock", sizeof(interlock), 0, Py_TPFLAGS_DEFAULT, slots};
  interlock_type = reinterpret_cast<PyTypeObject*>(PyType_FromModuleAndSpec(module, &spec, nullptr));
  return interlock_type && PyModule_AddType(module, interlock_type) == 0;
}

} // namespace mycelium::backfire
