// Queue: what an event loop reads. mycelium_native.aio builds streams and awaitable requests on it.
#include "message.hpp"
#include "outgoing.hpp"
#include "runtime.hpp"
#include "subscription.hpp"

#include <array>

namespace mycelium::python {
namespace {

PyTypeObject* queue_type = nullptr;

struct queue {
  PyObject_HEAD PyObject* owner; // the Runtime
  std::uint64_t id;
  bool ended;  // nothing more will come
  bool closed; // by close()
};

queue* self_of(PyObject* object) { return reinterpret_cast<queue*>(object); }

runtime* runtime_of(queue* self) { return reinterpret_cast<runtime*>(self->owner); }

int traverse(PyObject* object, visitproc visit, void* arg) {
  Py_VISIT(reinterpret_cast<PyObject*>(Py_TYPE(object)));
  Py_VISIT(self_of(object)->owner);
  return 0;
}

int clear(PyObject*) { return 0; } // the Runtime breaks cycles

void deallocate(PyObject* object) {
  PyTypeObject* type = Py_TYPE(object);
  PyObject_GC_UnTrack(object);
  queue* self = self_of(object);
  if (!self->closed) {
    mycelium_queue_close(runtime_of(self)->handle, self->id);
    forget_queue(runtime_of(self), self->id);
  }
  Py_CLEAR(self->owner);
  PyObject_GC_Del(object);
  Py_DECREF(reinterpret_cast<PyObject*>(type));
}

PyObject* create(PyTypeObject* type, PyObject* args, PyObject*) {
  PyObject* owner = nullptr;
  if (!PyArg_ParseTuple(args, "O!:Queue", runtime_type, &owner))
    return nullptr;
  runtime* bus = open_runtime(owner);
  if (!bus)
    return nullptr;
  std::uint64_t id = 0;
  const std::int32_t status = without_gil([&] { return mycelium_queue_open(bus->handle, &id); });
  if (status < 0)
    return raise(status);
  queue* self = PyObject_GC_New(queue, type);
  if (!self) {
    mycelium_queue_close(bus->handle, id);
    return nullptr;
  }
  self->owner = ref::share(owner).release();
  self->id = id;
  self->ended = self->closed = false;
  PyObject_GC_Track(reinterpret_cast<PyObject*>(self));
  return reinterpret_cast<PyObject*>(self);
}

// Takes what is there, without waiting; each delivery goes to take, which owns its message.
template <class Take>
PyObject* receive_all(queue* self, Py_ssize_t limit, Take take) {
  std::array<MyceliumDelivery, 256> taken;
  ref list(PyList_New(0));
  if (!list)
    return nullptr;
  for (Py_ssize_t left = limit; left > 0 && !self->ended;) {
    const std::size_t most = std::min(taken.size(), static_cast<std::size_t>(left));
    std::size_t count = 0;
    const std::int32_t status = without_gil(
        [&] { return mycelium_queue_receive(runtime_of(self)->handle, self->id, taken.data(), most, 0, &count); });
    for (std::size_t i = 0; i < count; ++i)
      take(taken[i], list.get());
    left -= static_cast<Py_ssize_t>(count);
    self->ended = self->ended || (status < 0 && status != MYCELIUM_ERROR_TIMEOUT);
    if (count < most)
      break;
  }
  return list.release();
}

bool read_limit(PyObject* args, Py_ssize_t& limit) {
  limit = 256;
  return PyArg_ParseTuple(args, "|n:receive", &limit) != 0;
}

PyObject* receive(PyObject* object, PyObject* args) {
  queue* self = self_of(object);
  Py_ssize_t limit = 0;
  if (!read_limit(args, limit))
    return nullptr;
  return receive_all(self, limit, [self](MyceliumDelivery& delivery, PyObject* list) {
    auto* from = static_cast<subscription*>(delivery.user_data);
    if (delivery.kind == MYCELIUM_DELIVERY_COMPLETE) {
      forget(from);
      self->ended = true;
      return;
    }
    if (from->closed) {
      mycelium_message_release(delivery.message);
      return;
    }
    ref value(take_value(from, delivery.message));
    if (!value || PyList_Append(list, value.get()) < 0)
      report_callback(from);
  });
}

// [(request id, status, Message or None)]
PyObject* receive_replies(PyObject* object, PyObject* args) {
  Py_ssize_t limit = 0;
  if (!read_limit(args, limit))
    return nullptr;
  return receive_all(self_of(object), limit, [](MyceliumDelivery& delivery, PyObject* list) {
    ref message(delivery.message ? new_message(delivery.message) : ref::share(Py_None).release());
    ref entry(message ? Py_BuildValue("(KiO)", static_cast<unsigned long long>(delivery.id),
                                      static_cast<int>(delivery.status), message.get())
                      : nullptr);
    if (!entry || PyList_Append(list, entry.get()) < 0)
      report(Py_None);
  });
}

// request(message, timeout) -> request id
PyObject* request_async(PyObject* object, PyObject* args) {
  queue* self = self_of(object);
  PyObject *message = nullptr, *seconds = nullptr;
  MyceliumRequestOptions options{};
  options.struct_size = sizeof options;
  options.queue_id = self->id;
  outgoing out;
  if (!PyArg_ParseTuple(args, "OO:request", &message, &seconds) || !open_runtime(self->owner) ||
      !read_timeout(seconds, options.timeout_ns) || !out.prepare(message))
    return nullptr;
  options.timeout_ns = std::max<std::int64_t>(options.timeout_ns, 1);
  std::uint64_t id = 0;
  const std::int32_t status = without_gil([&] {
    return mycelium_request_async(runtime_of(self)->handle, out.type_id(), out.bytes().data(), out.bytes().size(),
                                  &options, &id);
  });
  if (status < 0)
    return raise(status);
  return PyLong_FromUnsignedLongLong(id);
}

PyObject* cancel(PyObject* object, PyObject* number) {
  const std::uint64_t id = PyLong_AsUnsignedLongLong(number);
  if (PyErr_Occurred())
    return nullptr;
  const std::int32_t status =
      without_gil([&] { return mycelium_request_cancel(runtime_of(self_of(object))->handle, id); });
  return PyBool_FromLong(status >= 0);
}

PyObject* file_number(PyObject* object, PyObject*) {
  queue* self = self_of(object);
  int descriptor = -1;
  if (const std::int32_t status = mycelium_queue_fd(runtime_of(self)->handle, self->id, &descriptor); status < 0)
    return raise(status);
  return PyLong_FromLong(descriptor);
}

PyObject* close(PyObject* object, PyObject*) {
  queue* self = self_of(object);
  self->ended = true;
  if (!std::exchange(self->closed, true)) {
    without_gil([&] { return mycelium_queue_close(runtime_of(self)->handle, self->id); });
    forget_queue(runtime_of(self), self->id);
  }
  return ref::share(Py_None).release();
}

PyObject* get_id(PyObject* object, void*) { return PyLong_FromUnsignedLongLong(self_of(object)->id); }
PyObject* get_ended(PyObject* object, void*) { return PyBool_FromLong(self_of(object)->ended); }

PyGetSetDef properties[] = {{"id", get_id, nullptr, nullptr, nullptr},
                            {"ended", get_ended, nullptr, "True when nothing more will come.", nullptr},
                            {nullptr, nullptr, nullptr, nullptr, nullptr}};

PyMethodDef methods[] = {
    {"receive", receive, METH_VARARGS, "receive(limit=256): what the subscriptions have received, without waiting."},
    {"receive_replies", receive_replies, METH_VARARGS,
     "receive_replies(limit=256): [(request id, status, Message or None)]."},
    {"request", request_async, METH_VARARGS, "request(message, timeout): sends a request, returns its id."},
    {"cancel", cancel, METH_O, "cancel(request id): False if its outcome is already here."},
    {"fileno", file_number, METH_NOARGS, "Readable while there may be something to receive."},
    {"close", close, METH_NOARGS, "Ends its subscriptions and closes its file descriptor."},
    {nullptr, nullptr, 0, nullptr}};

} // namespace

bool add_queue(PyObject* module) {
  static PyType_Slot slots[] = {
      {Py_tp_new, slot(create)},
      {Py_tp_dealloc, slot(deallocate)},
      {Py_tp_traverse, slot(traverse)},
      {Py_tp_clear, slot(clear)},
      {Py_tp_getset, properties},
      {Py_tp_methods, methods},
      {Py_tp_doc, const_cast<char*>("Queue(runtime): messages and replies for an event loop.")},
      {0, nullptr}};
  static PyType_Spec spec = {"mycelium_native._native.Queue", sizeof(queue), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
                             slots};
  queue_type = reinterpret_cast<PyTypeObject*>(PyType_FromModuleAndSpec(module, &spec, nullptr));
  return queue_type && PyModule_AddType(module, queue_type) == 0;
}

} // namespace mycelium::python
