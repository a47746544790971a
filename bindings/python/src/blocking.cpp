#include "blocking.hpp"

#include <cmath>
#include <condition_variable>
#include <csignal>
#include <memory>
#include <mutex>
#include <pthread.h>

namespace mycelium::python {
namespace {

// Shared by the thread that makes the call and the one that waits for it.
struct errand {
  std::function<std::int32_t()> call;
  std::mutex mutex;
  std::condition_variable ended;
  bool done = false;
  outcome result;
};

void perform(errand& work) {
  outcome result;
  result.status = work.call();
  if (result.status < 0)
    result.text = mycelium_last_error();
  const std::lock_guard lock(work.mutex);
  work.result = std::move(result);
  work.done = true;
  work.ended.notify_all();
}

void* run(void* argument) {
  const std::unique_ptr<std::shared_ptr<errand>> work(static_cast<std::shared_ptr<errand>*>(argument));
  pthread_setname_np(pthread_self(), "mycelium-wait");
  perform(**work);
  return nullptr;
}

// The thread blocks every signal, so that Python's handlers run on the threads that Python knows.
bool start(const std::shared_ptr<errand>& work) {
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  auto argument = std::make_unique<std::shared_ptr<errand>>(work);
  pthread_t thread{};
  const bool started = pthread_create(&thread, nullptr, run, argument.get()) == 0;
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
  if (started) {
    pthread_detach(thread);
    argument.release();
  }
  return started;
}

} // namespace

bool read_timeout(PyObject* seconds, std::int64_t& nanoseconds) {
  nanoseconds = MYCELIUM_FOREVER;
  if (!seconds || seconds == Py_None)
    return true;
  const double value = PyFloat_AsDouble(seconds);
  if (value == -1.0 && PyErr_Occurred())
    return false;
  if (std::isnan(value) || value < 0) {
    PyErr_SetString(PyExc_ValueError, "a timeout is a number of seconds, 0 or more, or None to wait for ever");
    return false;
  }
  if (value < 9.0e9)
    nanoseconds = static_cast<std::int64_t>(value * 1e9);
  return true;
}

outcome wait_aside(std::function<std::int32_t()> call) {
  auto work = std::make_shared<errand>();
  work->call = std::move(call);
  if (!without_gil([&] { return start(work); })) {
    without_gil([&] { return perform(*work), 0; });
    return work->result;
  }
  for (;;) {
    const bool done = without_gil([&] {
      std::unique_lock lock(work->mutex);
      return work->ended.wait_for(lock, std::chrono::nanoseconds(slice_ns), [&] { return work->done; });
    });
    if (done)
      return work->result;
    if (PyErr_CheckSignals() < 0)
      return {interrupted, ""};
  }
}

} // namespace mycelium::python
