#include "subscription.hpp"

#include "dispatcher.hpp"
#include "errors.hpp"
#include "message.hpp"

#include <memory>

namespace mycelium::python {
namespace {

PyTypeObject* subscription_type = nullptr;

subscription* self_of(PyObject* object) { return reinterpret_cast<subscription*>(object); }

int traverse(PyObject* object, visitproc visit, void* arg) {
  subscription* self = self_of(object);
  Py_VISIT(reinterpret_cast<PyObject*>(Py_TYPE(object)));
  Py_VISIT(self->owner);
  Py_VISIT(self->cls);
  Py_VISIT(self->callback);
  return 0;
}

int clear(PyObject* object) {
  subscription* self = self_of(object);
  Py_CLEAR(self->owner);
  Py_CLEAR(self->cls);
  Py_CLEAR(self->callback);
  return 0;
}

void deallocate(PyObject* object) {
  PyTypeObject* type = Py_TYPE(object);
  PyObject_GC_UnTrack(object);
  clear(object);
  Py_CLEAR(self_of(object)->name);
  PyObject_GC_Del(object);
  Py_DECREF(reinterpret_cast<PyObject*>(type));
}

PyObject* close(PyObject* object, PyObject*) {
  subscription* self = self_of(object);
  runtime* bus = runtime_of(self);
  if (bus && !std::exchange(self->closed, true)) {
    const std::int32_t status = without_gil([&] { return mycelium_unsubscribe(bus->handle, self->id); });
    if (status == MYCELIUM_ERROR_FORKED)
      return raise(status);
  }
  // The dispatcher may hold messages that it has taken before; it looks at closed before each callback.
  if (bus && !wait_for_callback(bus, self->running))
    return nullptr;
  return ref::share(Py_None).release();
}

PyObject* enter(PyObject* object, PyObject*) { return ref::share(object).release(); }

PyObject* exit(PyObject* object, PyObject*) {
  ref done(close(object, nullptr));
  return done ? PyBool_FromLong(0) : nullptr;
}

PyObject* get_id(PyObject* object, void*) { return PyLong_FromUnsignedLongLong(self_of(object)->id); }
PyObject* get_type_id(PyObject* object, void*) { return PyLong_FromLong(self_of(object)->type_id); }
PyObject* get_name(PyObject* object, void*) { return ref::share(self_of(object)->name).release(); }
PyObject* get_closed(PyObject* object, void*) { return PyBool_FromLong(self_of(object)->closed); }

PyObject* get_stats(PyObject* object, void*) {
  subscription* self = self_of(object);
  runtime* bus = open_runtime(self->owner);
  return bus ? subscription_statistics(bus, self->id, self->callback_errors) : nullptr;
}

PyObject* represent(PyObject* object) {
  subscription* self = self_of(object);
  return PyUnicode_FromFormat("<mycelium_native.Subscription %U of type_id %d%s>", self->name,
                              static_cast<int>(self->type_id), self->closed ? ", closed" : "");
}

PyGetSetDef properties[] = {
    {"id", get_id, nullptr, "Unique in its runtime and never reused.", nullptr},
    {"type_id", get_type_id, nullptr, "What it subscribes to.", nullptr},
    {"name", get_name, nullptr, "Shown in metrics and logs.", nullptr},
    {"closed", get_closed, nullptr, "True once close() was called or the runtime has ended it.", nullptr},
    {"stats", get_stats, nullptr, "Its counters, as SubscriptionStats.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

PyMethodDef methods[] = {
    {"close", close, METH_NOARGS,
     "Ends the subscription. When it returns, no callback of it runs or will run, unless it was called in that "
     "callback: "
     "then it ends when the callback returns. Messages that still wait are dropped. May be called again."},
    {"__enter__", enter, METH_NOARGS, nullptr},
    {"__exit__", exit, METH_VARARGS, nullptr},
    {nullptr, nullptr, 0, nullptr}};

struct request_to_subscribe {
  PyObject* what = nullptr;
  PyObject* callback = Py_None;
  PyObject* policy = Py_None;
  PyObject* name = Py_None;
  PyObject* block_timeout = Py_None;
  unsigned long long queue_id = 0;
  unsigned int capacity = 0;
  unsigned int history = 0;
  int batch = 0;
  int with_envelope = 0;
  int serves = 0;
};

bool read_arguments(PyObject* args, PyObject* keywords, request_to_subscribe& out) {
  static const char* names[] = {"what", "callback", "queue_id", "batch",  "policy",        "capacity",
                                "name", "history",  "envelope", "serves", "block_timeout", nullptr};
  if (!PyArg_ParseTupleAndKeywords(args, keywords, "OO|$KpOIOIppO:subscribe", const_cast<char**>(names), &out.what,
                                   &out.callback, &out.queue_id, &out.batch, &out.policy, &out.capacity, &out.name,
                                   &out.history, &out.with_envelope, &out.serves, &out.block_timeout))
    return false;
  if (out.queue_id == 0 && !PyCallable_Check(out.callback)) {
    PyErr_SetString(PyExc_TypeError, "callback must be callable");
    return false;
  }
  if (out.name != Py_None && !PyUnicode_Check(out.name)) {
    PyErr_SetString(PyExc_TypeError, "name must be a str");
    return false;
  }
  return true;
}

// A subscription object that is not yet known to the bus.
subscription* prepare(runtime* bus, const request_to_subscribe& asked) {
  std::uint16_t type_id = 0;
  if (!read_type_id(asked.what, type_id))
    return nullptr;
  const bool raw = PyLong_Check(asked.what) != 0;
  const plan* layout =
      raw || !PyType_Check(asked.what) ? nullptr : plan_of(reinterpret_cast<PyTypeObject*>(asked.what));
  if (PyErr_Occurred())
    return nullptr;
  subscription* self = PyObject_GC_New(subscription, subscription_type);
  if (!self)
    return nullptr;
  self->owner = ref::share(object_of(bus)).release();
  self->cls = raw ? nullptr : ref::share(asked.what).release();
  self->callback = asked.queue_id ? nullptr : ref::share(asked.callback).release();
  self->name = ref::share(asked.name).release();
  self->layout = layout && layout->is_table ? layout : nullptr;
  self->id = 0;
  self->queue_id = asked.queue_id ? asked.queue_id : bus->queue;
  self->callback_errors = 0;
  self->type_id = type_id;
  self->batch = asked.batch;
  self->with_envelope = asked.with_envelope;
  self->serves = asked.serves;
  self->running = self->closed = false;
  PyObject_GC_Track(object_of(self));
  return self;
}

// Deliveries carry the object's address; the runtime's set keeps it alive until the last of them.
bool join(runtime* bus, subscription* self, const request_to_subscribe& asked) {
  MyceliumSubscribeOptions options;
  mycelium_subscribe_options_init(&options);
  options.queue_id = self->queue_id;
  options.capacity = asked.capacity;
  options.history = asked.history;
  options.user_data = self;
  if (asked.name != Py_None)
    options.name = PyUnicode_AsUTF8AndSize(asked.name, nullptr);
  if (PyErr_Occurred() || !read_policy(asked.policy, options.policy) ||
      !read_seconds(asked.block_timeout, "block_timeout", options.block_timeout_ns) ||
      PySet_Add(bus->subscriptions, object_of(self)) < 0)
    return false;
  const std::int32_t status =
      without_gil([&] { return mycelium_subscribe_with_options(bus->handle, self->type_id, &options, &self->id); });
  if (status < 0) {
    forget(self);
    raise(status);
    return false;
  }
  if (asked.name != Py_None)
    return true;
  ref old(
      std::exchange(self->name, PyUnicode_FromFormat("subscription-%llu", static_cast<unsigned long long>(self->id))));
  return self->name != nullptr;
}

} // namespace

PyObject* subscribe(runtime* self, PyObject* args, PyObject* keywords) {
  request_to_subscribe asked;
  if (!open_runtime(object_of(self)) || !read_arguments(args, keywords, asked))
    return nullptr;
  subscription* made = prepare(self, asked);
  ref result(made ? object_of(made) : nullptr);
  if (!made || !join(self, made, asked))
    return nullptr;
  return result.release();
}

bool subscription_id_of(PyObject* object, std::uint64_t& id) {
  const bool is_one = Py_TYPE(object) == subscription_type;
  if (is_one)
    id = self_of(object)->id;
  return is_one;
}

PyObject* take_value(subscription* self, MyceliumMessage* message) {
  ref envelope(self->with_envelope ? new_envelope(message) : nullptr);
  if (self->with_envelope && !envelope) {
    mycelium_message_release(message);
    return nullptr;
  }
  ref value(take_message(message, self->cls, self->layout));
  return value && envelope ? PyTuple_Pack(2, value.get(), envelope.get()) : value.release();
}

void forget(subscription* self) {
  self->closed = true;
  runtime* bus = runtime_of(self);
  if (bus && bus->subscriptions && PySet_Discard(bus->subscriptions, object_of(self)) < 0)
    PyErr_Clear();
}

void forget_queue(runtime* self, std::uint64_t queue_id) {
  ref all(self->subscriptions ? PySequence_Tuple(self->subscriptions) : nullptr);
  for (Py_ssize_t i = 0; all && i < PyTuple_Size(all.get()); ++i) {
    subscription* each = self_of(PyTuple_GetItem(all.get(), i));
    if (each->queue_id == queue_id)
      forget(each);
  }
}

void report_callback(subscription* self) {
  ++self->callback_errors;
  if (runtime* bus = runtime_of(self))
    ++bus->callback_errors;
  if (is_caused_by_exit()) {
    PyErr_Clear();
    return;
  }
  ref where(PyUnicode_FromFormat("callback of %S", self->name));
  report(where ? where.get() : Py_None);
}

bool add_subscription(PyObject* module) {
  static PyType_Slot slots[] = {
      {Py_tp_dealloc, slot(deallocate)},
      {Py_tp_traverse, slot(traverse)},
      {Py_tp_clear, slot(clear)},
      {Py_tp_repr, slot(represent)},
      {Py_tp_getset, properties},
      {Py_tp_methods, methods},
      {Py_tp_doc, const_cast<char*>("What Runtime.subscribe returns. Dropping it does not end the "
                                    "subscription: close() does, or the end of a with block.")},
      {0, nullptr}};
  static PyType_Spec spec = {"mycelium_native.Subscription", sizeof(subscription), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
  subscription_type = reinterpret_cast<PyTypeObject*>(PyType_FromModuleAndSpec(module, &spec, nullptr));
  return subscription_type && PyModule_AddType(module, subscription_type) == 0;
}

} // namespace mycelium::python
