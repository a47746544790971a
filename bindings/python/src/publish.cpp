// Publishing: one message, bytes, many messages, and replies.
#include "message.hpp"
#include "outgoing.hpp"
#include "runtime.hpp"
#include "subscription.hpp"

#include <cstring>
#include <unistd.h>
#include <utility>
#include <vector>

namespace mycelium::python {
namespace {

bool read_number(PyObject* value, const char* name, std::uint64_t high, std::uint64_t& out) {
  out = PyLong_Check(value) ? PyLong_AsUnsignedLongLong(value) : 0;
  if (PyLong_Check(value) && !PyErr_Occurred() && out <= high)
    return true;
  PyErr_Clear();
  PyErr_Format(PyExc_ValueError, "%s is a number from 0 to %llu", name, static_cast<unsigned long long>(high));
  return false;
}

// One keyword of publish(): a field of the envelope.
bool read_envelope_field(PyObject* name, PyObject* value, MyceliumEnvelope& out) {
  auto is = [&](const char* wanted) { return PyUnicode_CompareWithASCIIString(name, wanted) == 0; };
  std::uint64_t number = 0;
  if (is("correlation_id"))
    return read_number(value, "correlation_id", UINT64_MAX, out.correlation_id);
  if (is("priority")) {
    if (!read_number(value, "priority", 255, number))
      return false;
    out.priority = static_cast<std::uint8_t>(number);
    return true;
  }
  if (is("trace"))
    return value == Py_None || read_trace(value, out);
  if (!is("destination") && !is("key")) {
    PyErr_Format(PyExc_TypeError,
                 "unexpected keyword %R: correlation_id, priority, destination, key and trace are known", name);
    return false;
  }
  if (value == Py_None)
    return true;
  if (out.destination != MYCELIUM_TO_ALL) {
    PyErr_SetString(PyExc_ValueError, "give a destination or a key, not both");
    return false;
  }
  out.destination = is("key") ? MYCELIUM_TO_KEY : MYCELIUM_TO_SUBSCRIPTION;
  if (out.destination == MYCELIUM_TO_SUBSCRIPTION && subscription_id_of(value, out.destination_key))
    return true;
  return read_number(value, is("key") ? "key" : "destination, a Subscription or its id,", UINT64_MAX,
                     out.destination_key);
}

std::int32_t a_signal_handler_raised(void*) {
  const PyGILState_STATE state = PyGILState_Ensure();
  const bool raised = PyErr_CheckSignals() < 0;
  PyGILState_Release(state);
  return raised ? 1 : 0;
}

// Python's signal handlers run on the main thread, and while it waits for room in a mailbox only if asked to.
void let_signals_interrupt() {
  static thread_local bool done = false;
  if (std::exchange(done, true) || gettid() != getpid())
    return;
  mycelium_thread_interrupt_check(a_signal_handler_raised, nullptr);
}

// Ctrl-C during the wait for room takes effect now, whatever became of the message.
PyObject* failed(std::int32_t status) { return PyErr_Occurred() || PyErr_CheckSignals() < 0 ? nullptr : raise(status); }

// Publishes with the GIL released: it may wait for room in a mailbox whose reader needs the GIL.
PyObject* send(runtime* self, std::uint16_t type_id, std::span<const std::uint8_t> bytes, PyObject* const* values,
               PyObject* names) {
  let_signals_interrupt();
  std::int32_t status = 0;
  if (!names || PyTuple_Size(names) == 0) {
    status = without_gil([&] { return mycelium_publish(self->handle, type_id, bytes.data(), bytes.size()); });
  } else {
    MyceliumEnvelope envelope{};
    envelope.struct_size = sizeof envelope;
    envelope.type_id = type_id;
    for (Py_ssize_t i = 0; i < PyTuple_Size(names); ++i) {
      if (!read_envelope_field(PyTuple_GetItem(names, i), values[i], envelope))
        return nullptr;
    }
    status =
        without_gil([&] { return mycelium_publish_envelope(self->handle, &envelope, bytes.data(), bytes.size()); });
  }
  if (status < 0)
    return failed(status);
  return ref::share(Py_None).release();
}

// Encoded messages, gathered until they are worth a call.
class batch {
public:
  explicit batch(runtime* self) : self_(self) {}

  bool full() const { return places_.size() == 512 || bytes_.size() > 256 * 1024; }
  void add(std::uint16_t type_id, std::span<const std::uint8_t> message) {
    places_.push_back({type_id, bytes_.size(), message.size()});
    bytes_.insert(bytes_.end(), message.begin(), message.end());
  }

