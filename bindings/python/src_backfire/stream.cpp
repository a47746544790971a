#include "stream.hpp"

#include "verdict.hpp"

#include <limits>
#include <new>
#include <vector>

namespace mycelium::backfire {
namespace {

PyTypeObject* stream_type = nullptr;
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

int traverse(PyObject* object, visitproc visit, void* arg) {
  Py_VISIT(reinterpret_cast<PyObject*>(Py_TYPE(object)));
  Py_VISIT(stream_of(object)->tokens);
  return 0;
}

// Only tokens of a class derived from str can be part of a cycle. The list stays, for whoever still calls.
int clear(PyObject* object) {
  PyObject* tokens = stream_of(object)->tokens;
  return tokens ? PyList_SetSlice(tokens, 0, PyList_Size(tokens), nullptr) : 0;
}

void deallocate(PyObject* object) {
  PyObject_GC_UnTrack(object);
  stream* self = stream_of(object);
  backfire_stream_destroy(self->handle);
  Py_CLEAR(self->tokens);
  Py_CLEAR(self->interlock);
  delete self->kept;
  free_object(object);
}

PyObject* create(PyTypeObject* type, PyObject*, PyObject*) { // the arguments are those of __init__
  stream* self = allocate<stream>(type);
  if (!self)
    return nullptr;
  self->tokens = PyList_New(0);
  self->kept = new (std::nothrow) records;
  if (self->tokens && self->kept)
    return reinterpret_cast<PyObject*>(self);
  Py_DECREF(reinterpret_cast<PyObject*>(self));
  return PyErr_NoMemory();
}

int initialise(PyObject* object, PyObject* args, PyObject*) {
  stream* self = stream_of(object);
  PyObject *limits = nullptr, *ways = nullptr, *lock = Py_None;
  BackfireConfig config;
  BackfireOptions options;
  if (!PyArg_ParseTuple(args, "OO|O:Stream", &limits, &ways, &lock) || !read_config(limits, config) ||
      !read_options(ways, options))
    return -1;
  if (self->handle) {
    PyErr_SetString(PyExc_RuntimeError, "the stream has begun already: make another");
    return -1;
  }
  ref interlock(lock == Py_None ? PyObject_CallNoArgs(reinterpret_cast<PyObject*>(interlock_type))
                                : ref::share(lock).release());
  if (!interlock)
    return -1;
  if (Py_TYPE(interlock.get()) != interlock_type) {
    PyErr_SetString(PyExc_TypeError, "interlock must be an Interlock or None");
    return -1;
  }
  const std::int32_t status = backfire_stream_begin(&config, &options, interlock_of(interlock.get()), &self->handle);
  if (status < 0)
    return raise(status), -1;
  self->interlock = interlock.release();
  self->last.struct_size = sizeof self->last;
  self->deadline_ms = config.deadline_ms;
  self->evidence_size = options.evidence_size;
  self->reads_text = options.soft_halt || options.whole_sentences;
  self->begun_ns = now_ns();
  return 0;
}

// What this push has released: mostly the token itself.
ref released_text(stream* self, PyObject* token) {
  const auto before = static_cast<Py_ssize_t>(self->released), after = static_cast<Py_ssize_t>(self->last.released);
  if (after == before)
    return ref::share(shared.empty);
  if (after - before == 1 && self->last.index + 1 == self->last.released)
    return ref::share(token);
  ref part(PyList_GetSlice(self->tokens, before, after));
  return ref(part ? PyUnicode_Join(shared.empty, part.get()) : nullptr);
}

struct pushed {
  PyObject* token = nullptr;
  PyObject* score = Py_None;
  PyObject* entropy = Py_None;
  PyObject* error = Py_None;
  double latency_ms = 0;
};

bool read_pushed(PyObject* args, PyObject* keywords, pushed& out) {
  static const char* names[] = {"token", "score", "entropy", "latency_ms", "error", nullptr};
  if (!PyArg_ParseTupleAndKeywords(args, keywords, "O|O$OdO:push", const_cast<char**>(names), &out.token, &out.score,
                                   &out.entropy, &out.latency_ms, &out.error))
    return false;
  if (out.error == Py_None || PyUnicode_Check(out.error))
    return true;
  PyErr_SetString(PyExc_TypeError, "error must be a str or None");
  return false;
}

// A number of Python; one that is none becomes NaN with a text. False with an error that is no failure of a scorer.
bool read_number(PyObject* object, double& out, ref& failure) {
  out = PyFloat_AsDouble(object);
  if (out != -1.0 || !PyErr_Occurred())
    return true;
  out = nan;
  failure = take_failure();
  return static_cast<bool>(failure);
}

PyObject* push(PyObject* object, PyObject* args, PyObject* keywords) {
  stream* self = stream_of(object);
  pushed given;
  turn mine(self);
  if (!read_pushed(args, keywords, given) || !mine.take())
    return nullptr;
  BackfireObservation seen{sizeof seen, given.score != Py_None, given.entropy != Py_None, 0, given.latency_ms, 0,
                           nullptr};
  ref failure(given.error == Py_None ? nullptr : ref::share(given.error).release()), unread;
  if ((seen.scored && !failure && !read_number(given.score, seen.score, failure)) ||
      (seen.has_entropy && !read_number(given.entropy, seen.entropy, unread)))
    return nullptr;
  if (failure) {
    ref held;
    Py_ssize_t length = 0;
    seen.error = utf8_of(failure.get(), length, held);
    if (!seen.error || !push_token(self, given.token, seen, now_ns()))
      return nullptr;
  } else if (!push_token(self, given.token, seen, now_ns())) {
    return nullptr;
  }
  return new_verdict(self->last, released_text(self, given.token));
}

PyObject* error_of(stream* self) {
  char text[256];
  std::size_t length = 0;
  const std::int32_t status = backfire_stream_error(self->handle, text, sizeof text, &length);
  // The library cuts by bytes.
  return status < 0 ? raise(status) : PyUnicode_DecodeUTF8(text, static_cast<Py_ssize_t>(length), "ignore");
}

PyObject* newest_of(stream* self) {
  std::size_t count = 0;
  std::vector<BackfireSample> samples(self->evidence_size);
  const std::int32_t status = backfire_stream_evidence(self->handle, samples.data(), samples.size(), &count);
  ref out(status < 0 ? raise(status) : PyList_New(static_cast<Py_ssize_t>(count)));
  for (std::size_t i = 0; out && i < count; ++i) {
    PyObject* pair = Py_BuildValue("(Kd)", static_cast<unsigned long long>(samples[i].index), samples[i].score);
    if (!pair || PyList_SetItem(out.get(), static_cast<Py_ssize_t>(i), pair) < 0)
      return nullptr;
  }
  return out.release();
}

// The fields of session.Record.
PyObject* record_of(stream* self, const BackfireSession& session) {
  const std::int64_t end = self->ended_ns ? self->ended_ns : now_ns();
  ref reason(reason_of(session.kind, session.measured, session.limit)), error(error_of(self)), newest(newest_of(self));
  ref tokens(PyList_GetSlice(self->tokens, 0, PyList_Size(self->tokens)));
  ref scores(self->kept->scores()), times(self->kept->times());
  if (!reason || !error || !newest || !tokens || !scores || !times)
    return nullptr;
  return Py_BuildValue("(iLOKKddOdOOOO)", session.kind, static_cast<long long>(session.halt_index), reason.get(),
                       static_cast<unsigned long long>(session.released),
                       static_cast<unsigned long long>(session.warnings), session.average, session.minimum, error.get(),
                       static_cast<double>(end - self->begun_ns) / 1e9, tokens.get(), scores.get(), times.get(),
                       newest.get());
}

PyObject* end(PyObject* object, PyObject*) {
  stream* self = stream_of(object);
  turn mine(self);
  BackfireSession session{};
  session.struct_size = sizeof session;
  if (!mine.take(true))
    return nullptr;
  const std::int32_t status = backfire_stream_finish(self->handle, &session);
  self->ended = true;
  if (self->ended_ns == 0)
    self->ended_ns = now_ns();
  return status < 0 ? raise(status) : record_of(self, session);
}

bool summary_of(stream* self, BackfireSession& session) {
  session.struct_size = sizeof session;
  if (!self->handle) {
    PyErr_SetString(PyExc_RuntimeError, "Stream.__init__ was not called");
    return false;
  }
  const std::int32_t status = backfire_stream_summary(self->handle, &session);
  if (status < 0)
    raise(status);
  return status >= 0;
}

PyObject* record(PyObject* object, PyObject*) {
  BackfireSession session{};
  return summary_of(stream_of(object), session) ? record_of(stream_of(object), session) : nullptr;
}

PyObject* get_wants_score(PyObject* object, void*) {
  stream* self = stream_of(object);
  return PyBool_FromLong(self->handle && backfire_stream_wants_score(self->handle) == 1);
}
PyObject* get_halted(PyObject* object, void*) { return PyBool_FromLong(is_halted(stream_of(object))); }
PyObject* get_is_active(PyObject* object, void*) {
  stream* self = stream_of(object);
  return PyBool_FromLong(self->interlock && backfire_interlock_is_active(interlock_of(self->interlock)) == 1);
}
PyObject* get_token_count(PyObject* object, void*) {
  return PyLong_FromSsize_t(PyList_Size(stream_of(object)->tokens));
}
PyObject* get_released(PyObject* object, void*) {
  BackfireSession session{};
  return summary_of(stream_of(object), session) ? PyLong_FromUnsignedLongLong(session.released) : nullptr;
}

PyMethodDef methods[] = {
    {"push", method(push), METH_VARARGS | METH_KEYWORDS,
     "push(token, score=None, *, entropy=None, latency_ms=0.0, error=None)\n--\n\n"
     "The verdict on the next token, a Verdict.\n\n"
     "score is None where score_every asks for none (see wants_score); a score that is missing, no number or not "
     "finite "
     "counts as 0 and halts. entropy: of the token's distribution, bits. latency_ms: from asking for the score to "
     "having it, milliseconds. error: why there is no score.\n\n"
     "After a halt the verdict is repeated and nothing is counted. TypeError for a token that is no str, RuntimeError "
     "after finish()."},
    {"_feed", feed, METH_VARARGS, "_feed(tokens, scorer, accumulate, entropy): for kernels.py"},
    {"_end", end, METH_NOARGS, "_end(): for kernels.py"},
    {"_record", record, METH_NOARGS, "_record(): for kernels.py"},
    {nullptr, nullptr, 0, nullptr}};

PyGetSetDef properties[] = {
    {"wants_score", get_wants_score, nullptr, "True if the next token has to be scored: with score_every n, each n-th.",
     nullptr},
    {"halted", get_halted, nullptr, "True once a token was halted.", nullptr},
    {"is_active", get_is_active, nullptr, "True while its interlock lets tokens pass.", nullptr},
    {"token_count", get_token_count, nullptr, "How many tokens were taken.", nullptr},
    {"released", get_released, nullptr, "How many of them, from the first on, may be shown.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

} // namespace

bool turn::take(bool also_ended) {
  const char* wrong = !self_->handle                ? "Stream.__init__ was not called"
                      : self_->busy                 ? "the stream is in use: a scorer must not push into its own stream"
                      : self_->ended && !also_ended ? "the stream has ended: begin another"
                                                    : nullptr;
  if (wrong) {
    PyErr_SetString(PyExc_RuntimeError, wrong);
    return false;
  }
  return mine_ = self_->busy = true;
}

void push_observed(stream* self, const char* text, std::size_t length, const BackfireObservation& seen, bool counts,
                   std::int64_t now) {
  self->released = self->last.released;
  // A score in time with nothing besides is what the shorter call takes: half the time, the same verdict.
  if (seen.scored && !seen.has_entropy && !seen.error && seen.latency_ms <= self->deadline_ms)
    backfire_stream_push(self->handle, text, length, seen.score, &self->last);
  else
    backfire_stream_observe(self->handle, text, length, &seen, &self->last);
  const bool has_score = counts && self->last.kind != BACKFIRE_HALT_KERNEL_INACTIVE;
  self->kept->add(has_score ? self->last.score : nan, static_cast<double>(now - self->begun_ns) / 1e9);
}

bool push_token(stream* self, PyObject* token, const BackfireObservation& seen, std::int64_t now) {
  if (!PyUnicode_Check(token)) {
    ref type(PyObject_GetAttrString(reinterpret_cast<PyObject*>(Py_TYPE(token)), "__name__"));
    if (type)
      PyErr_Format(PyExc_TypeError, "token %zd must be a str, is a %S", PyList_Size(self->tokens), type.get());
    return false;
  }
  if (is_halted(self)) {
    self->released = self->last.released;
    return true;
  }
  ref held;
  Py_ssize_t length = 0;
  const char* text = self->reads_text ? utf8_of(token, length, held) : nullptr;
  if (self->reads_text && !text)
    return false;
  if (!self->kept->reserve(1))
    return PyErr_NoMemory(), false;
  if (PyList_Append(self->tokens, token) < 0)
    return false;
  const bool counts = seen.scored || seen.error != nullptr || backfire_stream_wants_score(self->handle) == 1;
  push_observed(self, text, static_cast<std::size_t>(length), seen, counts, now);
  return true;
}

bool add_stream(PyObject* module) {
  static PyType_Slot slots[] = {{Py_tp_new, slot(create)},
                                {Py_tp_init, slot(initialise)},
                                {Py_tp_dealloc, slot(deallocate)},
                                {Py_tp_traverse, slot(traverse)},
                                {Py_tp_clear, slot(clear)},
                                {Py_tp_methods, methods},
                                {Py_tp_getset, properties},
                                {Py_tp_doc, const_cast<char*>("The native part of a Stream.")},
                                {0, nullptr}};
  static PyType_Spec spec = {"backfire_kernel._native.Stream", sizeof(stream), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE, slots};
  stream_type = reinterpret_cast<PyTypeObject*>(PyType_FromModuleAndSpec(module, &spec, nullptr));
  return stream_type && PyModule_AddType(module, stream_type) == 0;
}

} // namespace mycelium::backfire
