// Oversight: actors that have the tokens of a runtime scored, by a Python callable or on the bus.
#include "mycelium_oversight.h"

#include "errors.hpp"
#include "runtime.hpp"
#include "subscription.hpp"

#include <unistd.h>

#include <iterator>
#include <string>

namespace mycelium::python {
namespace {

PyTypeObject* oversight_type = nullptr;
PyTypeObject* question_type = nullptr;
PyTypeObject* stats_type = nullptr;

struct oversight {
  PyObject_HEAD PyObject* owner; // the Runtime
  std::uint64_t id;
  bool closed;
};

oversight* self_of(PyObject* object) { return reinterpret_cast<oversight*>(object); }
PyObject* none() { return ref::share(Py_None).release(); }

// ---- the scorer, on a worker of the runtime ----

// At exit CPython ends a thread that waits for the GIL by unwinding its stack, and the frames above ours end the
// process when something unwinds them. So such a thread is parked. Stands last in its frame, and is the only object of
// its file that may be destroyed by an unwinding.
class parks_at_exit {
public:
  ~parks_at_exit() {
    while (!passed_)
      pause();
  }
  void pass() { passed_ = true; }

private:
  bool passed_ = false;
};

// "ValueError: no such model"; clears the error.
std::string current_error() {
  PyObject *type = nullptr, *value = nullptr, *trace = nullptr;
  PyErr_Fetch(&type, &value, &trace);
  PyErr_NormalizeException(&type, &value, &trace);
  const ref own_type(type), own_value(value), own_trace(trace);
  const ref name(type ? PyObject_GetAttrString(type, "__name__") : nullptr);
  const ref words(value ? PyObject_Str(value) : nullptr);
  Py_ssize_t size = 0;
  const char* name_text = name ? PyUnicode_AsUTF8AndSize(name.get(), nullptr) : nullptr;
  std::string text = name_text ? name_text : "an exception";
  const char* said = words ? PyUnicode_AsUTF8AndSize(words.get(), &size) : nullptr;
  if (said && size > 0)
    text.append(": ").append(said, static_cast<std::size_t>(size));
  PyErr_Clear();
  if (type && PyErr_GivenExceptionMatches(type, PyExc_KeyboardInterrupt))
    PyErr_SetInterrupt(); // not the scorer's: the main thread gets it
  return text;
}

PyObject* text_of(const char* text, std::size_t size) {
  return text ? PyUnicode_DecodeUTF8(text, static_cast<Py_ssize_t>(size), "replace") : none();
}

PyObject* new_question(const MyceliumScoreQuestion& asked) {
  ref question(PyStructSequence_New(question_type));
  PyObject* values[] = {PyLong_FromUnsignedLongLong(asked.session_id), PyLong_FromUnsignedLongLong(asked.index),
                        text_of(asked.token ? asked.token : "", asked.token_len),
                        text_of(asked.so_far, asked.so_far_len)};
  bool good = bool(question);
  for (std::size_t i = 0; i < std::size(values); ++i) {
    good = good && values[i];
    if (question && values[i])
      PyStructSequence_SetItem(question.get(), static_cast<Py_ssize_t>(i), values[i]);
    else
      Py_XDECREF(values[i]);
  }
  return good ? question.release() : nullptr;
}

void ask(PyObject* scorer, const MyceliumScoreQuestion& asked, MyceliumScoreAnswer* answer) {
  const ref question(new_question(asked));
  ref said;
  if (question) {
    parks_at_exit here;
    said = ref(PyObject_CallFunctionObjArgs(scorer, question.get(), nullptr));
    here.pass();
  }
  const double score = said ? PyFloat_AsDouble(said.get()) : 0;
  if (!PyErr_Occurred())
    return mycelium_score_set(answer, score);
  const std::string why = current_error();
  mycelium_score_fail(answer, why.data(), why.size());
}

void on_question(const MyceliumScoreQuestion* asked, MyceliumScoreAnswer* answer, void* scorer) {
  static constexpr char over[] = "the interpreter ends";
  if (exit_has_begun())
    return mycelium_score_fail(answer, over, sizeof over - 1);
  PyGILState_STATE state{};
  {
    parks_at_exit here;
    state = PyGILState_Ensure();
    here.pass();
  }
  ask(static_cast<PyObject*>(scorer), *asked, answer);
  PyGILState_Release(state);
}

// On whatever thread lets go of the scorer last. When the interpreter ends nobody frees it.
void free_scorer(void* scorer) {
  if (exit_has_begun())
    return;
  parks_at_exit here;
  const PyGILState_STATE state = PyGILState_Ensure();
  Py_DECREF(static_cast<PyObject*>(scorer));
  PyGILState_Release(state);
  here.pass();
}

// ---- creation ----

struct option {
  const char* name;
  std::uint32_t BackfireOptions::*count;
  double BackfireOptions::*number;
};

constexpr option options_known[] = {{"soft_halt", &BackfireOptions::soft_halt, nullptr},
                                    {"soft_tokens", &BackfireOptions::soft_tokens, nullptr},
                                    {"whole_sentences", &BackfireOptions::whole_sentences, nullptr},
                                    {"score_every", &BackfireOptions::score_every, nullptr},
                                    {"evidence_size", &BackfireOptions::evidence_size, nullptr},
                                    {"ewma", &BackfireOptions::ewma, nullptr},
                                    {"ewma_weight", nullptr, &BackfireOptions::ewma_weight},
                                    {"ewma_limit", nullptr, &BackfireOptions::ewma_limit},
                                    {"cusum", &BackfireOptions::cusum, nullptr},
                                    {"cusum_target", nullptr, &BackfireOptions::cusum_target},
                                    {"cusum_slack", nullptr, &BackfireOptions::cusum_slack},
                                    {"cusum_limit", nullptr, &BackfireOptions::cusum_limit}};

bool read_option(const char* name, PyObject* value, BackfireOptions& out) {
  for (const option& each : options_known) {
    if (std::string_view(each.name) != name)
      continue;
    if (each.number)
      out.*each.number = PyFloat_AsDouble(value);
    else if (const unsigned long count = PyLong_AsUnsignedLong(value); count <= UINT32_MAX)
      out.*each.count = static_cast<std::uint32_t>(count);
    else if (!PyErr_Occurred())
      PyErr_Format(PyExc_OverflowError, "option %s is too large", name);
    return !PyErr_Occurred();
  }
  PyErr_Format(PyExc_TypeError, "there is no option %s", name);
  return false;
}

bool read_options(PyObject* given, BackfireOptions& out) {
  backfire_options_init(&out);
  PyObject *key = nullptr, *value = nullptr;
  for (Py_ssize_t at = 0; PyDict_Next(given, &at, &key, &value);) {
    const char* name = PyUnicode_AsUTF8AndSize(key, nullptr);
    if (!name || !read_option(name, value, out))
      return false;
  }
  return true;
}

struct arguments {
  PyObject *config = nullptr, *options = nullptr, *scorer = nullptr, *name = nullptr, *idle = nullptr;
  unsigned int capacity = 0, max_held = 0, max_sessions = 0, text_bytes = 0;
  unsigned long long subscription = 0;
  int observe = 0, run_inline = 0;
};

// Runtime._oversight(config as JSON, options as a dict, scorer, ...).
bool read_arguments(PyObject* args, PyObject* keywords, arguments& a) {
  static const char* names[] = {"config",   "options",  "scorer",       "name",       "idle",
                                "capacity", "max_held", "max_sessions", "text_bytes", "scorer_subscription",
                                "observe",  "inline",   nullptr};
  if (!PyArg_ParseTupleAndKeywords(args, keywords, "OO!OOO|$IIIIKpp:_oversight", const_cast<char**>(names), &a.config,
                                   &PyDict_Type, &a.options, &a.scorer, &a.name, &a.idle, &a.capacity, &a.max_held,
                                   &a.max_sessions, &a.text_bytes, &a.subscription, &a.observe, &a.run_inline))
    return false;
  if (a.scorer != Py_None && !PyCallable_Check(a.scorer)) {
    PyErr_SetString(PyExc_TypeError, "scorer must be callable, or None");
    return false;
  }
  return true;
}

std::int32_t create(runtime* bus, const arguments& a, const BackfireConfig& kernel, const BackfireOptions& options,
                    std::int64_t idle_ns, std::uint64_t& id) {
  MyceliumOversightConfig config;
  mycelium_oversight_config_init(&config);
  config.name = a.name == Py_None ? nullptr : PyUnicode_AsUTF8AndSize(a.name, nullptr);
  config.config = &kernel;
  config.options = &options;
  config.mode = a.observe ? MYCELIUM_OVERSIGHT_OBSERVE : MYCELIUM_OVERSIGHT_GATE;
  config.flags = a.run_inline ? MYCELIUM_OVERSIGHT_INLINE : 0;
  config.scorer_subscription = a.subscription;
  config.capacity = a.capacity;
  config.max_held = a.max_held;
  config.max_sessions = a.max_sessions;
  config.text_bytes = a.text_bytes;
  config.idle_ns = idle_ns;
  if (a.scorer != Py_None) {
    config.scorer = on_question;
    config.user_data = ref::share(a.scorer).release();
    config.user_data_free = free_scorer;
  }
  const std::int32_t status = without_gil([&] { return mycelium_oversight_create(bus->handle, &config, &id); });
  if (status < 0 && config.user_data)
    Py_DECREF(a.scorer);
  return status;
}

} // namespace

PyObject* new_oversight(runtime* bus, PyObject* args, PyObject* keywords) {
  arguments a;
  BackfireConfig kernel;
  backfire_config_init(&kernel);
  BackfireOptions options;
  std::int64_t idle_ns = 0;
  if (!open_runtime(object_of(bus)) || !read_arguments(args, keywords, a) || !read_options(a.options, options) ||
      (a.idle != Py_None && !read_seconds(a.idle, "idle", idle_ns)))
    return nullptr;
  if (a.config != Py_None) {
    Py_ssize_t size = 0;
    const char* json = PyUnicode_AsUTF8AndSize(a.config, &size);
    if (!json)
      return nullptr;
    if (const auto read = backfire_config_from_json(json, static_cast<std::size_t>(size), &kernel); read < 0)
      return PyErr_Format(PyExc_ValueError, "%s", backfire_last_error());
  }
  ref made(PyType_GenericAlloc(oversight_type, 0));
  if (!made)
    return nullptr;
  oversight* self = self_of(made.get());
  self->owner = ref::share(object_of(bus)).release();
  self->closed = true; // until it is one
  const std::int32_t status = create(bus, a, kernel, options, idle_ns, self->id);
  if (PyErr_Occurred())
    return nullptr;
  if (status == MYCELIUM_ERROR_INVALID_ARGUMENT)
    return PyErr_Format(PyExc_ValueError, "%s", mycelium_last_error());
  if (status < 0)
    return raise(status);
  self->closed = false;
  return made.release();
}

namespace {

// ---- the object ----

int traverse(PyObject* object, visitproc visit, void* arg) {
  Py_VISIT(reinterpret_cast<PyObject*>(Py_TYPE(object)));
  Py_VISIT(self_of(object)->owner);
  return 0;
}

int clear(PyObject* object) {
  Py_CLEAR(self_of(object)->owner);
  return 0;
}

void deallocate(PyObject* object) {
  PyTypeObject* type = Py_TYPE(object);
  PyObject_GC_UnTrack(object);
  clear(object);
  PyObject_GC_Del(object);
  Py_DECREF(reinterpret_cast<PyObject*>(type));
}

runtime* open_bus(oversight* self) { return open_runtime(self->owner); }

PyObject* attach(PyObject* object, PyObject* session) {
  oversight* self = self_of(object);
  runtime* bus = open_bus(self);
  const unsigned long long session_id = bus ? PyLong_AsUnsignedLongLong(session) : 0;
  if (!bus || PyErr_Occurred())
    return nullptr;
  std::uint64_t to = 0;
  const std::int32_t status =
      without_gil([&] { return mycelium_oversight_attach(bus->handle, self->id, session_id, &to); });
  if (status == MYCELIUM_ERROR_INVALID_ARGUMENT)
    return PyErr_Format(PyExc_ValueError, "%s", mycelium_last_error());
  return status < 0 ? raise(status) : PyLong_FromUnsignedLongLong(to);
}

PyObject* detach(PyObject* object, PyObject* session) {
  oversight* self = self_of(object);
  runtime* bus = open_bus(self);
  const unsigned long long session_id = bus ? PyLong_AsUnsignedLongLong(session) : 0;
  if (!bus || PyErr_Occurred())
    return nullptr;
  const std::int32_t status = without_gil([&] { return mycelium_oversight_detach(bus->handle, self->id, session_id); });
  return status < 0 ? raise(status) : none();
}

PyObject* close(PyObject* object, PyObject*) {
  oversight* self = self_of(object);
  runtime* bus = reinterpret_cast<runtime*>(self->owner);
  if (std::exchange(self->closed, true) || !bus->handle || bus->closed)
    return none();
  const std::int32_t status = without_gil([&] { return mycelium_oversight_destroy(bus->handle, self->id); });
  return status == MYCELIUM_ERROR_FORKED ? raise(status) : none();
}

PyObject* enter(PyObject* object, PyObject*) { return ref::share(object).release(); }

PyObject* exit(PyObject* object, PyObject*) {
  const ref done(close(object, nullptr));
  return done ? PyBool_FromLong(0) : nullptr;
}

PyObject* halts_of(const MyceliumOversightStats& s) {
  static constexpr const char* kinds[] = {"hard_limit", "window_average", "downward_trend",  "entropy",      "deadline",
                                          "ewma",       "cusum",          "kernel_inactive", "invalid_score"};
  ref dict(PyDict_New());
  for (std::size_t i = 0; dict && i < std::size(kinds); ++i) {
    const ref count(PyLong_FromUnsignedLongLong(s.halts[i + 1]));
    if (!count || PyDict_SetItemString(dict.get(), kinds[i], count.get()) < 0)
      return nullptr;
  }
  return dict.release();
}

// stats(session_id=None)
PyObject* stats(PyObject* object, PyObject* args) {
  oversight* self = self_of(object);
  runtime* bus = open_bus(self);
  PyObject* session = Py_None;
  if (!bus || !PyArg_ParseTuple(args, "|O:stats", &session))
    return nullptr;
  const unsigned long long session_id = session == Py_None ? 0 : PyLong_AsUnsignedLongLong(session);
  if (PyErr_Occurred())
    return nullptr;
  MyceliumOversightStats s{};
  s.struct_size = sizeof s;
  const std::int32_t status = without_gil([&] {
    return session == Py_None ? mycelium_oversight_stats(bus->handle, self->id, &s)
                              : mycelium_oversight_session_stats(bus->handle, self->id, session_id, &s);
  });
  if (status < 0)
    return raise(status);
  ref made(PyStructSequence_New(stats_type));
  Py_ssize_t at = 0;
  for (const std::uint64_t each : {s.sessions, s.begun, s.refused, s.tokens, s.released, s.withheld, s.scored,
                                   s.failed_scores, s.warnings, s.idle}) {
    PyObject* value = made ? PyLong_FromUnsignedLongLong(each) : nullptr;
    if (!value)
      return nullptr;
    PyStructSequence_SetItem(made.get(), at++, value);
  }
  PyObject* halts = halts_of(s);
  if (!halts)
    return nullptr;
  PyStructSequence_SetItem(made.get(), at, halts);
  return made.release();
}

PyObject* get_id(PyObject* object, void*) { return PyLong_FromUnsignedLongLong(self_of(object)->id); }
PyObject* get_closed(PyObject* object, void*) { return PyBool_FromLong(self_of(object)->closed); }

PyGetSetDef properties[] = {{"id", get_id, nullptr, "Unique in its runtime and never reused.", nullptr},
                            {"closed", get_closed, nullptr, "True once close() was called.", nullptr},
                            {nullptr, nullptr, nullptr, nullptr, nullptr}};

PyMethodDef methods[] = {
    {"attach", attach, METH_O,
     "attach(session_id) -> int\n\nWatches a session from its first token on. What it returns is the destination of "
     "the "
     "session's InferenceToken and InferenceDone: publish(token, destination=...). ValueError if it is watched "
     "already, "
     "or if this oversight observes; MailboxFullError beyond max_sessions."},
    {"detach", detach, METH_O,
     "detach(session_id): ends the session's actor; what it held is not shown, and nobody is told. MyceliumError if it "
     "is not watched."},
    {"stats", stats, METH_VARARGS,
     "stats(session_id=None) -> OversightStats: of all sessions that were watched, or of one that is watched now."},
    {"close", close, METH_NOARGS,
     "Ends every session's actor. When it returns, no scorer of it runs or will run, unless it was called in one. May "
     "be called again."},
    {"__enter__", enter, METH_NOARGS, nullptr},
    {"__exit__", exit, METH_VARARGS, nullptr},
    {nullptr, nullptr, 0, nullptr}};

PyStructSequence_Field question_fields[] = {{"session_id", nullptr},
                                            {"index", "of the token, as its source counts"},
                                            {"token", "str"},
                                            {"text", "str: the text with this token; None unless text_bytes is set"},
                                            {nullptr, nullptr}};
PyStructSequence_Desc question_description = {"mycelium_native.ScoreQuestion", "What a scorer is asked.",
                                              question_fields, 4};

PyStructSequence_Field stats_fields[] = {{"sessions", "watched now"},
                                         {"begun", "ever"},
                                         {"refused", "sessions that were too many, and messages that are none"},
                                         {"tokens", "that came"},
                                         {"released", "that may be shown"},
                                         {"withheld", "that are not shown"},
                                         {"scored", "whose score was asked for"},
                                         {"failed_scores", "sessions that halted because there was no score"},
                                         {"warnings", "scores under the soft limit"},
                                         {"idle", "sessions that ended because no token came"},
                                         {"halts", "dict: what halted -> sessions"},
                                         {nullptr, nullptr}};
PyStructSequence_Desc stats_description = {"mycelium_native.OversightStats", "Counters of an oversight.", stats_fields,
                                           11};

} // namespace

bool add_oversight(PyObject* module) {
  static PyType_Slot slots[] = {
      {Py_tp_dealloc, slot(deallocate)},
      {Py_tp_traverse, slot(traverse)},
      {Py_tp_clear, slot(clear)},
      {Py_tp_getset, properties},
      {Py_tp_methods, methods},
      {Py_tp_doc, const_cast<char*>("What Runtime.oversight returns. Dropping it does not end it: close() does, or the "
                                    "end of a with block, or the runtime's close.")},
      {0, nullptr}};
  static PyType_Spec spec = {"mycelium_native.Oversight", sizeof(oversight), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
  oversight_type = reinterpret_cast<PyTypeObject*>(PyType_FromModuleAndSpec(module, &spec, nullptr));
  question_type = PyStructSequence_NewType(&question_description);
  stats_type = PyStructSequence_NewType(&stats_description);
  return oversight_type && question_type && stats_type && PyModule_AddType(module, oversight_type) == 0 &&
         PyModule_AddType(module, question_type) == 0 && PyModule_AddType(module, stats_type) == 0;
}

} // namespace mycelium::python
