// The extension's Runtime: one MyceliumRuntime, and the queue from which its dispatcher thread serves every Python
// callback. Fields are guarded by the GIL unless they say otherwise.
#pragma once

#include "blocking.hpp"
#include "errors.hpp"
#include "log.hpp"
#include "python.hpp"

#include "mycelium.h"
#include "mycelium_bridge.h"

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <sys/types.h>

namespace mycelium::python {

// Tells waiting threads that the dispatcher has returned from a callback.
struct turnstile {
  std::mutex mutex;
  std::condition_variable passed;
  std::uint64_t turns = 0; // guarded by mutex
};

struct runtime {
  PyObject_HEAD MyceliumRuntime* handle;
  pid_t process;
  bool closed;
  std::uint64_t queue;      // of the dispatcher; 0 until the first subscription
  unsigned long dispatcher; // the thread that runs callbacks; 0: none
  PyObject* subscriptions;  // set: those that the dispatcher or a queue of ours may still deliver to
  std::uint64_t callback_errors;
  int waiters; // threads at the turnstile
  turnstile* gate;
  log_lines* log; // outlives a runtime that could not be ended: the bus may still speak
};

extern PyTypeObject* runtime_type;
bool add_runtime(PyObject* module);

// The runtime behind an object, ready for calls. NULL with an error if it is closed or was not initialised.
runtime* open_runtime(PyObject* object);
inline PyObject* object_of(runtime* self) { return reinterpret_cast<PyObject*>(self); }

// Methods by file. runtime_options.cpp:
MyceliumRuntime* create_runtime(PyObject* args, PyObject* keywords, log_lines* log, PyObject** digest);
bool check_digest(MyceliumRuntime* handle, PyObject* digest);
// "block", "drop_oldest", ...; NULL and None are the default.
bool read_policy(PyObject* name, std::int32_t& policy);
bool read_seconds(PyObject* value, const char* name, std::int64_t& nanoseconds);

// publish.cpp:
PyObject* publish(runtime* self, PyObject* const* args, Py_ssize_t count, PyObject* names);
PyObject* publish_bytes(runtime* self, PyObject* const* args, Py_ssize_t count, PyObject* names);
PyObject* publish_many(runtime* self, PyObject* messages);
PyObject* reply(runtime* self, PyObject* const* args, Py_ssize_t count);

// request.cpp:
PyObject* request(runtime* self, PyObject* args, PyObject* keywords);
// True if replies can become cls: a class with a TYPE_ID, a type_id, or None.
bool check_reply_class(PyObject* cls);
// A reply as cls, or as a Message; takes it, also when it fails.
PyObject* take_reply(MyceliumMessage* reply, PyObject* cls);

// oversight.cpp:
PyObject* new_oversight(runtime* self, PyObject* args, PyObject* keywords);
bool add_oversight(PyObject* module);

// runtime_control.cpp:
extern PyMethodDef control_methods[];
bool add_statistics(PyObject* module);

// bridge.cpp:
extern PyMethodDef bridge_methods[];
bool add_bridge_statistics(PyObject* module);

} // namespace mycelium::python
