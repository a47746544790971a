// Loan: memory of the bus to build a payload in, published without a copy.
#include "loan.hpp"

#include "message.hpp"

namespace mycelium::python {
namespace {

PyTypeObject* loan_type = nullptr;

struct loan {
  PyObject_HEAD PyObject* owner; // the Runtime
  MyceliumLoan* handle;
  std::uint8_t* data;
  Py_ssize_t size;
  Py_ssize_t exports; // views that are alive
};

loan* self_of(PyObject* object) { return reinterpret_cast<loan*>(object); }

void deallocate(PyObject* object) {
  PyTypeObject* type = Py_TYPE(object);
  mycelium_loan_discard(self_of(object)->handle);
  Py_CLEAR(self_of(object)->owner);
  PyObject_Free(object);
  Py_DECREF(reinterpret_cast<PyObject*>(type));
}

int get_buffer(PyObject* object, Py_buffer* out, int flags) {
  loan* self = self_of(object);
  if (!self->handle) {
    PyErr_SetString(PyExc_BufferError, "the loan was published or discarded");
    return -1;
  }
  if (PyBuffer_FillInfo(out, object, self->data, self->size, 0, flags) < 0)
    return -1;
  ++self->exports;
  return 0;
}

void release_buffer(PyObject* object, Py_buffer*) { --self_of(object)->exports; }

Py_ssize_t length(PyObject* object) { return self_of(object)->size; }

// A view that is alive would show memory that others read, or that is gone.
bool ready(loan* self) {
  if (self->exports > 0)
    PyErr_SetString(PyExc_BufferError, "a view of the loan is still alive: release it before");
  else if (!self->handle)
    PyErr_SetString(PyExc_BufferError, "the loan was published or discarded");
  return self->exports == 0 && self->handle;
}

PyObject* publish_loan(PyObject* object, PyObject* args, PyObject* keywords) {
  static const char* names[] = {"type_id", "length", "offset", nullptr};
  loan* self = self_of(object);
  PyObject* what = nullptr;
  Py_ssize_t count = self->size, offset = 0;
  std::uint16_t type_id = 0;
  if (!PyArg_ParseTupleAndKeywords(args, keywords, "O|nn:publish", const_cast<char**>(names), &what, &count, &offset) ||
      !read_type_id(what, type_id) || !ready(self))
    return nullptr;
  if (offset < 0 || offset > self->size || count < 0 || (count > self->size - offset && PyTuple_Size(args) > 1)) {
    PyErr_Format(PyExc_ValueError, "%zd bytes at %zd are not inside of the loan of %zd", count, offset, self->size);
    return nullptr;
  }
  count = std::min(count, self->size - offset);
  runtime* bus = open_runtime(self->owner);
  if (!bus)
    return nullptr;
  // Nobody may take or export the memory while the GIL is released.
  MyceliumLoan* handle = std::exchange(self->handle, nullptr);
  const std::int32_t status = without_gil([&] {
    return mycelium_publish_loan(bus->handle, type_id, handle, static_cast<std::size_t>(offset),
                                 static_cast<std::size_t>(count));
  });
  if (status == MYCELIUM_ERROR_TOO_LARGE || status == MYCELIUM_ERROR_UNKNOWN_TYPE ||
      status == MYCELIUM_ERROR_INVALID_PAYLOAD || status == MYCELIUM_ERROR_CLOSED ||
      status == MYCELIUM_ERROR_INVALID_ARGUMENT || status == MYCELIUM_ERROR_NULL || status == MYCELIUM_ERROR_FORKED)
    self->handle = handle; // nobody got it
  return status < 0 ? raise(status) : ref::share(Py_None).release();
}

PyObject* discard(PyObject* object, PyObject*) {
  loan* self = self_of(object);
  if (self->handle && !ready(self))
    return nullptr;
  mycelium_loan_discard(std::exchange(self->handle, nullptr));
  return ref::share(Py_None).release();
}

PyMethodDef methods[] = {{"publish", method(publish_loan), METH_VARARGS | METH_KEYWORDS,
                          "publish(type_id, length=None, offset=0): publishes the bytes as a message of a class or "
                          "type_id, without a copy. No "
                          "view of the loan may be alive."},
                         {"discard", discard, METH_NOARGS, "Gives the memory back."},
                         {nullptr, nullptr, 0, nullptr}};

} // namespace

PyObject* lend(runtime* self, PyObject* size) {
  const Py_ssize_t wanted = PyLong_AsSsize_t(size);
  if (!open_runtime(object_of(self)) || (wanted < 0 && PyErr_Occurred()))
    return nullptr;
  if (wanted < 0) {
    PyErr_SetString(PyExc_ValueError, "a loan has 0 bytes or more");
    return nullptr;
  }
  MyceliumLoan* handle = nullptr;
  std::uint8_t* data = nullptr;
  if (const std::int32_t status = mycelium_loan(self->handle, static_cast<std::size_t>(wanted), &handle, &data);
      status < 0)
    return raise(status);
  loan* made = PyObject_New(loan, loan_type);
  if (!made) {
    mycelium_loan_discard(handle);
    return nullptr;
  }
  made->owner = ref::share(object_of(self)).release();
  made->handle = handle;
  made->data = data;
  made->size = wanted;
  made->exports = 0;
  return reinterpret_cast<PyObject*>(made);
}

bool add_loan(PyObject* module) {
  static PyType_Slot slots[] = {{Py_tp_dealloc, slot(deallocate)},
                                {Py_tp_methods, methods},
                                {Py_bf_getbuffer, slot(get_buffer)},
                                {Py_bf_releasebuffer, slot(release_buffer)},
                                {Py_sq_length, slot(length)},
                                {Py_tp_doc, const_cast<char*>("Memory of the bus to build a payload in: write through "
                                                              "memoryview(loan) or numpy.frombuffer(loan, dtype), then "
                                                              "publish it without a copy. Made by Runtime.loan.")},
                                {0, nullptr}};
  static PyType_Spec spec = {"mycelium_native.Loan", sizeof(loan), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
  loan_type = reinterpret_cast<PyTypeObject*>(PyType_FromModuleAndSpec(module, &spec, nullptr));
  return loan_type && PyModule_AddType(module, loan_type) == 0;
}

} // namespace mycelium::python
