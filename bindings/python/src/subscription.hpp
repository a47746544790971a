// A subscription of Python code: to a callback that the dispatcher runs, or to a queue that an event loop reads.
#pragma once

#include "codec_plan.hpp"
#include "python.hpp"
#include "runtime.hpp"

#include "mycelium.h"

#include <cstdint>

namespace mycelium::python {

struct subscription {
  PyObject_HEAD PyObject* owner; // the Runtime
  PyObject* cls;                 // what payloads are decoded to; NULL: Messages as they are
  PyObject* callback;            // NULL: read from a queue
  PyObject* name;
  const plan* layout;
  std::uint64_t id;
  std::uint64_t queue_id; // where its deliveries wait
  std::uint64_t callback_errors;
  std::uint16_t type_id;
  bool batch;
  bool with_envelope;
  bool serves;
  bool running; // the dispatcher is inside callback
  bool closed;
};

bool add_subscription(PyObject* module);
inline PyObject* object_of(subscription* self) { return reinterpret_cast<PyObject*>(self); }
inline runtime* runtime_of(subscription* self) { return reinterpret_cast<runtime*>(self->owner); }

// Runtime._subscribe(what, callback, *, queue_id, batch, policy, capacity, name, history, envelope, serves,
// block_timeout): what is a class or a type_id.
PyObject* subscribe(runtime* self, PyObject* args, PyObject* keywords);
// False if object is no Subscription.
bool subscription_id_of(PyObject* object, std::uint64_t& id);
// What a callback or a reader of a queue gets for one delivery; takes its message. NULL with an error.
PyObject* take_value(subscription* self, MyceliumMessage* message);
// runtime_control.cpp: the counters of one subscription.
PyObject* subscription_statistics(runtime* self, std::uint64_t id, std::uint64_t callback_errors);
// Ends it on this side: nothing more is delivered. Its runtime forgets it.
void forget(subscription* self);
// The same for every subscription of a queue that is closed.
void forget_queue(runtime* self, std::uint64_t queue_id);
// Logs the current exception and counts it.
void report_callback(subscription* self);

} // namespace mycelium::python
