// The Runtime type: its life and its table of methods.
#include "runtime.hpp"

#include "dispatcher.hpp"
#include "loan.hpp"
#include "subscription.hpp"

#include <unistd.h>

namespace mycelium::python {

PyTypeObject* runtime_type = nullptr;

namespace {

runtime* self_of(PyObject* object) { return reinterpret_cast<runtime*>(object); }

int traverse(PyObject* object, visitproc visit, void* arg) {
  Py_VISIT(reinterpret_cast<PyObject*>(Py_TYPE(object)));
  Py_VISIT(self_of(object)->subscriptions);
  return 0;
}

int clear(PyObject* object) {
  Py_CLEAR(self_of(object)->subscriptions);
  return 0;
}

// A child of fork has none of the runtime's threads: there it is left alone.
void destroy(runtime* self) {
  MyceliumRuntime* handle = std::exchange(self->handle, nullptr);
  if (!handle || self->process != getpid())
    return;
  const bool ended = without_gil([handle] {
    const bool closed = mycelium_runtime_close(handle, 5'000'000'000) == MYCELIUM_SUCCESS;
    mycelium_runtime_destroy(handle);
    return closed;
  });
  self->log->pass_on();
  if (ended)
    delete std::exchange(self->log, nullptr);
}

// A runtime that has a dispatcher is kept alive by it, so this one has none, or it has ended.
void deallocate(PyObject* object) {
  PyTypeObject* type = Py_TYPE(object);
  PyObject_GC_UnTrack(object);
  runtime* self = self_of(object);
  destroy(self);
  clear(object);
  delete self->gate;
  reinterpret_cast<freefunc>(PyType_GetSlot(type, Py_tp_free))(object);
  Py_DECREF(reinterpret_cast<PyObject*>(type));
}

PyObject* create(PyTypeObject* type, PyObject*, PyObject*) {
  PyObject* object = reinterpret_cast<allocfunc>(PyType_GetSlot(type, Py_tp_alloc))(type, 0);
  if (!object)
    return nullptr;
  runtime* self = self_of(object);
  self->gate = new turnstile;
  self->log = new log_lines;
  self->subscriptions = PySet_New(nullptr);
  if (self->subscriptions)
    return object;
  Py_DECREF(object);
  return nullptr;
}

int initialise(PyObject* object, PyObject* args, PyObject* keywords) {
  runtime* self = self_of(object);
  if (self->handle) {
    PyErr_SetString(PyExc_RuntimeError, "the runtime was initialised before");
    return -1;
  }
  PyObject* digest = nullptr;
  self->handle = create_runtime(args, keywords, self->log, &digest);
  self->process = getpid();
  if (!self->handle) {
    delete std::exchange(self->log, new log_lines);
    return -1;
  }
  if (digest && !check_digest(self->handle, digest)) {
    PyObject *kind = nullptr, *value = nullptr, *trace = nullptr;
    PyErr_Fetch(&kind, &value, &trace);
    destroy(self);
    PyErr_Restore(kind, value, trace);
    return -1;
  }
  return 0;
}

// close(timeout_ns or None): stops accepting and delivers what was accepted.
PyObject* close(PyObject* object, PyObject* args) {
  runtime* self = self_of(object);
  PyObject* seconds = nullptr;
  std::int64_t timeout_ns = 0;
  if (!PyArg_ParseTuple(args, "O:_close", &seconds) || !read_timeout(seconds, timeout_ns))
    return nullptr;
  if (!self->handle)
    return raise_closed();
  if (self->dispatcher == PyThread_get_thread_ident()) {
    PyErr_SetString(PyExc_RuntimeError, "close() waits for callbacks and cannot be called in one");
    return nullptr;
  }
  MyceliumRuntime* handle = self->handle;
  const ref keep = ref::share(object);
  self->closed = true;
  const outcome result = wait_aside([handle, timeout_ns] { return mycelium_runtime_close(handle, timeout_ns); });
  self->log->pass_on();
  if (result.status == interrupted)
    return nullptr;
  return result.status < 0 ? raise(result.status, result.text.c_str()) : ref::share(Py_None).release();
}

PyObject* get_closed(PyObject* object, void*) {
  return PyBool_FromLong(self_of(object)->closed || !self_of(object)->handle);
}

PyObject* get_handle(PyObject* object, void*) {
  runtime* self = open_runtime(object);
  return self ? PyLong_FromVoidPtr(self->handle) : nullptr;
}

PyGetSetDef properties[] = {{"closed", get_closed, nullptr, "True once close() was called.", nullptr},
                            {"handle", get_handle, nullptr,
                             "The MyceliumRuntime* as an int, for native code in this process that shares the runtime.",
                             nullptr},
                            {nullptr, nullptr, nullptr, nullptr, nullptr}};

PyMethodDef methods[] = {
    {"publish", method(publish), METH_FASTCALL | METH_KEYWORDS,
     "publish(message, *, correlation_id=0, priority=0, destination=None, key=None, trace=None)\n\nDelivers a message "
     "to every "
     "subscription of its type; none is no error. destination: only that Subscription (or id). key: one subscription, "
     "the "
     "same for the same number. trace: a W3C traceparent."},
    {"publish_bytes", method(publish_bytes), METH_FASTCALL | METH_KEYWORDS,
     "publish_bytes(type_id, data, *, ...): publishes a buffer as it is; keywords as in publish."},
    {"publish_many", method(publish_many), METH_O,
     "publish_many(messages) -> int\n\nPublishes the messages of an iterable in order, many at a time. An exception "
     "says in "
     "its attribute published how many were published before it."},
    {"reply", method(reply), METH_FASTCALL,
     "reply(request, message): answers a Message whose is_request is True, once."},
    {"request", method(request), METH_VARARGS | METH_KEYWORDS,
     "request(message, reply_cls, timeout=5.0)\n\nSends a request and waits for the first reply. reply_cls: a "
     "generated "
     "class, or None for a Message. TimedOutError, NoReplyError."},
    {"loan", method(lend), METH_O, "loan(size) -> Loan: memory to build a payload in, published without a copy."},
    {"_oversight", method(new_oversight), METH_VARARGS | METH_KEYWORDS, nullptr},
    {"_subscribe", method(subscribe), METH_VARARGS | METH_KEYWORDS, nullptr},
    {"_open_dispatcher", method(open_dispatcher), METH_NOARGS, nullptr},
    {"_dispatch", method(dispatch), METH_O, nullptr},
    {"_close", close, METH_VARARGS, nullptr},
    {nullptr, nullptr, 0, nullptr}};

// The type's methods stand in several files.
std::vector<PyMethodDef>& all_methods() {
  static auto& all = *new std::vector<PyMethodDef>;
  for (const PyMethodDef* of_file : {methods, control_methods, bridge_methods})
    for (const PyMethodDef* each = of_file; each->ml_name; ++each)
      all.push_back(*each);
  all.push_back({nullptr, nullptr, 0, nullptr});
  return all;
}

} // namespace

runtime* open_runtime(PyObject* object) {
  runtime* self = self_of(object);
  if (self->handle && !self->closed)
    return self;
  if (self->handle && self->process != getpid())
    raise(MYCELIUM_ERROR_FORKED, "");
  else
    raise_closed();
  return nullptr;
}

bool add_runtime(PyObject* module) {
  static PyType_Slot slots[] = {{Py_tp_new, slot(create)},
                                {Py_tp_init, slot(initialise)},
                                {Py_tp_dealloc, slot(deallocate)},
                                {Py_tp_traverse, slot(traverse)},
                                {Py_tp_clear, slot(clear)},
                                {Py_tp_getset, properties},
                                {Py_tp_methods, all_methods().data()},
                                {0, nullptr}};
  static PyType_Spec spec = {"mycelium_native._native.Runtime", sizeof(runtime), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE, slots};
  runtime_type = reinterpret_cast<PyTypeObject*>(PyType_FromModuleAndSpec(module, &spec, nullptr));
  return runtime_type && PyModule_AddType(module, runtime_type) == 0;
}

} // namespace mycelium::python
