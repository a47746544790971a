// The thread that runs callbacks.
#pragma once

#include "python.hpp"
#include "runtime.hpp"

namespace mycelium::python {

// Runtime._open_dispatcher(): opens its queue. Runtime._dispatch(ready): calls ready and serves the queue on this
// thread until the runtime closes.
PyObject* open_dispatcher(runtime* self, PyObject*);
PyObject* dispatch(runtime* self, PyObject* ready);
// Waits until the dispatcher is not inside the callback that running tells of. False with an error set by a signal
// handler.
bool wait_for_callback(runtime* self, const bool& running);
// True on a thread that is inside dispatch().
bool serves_callbacks();

} // namespace mycelium::python
