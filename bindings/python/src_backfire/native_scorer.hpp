// A scorer that needs no interpreter.
#pragma once

#include "native.hpp"

namespace mycelium::backfire {

struct native_scorer {
  // The score of a text; NaN where there is none. Called without the GIL.
  double (*score)(const char* text, std::size_t length, void* user_data);
  void* user_data;
};

// True and the scorer, if object is one.
bool native_scorer_of(PyObject* object, native_scorer& out);
bool bound_scorer_of(PyObject* object, native_scorer& out);

} // namespace mycelium::backfire
