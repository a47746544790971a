#include "codec_values.hpp"

#include <algorithm>
#include <cstring>

namespace mycelium::python {
namespace {

// Whether the elements of a buffer may be copied as they are: the same kind of number in the same size.
bool same_elements(const Py_buffer& view, const field& of) {
  const char* given = view.format ? view.format : "B";
  if (*given == '@' || *given == '=' || *given == '<')
    ++given;
  if (!*given || given[1] || view.itemsize != of.size)
    return false;
  for (const char* kinds : {"bhilqn", "BHILQNc", "fd", "?"}) {
    if (std::strchr(kinds, of.format))
      return std::strchr(kinds, *given) != nullptr;
  }
  return false;
}

bool write_items(const field& of, PyObject* items, std::uint8_t* out) {
  const Py_ssize_t count = PyTuple_Size(items);
  for (Py_ssize_t i = 0; i < count; ++i) {
    std::uint64_t bits = 0;
    if (!scalar_bits(of, PyTuple_GetItem(items, i), bits))
      return false;
    std::memcpy(out + static_cast<std::size_t>(i) * of.size, &bits, of.size);
  }
  return true;
}

bool wrong_length(const field& of, std::size_t count) {
  if (count == of.count)
    return false;
  PyErr_Format(PyExc_ValueError, "needs %u elements, not %zu", static_cast<unsigned>(of.count), count);
  return true;
}

bool write_member(const field& of, PyObject* value, std::uint8_t* out) {
  if (of.kind == kind::scalar && of.count == 0) {
    std::uint64_t bits = 0;
    if (!scalar_bits(of, value, bits))
      return false;
    std::memcpy(out, &bits, of.size);
    return true;
  }
  if (of.kind == kind::scalar) {
    scalar_items items(of);
    return items.read(value) && !wrong_length(of, items.count()) && items.write(out);
  }
  if (of.count == 0)
    return write_struct(*of.of, value, out);
  ref items = items_of(value);
  if (!items || wrong_length(of, static_cast<std::size_t>(PyTuple_Size(items.get()))))
    return false;
  for (std::uint32_t i = 0; i < of.count; ++i) {
    if (!write_struct(*of.of, PyTuple_GetItem(items.get(), i), out + i * of.of->size))
      return false;
  }
  return true;
}

} // namespace

bool located(const plan& layout, const field& where) {
  const bool is_type = PyErr_ExceptionMatches(PyExc_TypeError);
  if (!is_type && !PyErr_ExceptionMatches(PyExc_ValueError) && !PyErr_ExceptionMatches(PyExc_OverflowError))
    return false;
  PyObject *type = nullptr, *value = nullptr, *trace = nullptr;
  PyErr_Fetch(&type, &value, &trace);
  PyErr_NormalizeException(&type, &value, &trace);
  ref old_type(type), old_value(value), old_trace(trace);
  if (PyObject_HasAttrString(value, "located")) {
    PyErr_Restore(old_type.release(), old_value.release(), old_trace.release());
    return false;
  }
  ref name(PyType_GetName(layout.type));
  ref text(name ? PyUnicode_FromFormat("%U.%U: %S", name.get(), where.where.name, value) : nullptr);
  PyObject* kind = is_type ? PyExc_TypeError : PyExc_ValueError;
  ref error(text ? PyObject_CallFunctionObjArgs(kind, text.get(), nullptr) : nullptr);
  if (error && PyObject_SetAttrString(error.get(), "located", Py_True) == 0)
    PyErr_SetObject(kind, error.get());
  return false;
}

bool expected(const char* what, PyObject* value) {
  ref name(PyType_GetName(Py_TYPE(value)));
  if (name)
    PyErr_Format(PyExc_TypeError, "expected %s, not %U", what, name.get());
  return false;
}

bool check_class(const plan& layout, PyObject* value) {
  if (Py_TYPE(value) == layout.type || PyType_IsSubtype(Py_TYPE(value), layout.type))
    return true;
  ref wanted(PyType_GetName(layout.type)), given(PyType_GetName(Py_TYPE(value)));
  if (wanted && given)
    PyErr_Format(PyExc_TypeError, "expected %U, not %U", wanted.get(), given.get());
  return false;
}

ref items_of(PyObject* value) {
  if (value == Py_None)
    return ref(PyTuple_New(0));
  if (PyUnicode_Check(value)) {
    expected("a sequence", value);
    return ref();
  }
  return ref(PySequence_Tuple(value));
}

bool scalar_items::read(PyObject* value) {
  if (value != Py_None && PyObject_CheckBuffer(value)) {
    if (!buffer_.acquire(value, PyBUF_FULL_RO))
      return false;
    if (same_elements(buffer_.view(), of_)) {
      count_ = buffer_.size() / of_.size;
      return true;
    }
    buffer_.reset();
  }
  items_ = items_of(value);
  count_ = items_ ? static_cast<std::size_t>(PyTuple_Size(items_.get())) : 0;
  if (count_ > max_size / of_.size) {
    PyErr_SetString(PyExc_ValueError, "the message is larger than 2 GiB");
    return false;
  }
  return static_cast<bool>(items_);
}

bool scalar_items::write(std::uint8_t* out) {
  if (items_)
    return write_items(of_, items_.get(), out);
  if (!PyBuffer_IsContiguous(&buffer_.view(), 'C')) {
    if (PyBuffer_ToContiguous(out, &buffer_.view(), buffer_.view().len, 'C') != 0)
      return false;
  } else if (count_ > 0) {
    std::memcpy(out, buffer_.data(), buffer_.size());
  }
  if (of_.format == '?') // any byte but 0 is true, and written as 1
    std::transform(out, out + count_, out, [](std::uint8_t byte) { return byte != 0; });
  return true;
}

bool write_struct(const plan& layout, PyObject* value, std::uint8_t* out) {
  if (!check_class(layout, value))
    return false;
  std::memset(out, 0, layout.size);
  for (const field& f : layout.fields) {
    ref item(f.where.get(value));
    if (!item)
      return false;
    if (!write_member(f, item.get(), out + f.place))
      return located(layout, f);
  }
  return true;
}

} // namespace mycelium::python
