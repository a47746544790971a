// Numbers that come as arrays: any buffer of doubles as it lies, other arrays and sequences through a copy.
#pragma once

#include "native.hpp"

#include "backfire_physics.h"

namespace mycelium::backfire {

class doubles {
public:
  // One dimension, or a square of two. None is no array: data() is NULL, size() 0. False with an error.
  bool read(PyObject* object, const char* name);
  const double* data() const { return reinterpret_cast<const double*>(memory_.data()); }
  std::size_t size() const { return memory_.size() / sizeof(double); }

private:
  ref converted_;
  buffer memory_;
};

// Room for count doubles in a bytearray; numbers() is written before it is handed out.
class new_doubles {
public:
  explicit new_doubles(std::size_t count)
      : made_(PyByteArray_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(count * sizeof(double)))), count_(count) {}
  explicit operator bool() const { return static_cast<bool>(made_); }
  double* data() const { return reinterpret_cast<double*>(PyByteArray_AsString(made_.get())); }
  std::size_t size() const { return count_; }
  PyObject* get() const { return made_.get(); }
  PyObject* release() { return made_.release(); }

private:
  ref made_;
  std::size_t count_;
};

// omega and k of Python objects, each maybe None, with n for where both are.
class network {
public:
  bool read(PyObject* omega, PyObject* k, unsigned int n);
  std::uint32_t size() const { return given_.n; }
  const BackfireNetwork* get() const { return &given_; }

private:
  doubles omega_;
  doubles k_;
  BackfireNetwork given_{};
};

} // namespace mycelium::backfire