  // The number of messages published grows by those accepted. False with an error.
  bool publish(std::size_t& published) {
    let_signals_interrupt();
    payloads_.clear();
    for (const place& p : places_)
      payloads_.push_back({p.type_id, bytes_.data() + p.offset, p.size});
    std::size_t accepted = 0;
    const std::int32_t status = without_gil(
        [&] { return mycelium_publish_batch(self_->handle, payloads_.data(), payloads_.size(), &accepted); });
    published += accepted;
    places_.clear();
    bytes_.clear();
    if (status < 0)
      failed(status);
    return status >= 0;
  }

private:
  struct place {
    std::uint16_t type_id;
    std::size_t offset;
    std::size_t size;
  };
  runtime* self_;
  std::vector<place> places_;
  std::vector<std::uint8_t> bytes_;
  std::vector<MyceliumPayload> payloads_;
};

// Publishes what can be had from the iterator; on an error, what was encoded before it is published.
bool publish_all(runtime* self, PyObject* iterator, std::size_t& published) {
  batch pending(self);
  outgoing out;
  while (ref message{PyIter_Next(iterator)}) {
    if (!out.prepare(message.get()))
      break;
    pending.add(out.type_id(), out.bytes());
    if (pending.full() && !pending.publish(published))
      return false;
  }
  if (!PyErr_Occurred())
    return pending.publish(published);
  PyObject *type = nullptr, *value = nullptr, *trace = nullptr;
  PyErr_Fetch(&type, &value, &trace);
  if (!pending.publish(published))
    PyErr_Clear(); // the first error is the one to tell
  PyErr_Restore(type, value, trace);
  return false;
}

// The exception of publish_many says how many messages were published before it.
void tell_published(std::size_t published) {
  PyObject *type = nullptr, *value = nullptr, *trace = nullptr;
  PyErr_Fetch(&type, &value, &trace);
  PyErr_NormalizeException(&type, &value, &trace);
  ref count(PyLong_FromSize_t(published));
  if (!count || PyObject_SetAttrString(value, "published", count.get()) < 0)
    PyErr_Clear();
  PyErr_Restore(type, value, trace);
}

} // namespace

PyObject* publish(runtime* self, PyObject* const* args, Py_ssize_t count, PyObject* names) {
  if (count != 1) {
    PyErr_SetString(PyExc_TypeError, "publish(message, *, correlation_id, priority, destination, key, trace)");
    return nullptr;
  }
  outgoing out;
  if (!open_runtime(object_of(self)) || !out.prepare(args[0]))
    return nullptr;
  return send(self, out.type_id(), out.bytes(), args + count, names);
}

PyObject* publish_bytes(runtime* self, PyObject* const* args, Py_ssize_t count, PyObject* names) {
  std::uint16_t type_id = 0;
  buffer data;
  if (count != 2) {
    PyErr_SetString(PyExc_TypeError,
                    "publish_bytes(type_id, data, *, correlation_id, priority, destination, key, trace)");
    return nullptr;
  }
  if (!open_runtime(object_of(self)) || !read_type_id(args[0], type_id) || !data.acquire(args[1], PyBUF_SIMPLE))
    return nullptr;
  return send(self, type_id, {data.data(), data.size()}, args + count, names);
}

PyObject* publish_many(runtime* self, PyObject* messages) {
  std::size_t published = 0;
  ref iterator(open_runtime(object_of(self)) ? PyObject_GetIter(messages) : nullptr);
  if (!iterator)
    return nullptr;
  if (publish_all(self, iterator.get(), published))
    return PyLong_FromSize_t(published);
  tell_published(published);
  return nullptr;
}

PyObject* reply(runtime* self, PyObject* const* args, Py_ssize_t count) {
  if (count != 2 || Py_TYPE(args[0]) != message_type) {
    PyErr_SetString(PyExc_TypeError, "reply(request, message): request is a mycelium_native.Message");
    return nullptr;
  }
  outgoing out;
  if (!open_runtime(object_of(self)) || !out.prepare(args[1]))
    return nullptr;
  const MyceliumMessage* asked = reinterpret_cast<message*>(args[0])->handle;
  const std::int32_t status = without_gil(
      [&] { return mycelium_reply(self->handle, asked, out.type_id(), out.bytes().data(), out.bytes().size()); });
  if (status < 0)
    return raise(status);
  return ref::share(Py_None).release();
}

} // namespace mycelium::python
