#include "doubles.hpp"

#include <cmath>

namespace mycelium::backfire {
namespace {

// A contiguous buffer of native doubles. Leaves no exception.
bool acquire(buffer& memory, PyObject* object) {
  if (!PyObject_CheckBuffer(object) || !memory.acquire(object, PyBUF_FORMAT | PyBUF_ND | PyBUF_C_CONTIGUOUS)) {
    PyErr_Clear();
    return false;
  }
  const char* format = memory.view().format;
  if (format && *format == '<')
    ++format;
  if (format && *format == 'd' && !format[1])
    return true;
  memory.reset();
  return false;
}

bool has_right_shape(Py_buffer& view, const char* name) {
  if (view.ndim == 1 || (view.ndim == 2 && view.shape[0] == view.shape[1]))
    return true;
  PyErr_Format(PyExc_ValueError, "%s must have one dimension, or two equal ones", name);
  return false;
}

} // namespace

bool doubles::read(PyObject* object, const char* name) {
  if (object == Py_None)
    return true;
  if (!acquire(memory_, object)) {
    converted_ = ref(PyObject_CallFunction(shared.to_doubles, "Os", object, name));
    if (!converted_)
      return false;
    if (!acquire(memory_, converted_.get())) {
      PyErr_Format(PyExc_TypeError, "%s must be an array of numbers", name);
      return false;
    }
  }
  return has_right_shape(memory_.view(), name);
}

bool network::read(PyObject* omega, PyObject* k, unsigned int n) {
  if (!omega_.read(omega, "omega") || !k_.read(k, "k"))
    return false;
  std::size_t size = n == 0 ? BACKFIRE_STANDARD_SIZE : n;
  if (omega != Py_None)
    size = omega_.size();
  else if (k != Py_None)
    size = static_cast<std::size_t>(std::lround(std::sqrt(static_cast<double>(k_.size()))));
  given_ = {sizeof given_, static_cast<std::uint32_t>(size), 0, omega_.data(), omega_.size(), k_.data(), k_.size()};
  if (size == n || n == 0 || n == BACKFIRE_STANDARD_SIZE)
    return true;
  PyErr_Format(PyExc_ValueError, "n is %u, but there are %zu oscillators", n, size);
  return false;
}

} // namespace mycelium::backfire
