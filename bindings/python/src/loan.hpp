// Loaned memory: payloads that Python builds where the bus delivers them from.
#pragma once

#include "python.hpp"
#include "runtime.hpp"

namespace mycelium::python {

bool add_loan(PyObject* module);
// Runtime.loan(size) -> Loan
PyObject* lend(runtime* self, PyObject* size);

} // namespace mycelium::python
