// Scalars between Python and memory, and the typed views that vectors of them decode to.
#include "codec.hpp"

#include <bit>
#include <cmath>
#include <cstring>

namespace mycelium::python {
namespace {

bool signed_bits(PyObject* whole, int bytes, std::uint64_t& bits) {
  int overflow = 0;
  const long long value = PyLong_AsLongLongAndOverflow(whole, &overflow);
  if (value == -1 && !overflow && PyErr_Occurred())
    return false;
  const long long high = bytes == 8 ? INT64_MAX : (1LL << (8 * bytes - 1)) - 1;
  if (overflow || value > high || value < -high - 1) {
    PyErr_Format(PyExc_ValueError, "%R is not in %lld..%lld", whole, -high - 1, high);
    return false;
  }
  bits = static_cast<std::uint64_t>(value);
  return true;
}

bool unsigned_bits(PyObject* whole, int bytes, std::uint64_t& bits) {
  const unsigned long long high = bytes == 8 ? UINT64_MAX : (1ULL << (8 * bytes)) - 1;
  bits = PyLong_AsUnsignedLongLong(whole);
  if (bits == UINT64_MAX && PyErr_Occurred()) {
    if (!PyErr_ExceptionMatches(PyExc_OverflowError))
      return false;
    PyErr_Clear();
  } else if (bits <= high) {
    return true;
  }
  PyErr_Format(PyExc_ValueError, "%R is not in 0..%llu", whole, high);
  return false;
}

bool float_bits(char format, PyObject* value, std::uint64_t& bits) {
  const double number = PyFloat_AsDouble(value);
  if (number == -1.0 && PyErr_Occurred())
    return false;
  if (format == 'd') {
    bits = std::bit_cast<std::uint64_t>(number);
    return true;
  }
  const float narrow = static_cast<float>(number);
  if (std::isinf(narrow) && !std::isinf(number)) {
    PyErr_Format(PyExc_ValueError, "%R does not fit into 32 bits", value);
    return false;
  }
  bits = std::bit_cast<std::uint32_t>(narrow);
  return true;
}

// A vector of scalars in foreign memory; exports that memory, read-only.
struct scalar_view {
  PyObject_HEAD PyObject* owner;
  const std::uint8_t* data;
  Py_ssize_t count;
  Py_ssize_t item;
  char format[2];
};

PyTypeObject* scalar_view_type = nullptr;

int view_get(scalar_view* self, Py_buffer* out, int flags) {
  if ((flags & PyBUF_WRITABLE) == PyBUF_WRITABLE) {
    PyErr_SetString(PyExc_BufferError, "received memory is read-only");
    return -1;
  }
  *out = {};
  Py_INCREF(reinterpret_cast<PyObject*>(self));
  out->obj = reinterpret_cast<PyObject*>(self);
  out->buf = const_cast<std::uint8_t*>(self->data);
  out->len = self->count * self->item;
  out->itemsize = self->item;
  out->readonly = 1;
  out->ndim = 1;
  out->format = (flags & PyBUF_FORMAT) ? self->format : nullptr;
  out->shape = (flags & PyBUF_ND) ? &self->count : nullptr;
  out->strides = (flags & PyBUF_STRIDES) == PyBUF_STRIDES ? &self->item : nullptr;
  return 0;
}

void view_free(scalar_view* self) {
  PyTypeObject* type = Py_TYPE(reinterpret_cast<PyObject*>(self));
  Py_XDECREF(self->owner);
  PyObject_Free(self);
  Py_DECREF(reinterpret_cast<PyObject*>(type));
}

} // namespace

bool scalar_bits(const field& of, PyObject* value, std::uint64_t& bits) {
  if (of.format == '?') {
    const int truth = PyObject_IsTrue(value);
    bits = truth == 1;
    return truth >= 0;
  }
  bool good = false;
  if (of.format == 'f' || of.format == 'd') {
    good = float_bits(of.format, value, bits);
  } else {
    ref whole(PyNumber_Index(value));
    if (!whole)
      return false;
    const bool is_signed = of.format >= 'a';
    good = is_signed ? signed_bits(whole.get(), of.size, bits) : unsigned_bits(whole.get(), of.size, bits);
  }
  return good;
}

template <class T>
static T read(const std::uint8_t* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

PyObject* scalar_value(char format, const std::uint8_t* at) {
  switch (format) {
  case '?':
    return PyBool_FromLong(*at);
  case 'b':
    return PyLong_FromLong(read<std::int8_t>(at));
  case 'B':
    return PyLong_FromLong(*at);
  case 'h':
    return PyLong_FromLong(read<std::int16_t>(at));
  case 'H':
    return PyLong_FromLong(read<std::uint16_t>(at));
  case 'i':
    return PyLong_FromLong(read<std::int32_t>(at));
  case 'I':
    return PyLong_FromUnsignedLong(read<std::uint32_t>(at));
  case 'q':
    return PyLong_FromLongLong(read<std::int64_t>(at));
  case 'Q':
    return PyLong_FromUnsignedLongLong(read<std::uint64_t>(at));
  case 'f':
    return PyFloat_FromDouble(static_cast<double>(read<float>(at)));
  default:
    return PyFloat_FromDouble(read<double>(at));
  }
}

PyObject* view_scalars(PyObject* owner, const std::uint8_t* data, std::size_t count, char format) {
  scalar_view* self = PyObject_New(scalar_view, scalar_view_type);
  if (!self)
    return nullptr;
  self->owner = ref::share(owner).release();
  self->data = data;
  self->count = static_cast<Py_ssize_t>(count);
  self->item = size_of(format);
  self->format[0] = format;
  self->format[1] = 0;
  ref view(reinterpret_cast<PyObject*>(self));
  return PyMemoryView_FromObject(view.get());
}

bool add_view_type(PyObject* module) {
  static PyType_Slot slots[] = {{Py_tp_dealloc, slot(view_free)},
                                {Py_bf_getbuffer, slot(view_get)},
                                {Py_tp_doc, const_cast<char*>("A vector of scalars inside a message; read it through a "
                                                              "memoryview.")},
                                {0, nullptr}};
  static PyType_Spec spec = {"mycelium_native._native.ScalarView", sizeof(scalar_view), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
  scalar_view_type = reinterpret_cast<PyTypeObject*>(PyType_FromModuleAndSpec(module, &spec, nullptr));
  return scalar_view_type != nullptr;
}

} // namespace mycelium::python
