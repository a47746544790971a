// Runtime.request: publishes a request and waits for its reply. The reply comes to a plain C++ object on a worker of
// the bus, which needs no GIL; the caller waits for that in slices.
#include "message.hpp"
#include "outgoing.hpp"
#include "runtime.hpp"

#include <condition_variable>
#include <memory>
#include <mutex>

namespace mycelium::python {
namespace {

// Shared by the caller and the bus: the bus gives its share back with the outcome, or when the request is cancelled.
struct waiting_request {
  std::mutex mutex;
  std::condition_variable arrived;
  bool done = false;
  std::int32_t status = 0;
  MyceliumMessage* reply = nullptr;

  ~waiting_request() { mycelium_message_release(reply); }
};

using share = std::shared_ptr<waiting_request>;

void on_reply(std::uint64_t, std::int32_t status, const MyceliumMessage* reply, void* user_data) {
  const std::unique_ptr<share> mine(static_cast<share*>(user_data));
  waiting_request& self = **mine;
  const std::lock_guard lock(self.mutex);
  self.reply = reply ? mycelium_message_retain(reply) : nullptr;
  self.status = reply && !self.reply ? MYCELIUM_ERROR_INTERNAL : status;
  self.done = true;
  self.arrived.notify_all();
}

std::int32_t start(runtime* self, const outgoing& out, std::int64_t timeout_ns, const share& waiting, std::uint64_t& id,
                   share*& lent) {
  MyceliumRequestOptions options{};
  options.struct_size = sizeof options;
  options.timeout_ns = std::max<std::int64_t>(timeout_ns, 1);
  options.on_reply = on_reply;
  options.user_data = lent = new share(waiting);
  return without_gil([&] {
    return mycelium_request_async(self->handle, out.type_id(), out.bytes().data(), out.bytes().size(), &options, &id);
  });
}

// False when a signal handler has raised.
bool wait(waiting_request& waiting) {
  for (;;) {
    const bool done = without_gil([&] {
      std::unique_lock lock(waiting.mutex);
      return waiting.arrived.wait_for(lock, std::chrono::nanoseconds(slice_ns), [&] { return waiting.done; });
    });
    if (done)
      return true;
    if (PyErr_CheckSignals() < 0)
      return false;
  }
}

PyObject* no_reply_in_time(std::int64_t timeout_ns) {
  ref seconds(PyFloat_FromDouble(static_cast<double>(timeout_ns) / 1e9));
  ref text(seconds ? PyUnicode_FromFormat("no reply within %S s", seconds.get()) : nullptr);
  return text ? raise(MYCELIUM_ERROR_TIMEOUT, PyUnicode_AsUTF8AndSize(text.get(), nullptr)) : nullptr;
}

} // namespace

PyObject* request(runtime* self, PyObject* args, PyObject* keywords) {
  static const char* names[] = {"message", "reply_cls", "timeout", nullptr};
  PyObject *message = nullptr, *cls = nullptr, *seconds = nullptr;
  std::int64_t timeout_ns = 5'000'000'000;
  if (!open_runtime(object_of(self)) ||
      !PyArg_ParseTupleAndKeywords(args, keywords, "OO|O:request", const_cast<char**>(names), &message, &cls,
                                   &seconds) ||
      (seconds && !read_timeout(seconds, timeout_ns)))
    return nullptr;
  outgoing out;
  if (!check_reply_class(cls) || !out.prepare(message))
    return nullptr;
  const auto waiting = std::make_shared<waiting_request>();
  std::uint64_t id = 0;
  share* lent = nullptr;
  if (const std::int32_t status = start(self, out, timeout_ns, waiting, id, lent); status < 0) {
    delete lent; // no outcome follows
    return raise(status);
  }
  if (!wait(*waiting)) {
    if (without_gil([&] { return mycelium_request_cancel(self->handle, id); }) >= 0)
      delete lent;
    return nullptr;
  }
  if (waiting->status == MYCELIUM_ERROR_TIMEOUT)
    return no_reply_in_time(timeout_ns);
  if (waiting->status < 0)
    return raise(waiting->status, "");
  return take_reply(std::exchange(waiting->reply, nullptr), cls);
}

bool check_reply_class(PyObject* cls) {
  std::uint16_t type_id = 0;
  if (cls == Py_None || read_type_id(cls, type_id))
    return true;
  return false;
}

PyObject* take_reply(MyceliumMessage* reply, PyObject* cls) {
  ref whole(new_message(reply));
  return whole ? read_reply(whole.get(), cls) : nullptr;
}

} // namespace mycelium::python
