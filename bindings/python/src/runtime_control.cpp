// Runtime: waiting, schemas and statistics.
#include "message.hpp"
#include "runtime.hpp"
#include "subscription.hpp"

#include <string>

namespace mycelium::python {
namespace {

PyTypeObject* runtime_stats_type = nullptr;
PyTypeObject* subscription_stats_type = nullptr;

PyObject* none() { return ref::share(Py_None).release(); }

PyObject* finished(std::int32_t status) {
  if (status == interrupted)
    return nullptr;
  return status < 0 ? raise(status) : none();
}

PyObject* wait_for_subscribers(runtime* self, PyObject* args, PyObject* keywords) {
  static const char* names[] = {"what", "count", "timeout", nullptr};
  PyObject *what = nullptr, *seconds = nullptr;
  Py_ssize_t count = 1;
  std::uint16_t type_id = 0;
  std::int64_t timeout_ns = 0;
  if (!open_runtime(object_of(self)) ||
      !PyArg_ParseTupleAndKeywords(args, keywords, "O|nO:wait_for_subscribers", const_cast<char**>(names), &what,
                                   &count, &seconds) ||
      !read_type_id(what, type_id) || !read_timeout(seconds, timeout_ns))
    return nullptr;
  return finished(wait_in_slices(timeout_ns, [&](std::int64_t slice) {
    return mycelium_wait_for_subscribers(self->handle, type_id,
                                         static_cast<std::size_t>(std::max<Py_ssize_t>(count, 0)), slice);
  }));
}

// The bus waits for what it accepted before the call, so a call that is repeated in slices might never see the end of a
// steady flow: after one slice the rest is one call on a thread of its own.
PyObject* flush(runtime* self, PyObject* args, PyObject* keywords) {
  static const char* names[] = {"timeout", nullptr};
  PyObject* seconds = nullptr;
  std::int64_t timeout_ns = 0;
  if (!open_runtime(object_of(self)) ||
      !PyArg_ParseTupleAndKeywords(args, keywords, "|O:flush", const_cast<char**>(names), &seconds) ||
      !read_timeout(seconds, timeout_ns))
    return nullptr;
  if (self->dispatcher == PyThread_get_thread_ident()) {
    PyErr_SetString(PyExc_RuntimeError, "flush() waits for callbacks and cannot be called in one");
    return nullptr;
  }
  const deadline end(timeout_ns);
  const std::int64_t slice = end.slice();
  MyceliumRuntime* handle = self->handle;
  const std::int32_t status = without_gil([&] { return mycelium_flush(handle, slice); });
  if (status != MYCELIUM_ERROR_TIMEOUT || end.left() == 0)
    return finished(status);
  const std::int64_t left = end.left();
  const outcome result = wait_aside([handle, left] { return mycelium_flush(handle, left); });
  if (result.status == interrupted)
    return nullptr;
  return result.status < 0 ? raise(result.status, result.text.c_str()) : none();
}

PyObject* keep_history(runtime* self, PyObject* args) {
  PyObject* what = nullptr;
  unsigned int depth = 0;
  std::uint16_t type_id = 0;
  if (!open_runtime(object_of(self)) || !PyArg_ParseTuple(args, "OI:keep_history", &what, &depth) ||
      !read_type_id(what, type_id))
    return nullptr;
  return finished(without_gil([&] { return mycelium_keep_history(self->handle, type_id, depth); }));
}

PyObject* register_schema(runtime* self, PyObject* schema) {
  buffer bytes;
  if (!open_runtime(object_of(self)) || !bytes.acquire(schema, PyBUF_SIMPLE))
    return nullptr;
  std::uint8_t digest[MYCELIUM_DIGEST_SIZE];
  const std::int32_t status =
      without_gil([&] { return mycelium_register_schema(self->handle, bytes.data(), bytes.size(), digest); });
  if (status < 0)
    return raise(status);
  return PyBytes_FromStringAndSize(reinterpret_cast<const char*>(digest), MYCELIUM_DIGEST_SIZE);
}

PyObject* verify_digest(runtime* self, PyObject* digest) {
  return open_runtime(object_of(self)) && check_digest(self->handle, digest) ? none() : nullptr;
}

PyObject* type_digest(runtime* self, PyObject* what) {
  std::uint16_t type_id = 0;
  std::uint8_t digest[MYCELIUM_DIGEST_SIZE];
  if (!open_runtime(object_of(self)) || !read_type_id(what, type_id))
    return nullptr;
  if (const std::int32_t status = mycelium_type_digest(self->handle, type_id, digest); status < 0)
    return raise(status);
  return PyBytes_FromStringAndSize(reinterpret_cast<const char*>(digest), MYCELIUM_DIGEST_SIZE);
}

PyObject* verify_payload(runtime* self, PyObject* args) {
  PyObject *what = nullptr, *data = nullptr;
  std::uint16_t type_id = 0;
  buffer bytes;
  if (!open_runtime(object_of(self)) || !PyArg_ParseTuple(args, "OO:verify_payload", &what, &data) ||
      !read_type_id(what, type_id) || !bytes.acquire(data, PyBUF_SIMPLE))
    return nullptr;
  return finished(
      without_gil([&] { return mycelium_verify_payload(self->handle, type_id, bytes.data(), bytes.size()); }));
}

PyObject* drops(const std::uint64_t (&dropped)[8]) {
  static constexpr const char* reasons[] = {"oldest", "newest", "timeout", "full", "unsubscribed", "closed"};
  static_assert(std::size(reasons) == MYCELIUM_DROP_REASONS);
  ref dict(PyDict_New());
  for (std::size_t i = 0; dict && i < std::size(reasons); ++i) {
    ref count(PyLong_FromUnsignedLongLong(dropped[i]));
    if (!count || PyDict_SetItemString(dict.get(), reasons[i], count.get()) < 0)
      return nullptr;
  }
  return dict.release();
}

// A row of counters, the last of which is a dict of drops.
PyObject* row(PyTypeObject* type, std::initializer_list<std::uint64_t> counters, const std::uint64_t (&dropped)[8]) {
  ref self(PyStructSequence_New(type));
  Py_ssize_t at = 0;
  for (const std::uint64_t each : counters) {
    PyObject* value = self ? PyLong_FromUnsignedLongLong(each) : nullptr;
    if (!value)
      return nullptr;
    PyStructSequence_SetItem(self.get(), at++, value);
  }
  PyObject* by_reason = drops(dropped);
  if (!by_reason)
    return nullptr;
  PyStructSequence_SetItem(self.get(), at, by_reason);
  return self.release();
}

PyObject* stats(runtime* self, PyObject*) {
  if (!self->handle)
    return raise_closed();
  self->log->pass_on();
  MyceliumRuntimeStats s{};
  s.struct_size = sizeof s;
  if (const std::int32_t status = mycelium_runtime_stats(self->handle, &s); status < 0)
    return raise(status);
  return row(runtime_stats_type,
             {s.published, s.published_bytes, s.refused, s.offered, s.delivered, s.waiting,
              s.callback_errors + self->callback_errors, s.restarts, s.subscriptions, s.queues, s.requests_pending,
              s.threads},
             s.dropped);
}

PyObject* metrics(runtime* self, PyObject*) {
  if (!self->handle)
    return raise_closed();
  std::string text(16 * 1024, '\0');
  for (;;) {
    std::size_t length = 0;
    const std::int32_t status =
        without_gil([&] { return mycelium_metrics_text(self->handle, text.data(), text.size(), &length); });
    if (status < 0)
      return raise(status);
    if (length < text.size()) {
      text.resize(length);
      break;
    }
    text.resize(length + 4096); // it may have grown meanwhile
  }
  static constexpr char end[] = "# EOF\n";
  if (text.ends_with(end))
    text.resize(text.size() - (sizeof end - 1));
  text += "# TYPE mycelium_python_callback_errors counter\n"
          "# HELP mycelium_python_callback_errors Exceptions raised by callbacks in Python.\n"
          "mycelium_python_callback_errors_total " +
          std::to_string(self->callback_errors) + "\n" + end;
  return PyUnicode_FromStringAndSize(text.data(), static_cast<Py_ssize_t>(text.size()));
}

PyStructSequence_Field runtime_fields[] = {
    {"published", "messages accepted from publishers"},
    {"published_bytes", "their payloads"},
    {"refused", "publish calls that returned an error"},
    {"offered", "message x subscription pairs: delivered + dropped + waiting"},
    {"delivered", nullptr},
    {"waiting", "in mailboxes now"},
    {"callback_errors", "exceptions raised by callbacks, in Python and elsewhere"},
    {"restarts", "actors restarted by supervision"},
    {"subscriptions", "alive"},
    {"queues", nullptr},
    {"requests_pending", nullptr},
    {"threads", "workers"},
    {"dropped", "dict: reason -> messages"},
    {nullptr, nullptr}};

PyStructSequence_Field subscription_fields[] = {{"offered", "delivered + dropped + waiting"},
                                                {"delivered", nullptr},
                                                {"waiting", nullptr},
                                                {"capacity", nullptr},
                                                {"high_water", "most that ever waited"},
                                                {"callback_errors", nullptr},
                                                {"dropped", "dict: reason -> messages"},
                                                {nullptr, nullptr}};

PyStructSequence_Desc runtime_description = {"mycelium_native.RuntimeStats", "Counters of a runtime.", runtime_fields,
                                             13};
PyStructSequence_Desc subscription_description = {"mycelium_native.SubscriptionStats", "Counters of a subscription.",
                                                  subscription_fields, 7};

} // namespace

PyObject* subscription_statistics(runtime* self, std::uint64_t id, std::uint64_t callback_errors) {
  MyceliumSubscriptionStats s{};
  s.struct_size = sizeof s;
  if (const std::int32_t status = mycelium_subscription_stats(self->handle, id, &s); status < 0)
    return raise(status);
  return row(subscription_stats_type,
             {s.offered, s.delivered, s.waiting, s.capacity, s.high_water, s.callback_errors + callback_errors},
             s.dropped);
}

PyMethodDef control_methods[] = {
    {"wait_for_subscribers", method(wait_for_subscribers), METH_VARARGS | METH_KEYWORDS,
     "wait_for_subscribers(what, count=1, timeout=None): waits until a class or type_id has that many subscriptions."},
    {"flush", method(flush), METH_VARARGS | METH_KEYWORDS,
     "flush(timeout=None): waits until everything that was published before was taken by its subscribers or dropped."},
    {"keep_history", method(keep_history), METH_VARARGS,
     "keep_history(what, depth): keeps the last messages of a type for subscriptions that ask for history."},
    {"register_schema", method(register_schema), METH_O,
     "register_schema(bfbs) -> digest: adds the types of a binary schema, such as SCHEMA of a generated package."},
    {"verify_schema_digest", method(verify_digest), METH_O,
     "verify_schema_digest(digest): ValueError unless it is the built-in schema's or a registered one's."},
    {"type_digest", method(type_digest), METH_O, "type_digest(what) -> bytes: the digest of a registered type."},
    {"verify_payload", method(verify_payload), METH_VARARGS,
     "verify_payload(what, data): checks bytes against the schema of their type."},
    {"stats", method(stats), METH_NOARGS, "stats() -> RuntimeStats"},
    {"metrics", method(metrics), METH_NOARGS, "metrics() -> str: the counters as OpenMetrics text."},
    {nullptr, nullptr, 0, nullptr}};

bool add_statistics(PyObject* module) {
  runtime_stats_type = PyStructSequence_NewType(&runtime_description);
  subscription_stats_type = PyStructSequence_NewType(&subscription_description);
  return runtime_stats_type && subscription_stats_type && PyModule_AddType(module, runtime_stats_type) == 0 &&
         PyModule_AddType(module, subscription_stats_type) == 0;
}

} // namespace mycelium::python
