// Values on their way into memory: the elements of vectors and arrays, structs, and errors that name their field.
#pragma once

#include "codec.hpp"

namespace mycelium::python {

// Adds "Class.field: " to the current exception, once: the innermost field is named. Overflow and text errors become
// ValueError. Always false.
bool located(const plan& layout, const field& where);
// Sets a TypeError "expected what, not <class of value>". Always false.
bool expected(const char* what, PyObject* value);
// True if value is an instance of the plan's class; else a TypeError is set.
bool check_class(const plan& layout, PyObject* value);
// The items of an iterable as a tuple, so that Python code cannot change them meanwhile; none for None.
ref items_of(PyObject* value);
// Writes a struct, padding zeroed.
bool write_struct(const plan& layout, PyObject* value, std::uint8_t* out);

// The elements of a vector or array: from a buffer of just this type at once, else one by one.
class scalar_items {
public:
  explicit scalar_items(const field& of) : of_(of) {}
  bool read(PyObject* value);
  std::size_t count() const { return count_; }
  bool write(std::uint8_t* out);

private:
  const field& of_;
  buffer buffer_;
  ref items_;
  std::size_t count_ = 0;
};

} // namespace mycelium::python
