#include "errors.hpp"

#include "dispatcher.hpp"
#include "mycelium.h"

#include <unistd.h>

#include <atomic>
#include <iterator>

namespace mycelium::python {
namespace {

PyObject* base_error = nullptr;
unsigned long exiting_thread = 0; // guarded by the GIL; 0 until the interpreter ends
std::atomic<bool> exiting{false};
PyObject* logger = nullptr; // logging.getLogger("mycelium")

struct kind_of_error {
  const char* name;
  const char* doc;
  std::int32_t status;
  PyObject* type;
};

kind_of_error kinds[] = {
    {"TimedOutError", "Something did not happen in time. Also a TimeoutError.", MYCELIUM_ERROR_TIMEOUT, nullptr},
    {"MailboxFullError", "A mailbox is full and its policy does not wait.", MYCELIUM_ERROR_FULL, nullptr},
    {"NoReplyError", "Nobody serves this request, or every server let it go unanswered.", MYCELIUM_ERROR_NO_REPLY,
     nullptr},
    {"ClosedError", "The runtime is closed.", MYCELIUM_ERROR_CLOSED, nullptr},
    {"ForkedError", "The runtime belongs to the parent process.", MYCELIUM_ERROR_FORKED, nullptr},
};

// For outcomes that arrive on another thread, whose last error is not ours.
const char* usual_text(std::int32_t status) {
  switch (status) {
  case MYCELIUM_ERROR_TIMEOUT:
    return "it did not happen in time";
  case MYCELIUM_ERROR_FULL:
    return "a mailbox is full: give it more capacity, another policy, or publish more slowly";
  case MYCELIUM_ERROR_NO_REPLY:
    return "no reply: nobody serves this type, or every server let the request go unanswered";
  case MYCELIUM_ERROR_FORKED:
    return "the runtime belongs to the parent process: create one in the child";
  default:
    return mycelium_status_name(status);
  }
}

PyObject* type_for(std::int32_t status) {
  for (const kind_of_error& kind : kinds) {
    if (kind.status == status)
      return kind.type;
  }
  return base_error;
}

void park_if_exiting() {
  if (exiting_thread == 0 || exiting_thread == PyThread_get_thread_ident() || serves_callbacks())
    return;
  PyEval_SaveThread();
  for (;;)
    pause();
}

} // namespace

bool add_errors(PyObject* module) {
  base_error = PyErr_NewExceptionWithDoc("mycelium_native.MyceliumError",
                                         "A call into the bus failed; status is the number of its status.",
                                         PyExc_RuntimeError, nullptr);
  if (!base_error || PyObject_SetAttrString(base_error, "status", Py_None) < 0 ||
      PyModule_AddObjectRef(module, "MyceliumError", base_error) < 0)
    return false;
  for (kind_of_error& kind : kinds) {
    const bool timed_out = kind.status == MYCELIUM_ERROR_TIMEOUT;
    ref bases(timed_out ? PyTuple_Pack(2, base_error, PyExc_TimeoutError) : PyTuple_Pack(1, base_error));
    ref name(PyUnicode_FromFormat("mycelium_native.%s", kind.name));
    if (!bases || !name)
      return false;
    kind.type = PyErr_NewExceptionWithDoc(PyUnicode_AsUTF8AndSize(name.get(), nullptr), kind.doc, bases.get(), nullptr);
    if (!kind.type || PyModule_AddObjectRef(module, kind.name, kind.type) < 0)
      return false;
  }
  ref logging(PyImport_ImportModule("logging"));
  logger = logging ? PyObject_CallMethod(logging.get(), "getLogger", "s", "mycelium") : nullptr;
  return logger != nullptr;
}

PyObject* raise(std::int32_t status) {
  // Another thread may have failed on this status and not this one: then there is no text here.
  return raise(status, mycelium_last_status() == status ? mycelium_last_error() : "");
}

PyObject* raise(std::int32_t status, const char* text) {
  park_if_exiting();
  if (status == MYCELIUM_ERROR_DIGEST) {
    PyErr_SetString(PyExc_ValueError, "schema digest mismatch");
    return nullptr;
  }
  if (status == MYCELIUM_ERROR_CLOSED)
    text = "runtime closed";
  PyObject* type = type_for(status);
  ref error(PyObject_CallFunction(type, "s", *text ? text : usual_text(status)));
  ref number(PyLong_FromLong(status));
  if (error && number && PyObject_SetAttrString(error.get(), "status", number.get()) == 0)
    PyErr_SetObject(type, error.get());
  return nullptr;
}

PyObject* raise_closed() { return raise(MYCELIUM_ERROR_CLOSED, ""); }

void begin_exit() {
  exiting_thread = PyThread_get_thread_ident();
  exiting.store(true, std::memory_order_seq_cst);
}

bool exit_has_begun() { return exiting.load(std::memory_order_seq_cst); }

bool is_caused_by_exit() { return exiting_thread != 0 && PyErr_ExceptionMatches(base_error); }

void log(MyceliumLogLevel level, const char* text) {
  const char* method = level == MYCELIUM_LOG_ERROR ? "error" : level == MYCELIUM_LOG_WARNING ? "warning" : "info";
  ref done(PyObject_CallMethod(logger, method, "ss", "%s", text));
  if (!done)
    PyErr_WriteUnraisable(logger);
}

void report(PyObject* where) {
  PyObject *type = nullptr, *value = nullptr, *trace = nullptr;
  PyErr_Fetch(&type, &value, &trace);
  PyErr_NormalizeException(&type, &value, &trace);
  ref own_type(type), own_value(value), own_trace(trace);
  if (value && trace)
    PyException_SetTraceback(value, trace);
  ref args(Py_BuildValue("(sO)", "%s raised an exception", where));
  ref keywords(value ? Py_BuildValue("{s:O}", "exc_info", value) : nullptr);
  ref error(PyObject_GetAttrString(logger, "error"));
  ref done(args && keywords && error ? PyObject_Call(error.get(), args.get(), keywords.get()) : nullptr);
  if (!done)
    PyErr_WriteUnraisable(where);
}

} // namespace mycelium::python
