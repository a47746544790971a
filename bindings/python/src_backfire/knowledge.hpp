// Texts of Python for the library, and the Knowledge type.
#pragma once

#include "native.hpp"

#include <algorithm>

namespace mycelium::backfire {

// The UTF-8 of a str, as long as both live.
class utf8 {
public:
  // TypeError for what is no str.
  bool read(PyObject* text, const char* name) {
    if (PyUnicode_Check(text))
      return (data_ = utf8_of(text, size_, held_)) != nullptr;
    ref type(PyObject_GetAttrString(reinterpret_cast<PyObject*>(Py_TYPE(text)), "__name__"));
    if (type)
      PyErr_Format(PyExc_TypeError, "%s must be a str, is a %S", name, type.get());
    return false;
  }
  const char* data() const { return data_; }
  std::size_t size() const { return static_cast<std::size_t>(size_); }

private:
  const char* data_ = nullptr;
  Py_ssize_t size_ = 0;
  ref held_;
};

// True and the handle, if object is a Knowledge.
bool knowledge_of(PyObject* object, BackfireKnowledge*& out);

} // namespace mycelium::backfire
