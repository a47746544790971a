// CPython's limited API (one binary for 3.11 and later), and the few owning types that the extension needs around it.
//
// The extension is compiled without exceptions. At exit CPython ends daemon threads with pthread_exit while they wait
// for the GIL; that unwinds through our frames, and no destructor may run there, since it would touch objects without
// the GIL.
#pragma once

#ifndef Py_LIMITED_API
#define Py_LIMITED_API 0x030B0000
#endif
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cstdint>
#include <utility>

namespace mycelium::python {

// A reference that is owned.
class ref {
public:
  ref() = default;
  explicit ref(PyObject* owned) noexcept : object_(owned) {}
  ref(ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  ref& operator=(ref&& other) noexcept {
    PyObject* old = std::exchange(object_, std::exchange(other.object_, nullptr));
    Py_XDECREF(old);
    return *this;
  }
  ~ref() { Py_XDECREF(object_); }

  static ref share(PyObject* borrowed) noexcept {
    Py_XINCREF(borrowed);
    return ref(borrowed);
  }

  PyObject* get() const noexcept { return object_; }
  PyObject* release() noexcept { return std::exchange(object_, nullptr); }
  explicit operator bool() const noexcept { return object_ != nullptr; }

private:
  PyObject* object_ = nullptr;
};

// The memory of an object that supports the buffer protocol, pinned.
class buffer {
public:
  buffer() = default;
  buffer(const buffer&) = delete;
  buffer& operator=(const buffer&) = delete;
  ~buffer() { reset(); }

  // False with a Python error set. flags as for PyObject_GetBuffer.
  bool acquire(PyObject* object, int flags) {
    held_ = PyObject_GetBuffer(object, &view_, flags) == 0;
    return held_;
  }
  void reset() {
    if (std::exchange(held_, false))
      PyBuffer_Release(&view_);
  }
  const std::uint8_t* data() const { return static_cast<const std::uint8_t*>(view_.buf); }
  std::size_t size() const { return static_cast<std::size_t>(view_.len); }
  Py_buffer& view() { return view_; }

private:
  Py_buffer view_{};
  bool held_ = false;
};

// Runs body with the GIL released. Body touches no Python object.
template <class Body>
auto without_gil(Body body) {
  PyThreadState* state = PyEval_SaveThread();
  auto value = body();
  PyEval_RestoreThread(state);
  return value;
}

// A function of a slot or method table, whatever its signature.
template <class Function>
void* slot(Function* function) {
  return reinterpret_cast<void*>(function);
}
template <class Function>
PyCFunction method(Function* function) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(function));
}

} // namespace mycelium::python
