// The dispatcher: one thread that Python knows takes deliveries from the runtime's queue, a batch at a time, and runs
// the callbacks. It holds the GIL once per batch and waits without it.
#include "dispatcher.hpp"

#include "message.hpp"
#include "outgoing.hpp"
#include "runtime.hpp"
#include "subscription.hpp"

#include <array>
#include <span>

namespace mycelium::python {
namespace {

thread_local bool dispatching = false;

using deliveries = std::span<MyceliumDelivery>;

subscription* receiver(const MyceliumDelivery& delivery) { return static_cast<subscription*>(delivery.user_data); }

// Marks that a callback runs, and tells those who wait for its end.
class running_callback {
public:
  explicit running_callback(subscription* self)
      : bus_(runtime_of(self)), self_(self), keep_(ref::share(object_of(self))) {
    self->running = true;
  }
  running_callback(const running_callback&) = delete;
  running_callback& operator=(const running_callback&) = delete;
  ~running_callback() {
    self_->running = false;
    if (!bus_ || bus_->waiters == 0)
      return;
    const std::lock_guard lock(bus_->gate->mutex);
    ++bus_->gate->turns;
    bus_->gate->passed.notify_all();
  }

private:
  runtime* bus_;
  subscription* self_;
  ref keep_;
};

void call(subscription* self, PyObject* value) {
  ref result;
  if (self->with_envelope && !self->batch)
    result = ref(
        PyObject_CallFunctionObjArgs(self->callback, PyTuple_GetItem(value, 0), PyTuple_GetItem(value, 1), nullptr));
  else
    result = ref(PyObject_CallFunctionObjArgs(self->callback, value, nullptr));
  if (!result)
    report_callback(self);
}

// Answers one request. If the handler raises or returns None, the request goes unanswered and the other servers' turn
// comes.
void serve(subscription* self, MyceliumMessage* message) {
  runtime* bus = runtime_of(self);
  if (!mycelium_message_is_request(message)) {
    mycelium_message_release(message);
    return;
  }
  MyceliumMessage* kept = mycelium_message_retain(message);
  ref value(take_message(message, self->cls, self->layout));
  ref answer(value && kept ? PyObject_CallFunctionObjArgs(self->callback, value.get(), nullptr) : nullptr);
  outgoing out;
  bool good = static_cast<bool>(answer);
  if (good && answer.get() != Py_None) {
    good = out.prepare(answer.get());
    const std::int32_t status = !good ? 0 : without_gil([&] {
      return mycelium_reply(bus->handle, kept, out.type_id(), out.bytes().data(), out.bytes().size());
    });
    // The requester may have given up, or another server was faster: that is no fault of the handler.
    good = good && (status >= 0 || status == MYCELIUM_ERROR_SUBSCRIPTION || raise(status));
  }
  if (!good)
    report_callback(self);
  mycelium_message_release(kept); // the requester learns of it last
}

// The value of a delivery, which keeps its message: that counts as delivered when it is released, after the callback.
PyObject* value_of(subscription* self, const MyceliumDelivery& delivery) {
  MyceliumMessage* of_value = mycelium_message_retain(delivery.message);
  return of_value ? take_value(self, of_value) : PyErr_NoMemory();
}

void deliver_each(subscription* self, deliveries run) {
  for (MyceliumDelivery& delivery : run) {
    if (self->serves && !self->closed) {
      serve(self, delivery.message);
      continue;
    }
    if (!self->closed) {
      ref value(value_of(self, delivery));
      value ? call(self, value.get()) : report_callback(self);
    }
    mycelium_message_release(delivery.message);
  }
}

void release_all(deliveries run) {
  for (MyceliumDelivery& delivery : run)
    mycelium_message_release(delivery.message);
}

// One callback with a list. A malformed message is reported and left out.
void deliver_batch(subscription* self, deliveries run) {
  ref list(PyList_New(0));
  for (MyceliumDelivery& delivery : run) {
    ref value(value_of(self, delivery));
    if (!value || !list || PyList_Append(list.get(), value.get()) < 0)
      report_callback(self);
  }
  if (list && PyList_Size(list.get()) > 0 && !self->closed)
    call(self, list.get());
  release_all(run);
}

// Messages of one subscription that follow each other.
void deliver_run(deliveries run) {
  subscription* self = receiver(run.front());
  if (self->closed || !self->callback) {
    release_all(run);
    return;
  }
  const running_callback mark(self);
  self->batch ? deliver_batch(self, run) : deliver_each(self, run);
}

void deliver(deliveries all) {
  for (std::size_t at = 0; at < all.size();) {
    if (all[at].kind != MYCELIUM_DELIVERY_MESSAGE) {
      if (all[at].kind == MYCELIUM_DELIVERY_COMPLETE)
        forget(receiver(all[at]));
      ++at;
      continue;
    }
    std::size_t end = at + 1;
    while (end < all.size() && all[end].kind == MYCELIUM_DELIVERY_MESSAGE && all[end].user_data == all[at].user_data)
      ++end;
    deliver_run(all.subspan(at, end - at));
    at = end;
  }
}

} // namespace

PyObject* open_dispatcher(runtime* self, PyObject*) {
  if (!open_runtime(object_of(self)))
    return nullptr;
  if (self->queue == 0) {
    std::uint64_t queue = 0;
    const std::int32_t status = without_gil([&] { return mycelium_queue_open(self->handle, &queue); });
    if (status < 0)
      return raise(status);
    self->queue = queue;
    self->log->wake_with(self->handle, queue);
  }
  return ref::share(Py_None).release();
}

PyObject* dispatch(runtime* self, PyObject* ready) {
  static constexpr std::size_t most = 256;
  const ref keep = ref::share(object_of(self));
  self->dispatcher = PyThread_get_thread_ident();
  dispatching = true;
  std::array<MyceliumDelivery, most> taken;
  std::int64_t timeout_ns = 0;
  std::int32_t status = 0;
  while (status >= 0 || status == MYCELIUM_ERROR_TIMEOUT) {
    std::size_t count = 0;
    status = without_gil([&] {
      return mycelium_queue_receive(self->handle, self->queue, taken.data(), taken.size(), timeout_ns, &count);
    });
    // The first call finds nothing, and tells the bus that the queue is served: close() then waits until it is empty.
    if (std::exchange(timeout_ns, MYCELIUM_FOREVER) == 0 && !ref(PyObject_CallNoArgs(ready)))
      PyErr_WriteUnraisable(ready);
    deliver(deliveries(taken.data(), count));
    self->log->pass_on();
  }
  self->dispatcher = 0;
  return ref::share(Py_None).release();
}

bool serves_callbacks() { return dispatching; }

bool wait_for_callback(runtime* self, const bool& running) {
  if (PyThread_get_thread_ident() == self->dispatcher)
    return true;
  ++self->waiters;
  bool good = true;
  while (running && good) {
    turnstile* gate = self->gate;
    std::uint64_t seen = 0;
    {
      const std::lock_guard lock(gate->mutex);
      seen = gate->turns;
    }
    without_gil([&] {
      std::unique_lock lock(gate->mutex);
      return gate->passed.wait_for(lock, std::chrono::nanoseconds(slice_ns), [&] { return gate->turns != seen; });
    });
    good = PyErr_CheckSignals() == 0;
  }
  --self->waiters;
  return good;
}

} // namespace mycelium::python
