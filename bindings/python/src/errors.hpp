// Statuses of the C interface as Python exceptions.
#pragma once

#include "python.hpp"

#include "mycelium.h"

#include <cstdint>

namespace mycelium::python {

bool add_errors(PyObject* module);

// Sets the exception of a status with the text of this thread's last failed call. Always NULL.
PyObject* raise(std::int32_t status);
// The same with a text of its own; an empty one becomes the text that every status has.
PyObject* raise(std::int32_t status, const char* text);
// "runtime closed"
PyObject* raise_closed();
// The interpreter ends: this thread closes what is open. Other threads whose calls fail from now on are daemons that
// nobody waits for; they are parked, as Python itself parks them a moment later, instead of printing an error.
void begin_exit();
// From any thread, without the GIL.
bool exit_has_begun();
// True if the current exception only says that the interpreter ends.
bool is_caused_by_exit();

// A line for logging.getLogger("mycelium"). Leaves no exception.
void log(MyceliumLogLevel level, const char* text);
// Hands the current exception to logging.getLogger("mycelium"), saying where it happened. Never fails.
void report(PyObject* where);

} // namespace mycelium::python
