// Scorer and BoundScorer, for scorer.py: reviews with callbacks in Python.
#include "knowledge.hpp"
#include "native_scorer.hpp"

#include <atomic>
#include <limits>
#include <vector>

namespace mycelium::backfire {
namespace {

PyTypeObject* scorer_type = nullptr;
PyTypeObject* bound_type = nullptr;

// What a callback of Python has said: it is asked before the library is, which then finds the answer here. So no Python
// runs inside the library, and an exception that no scorer may keep never meets it.
struct answer {
  enum { none, score, text, failure } kind = none;
  double number = 0;
  ref object; // what the text is of
  utf8 words;

  void give(BackfireAnswer* to) const {
    if (kind == score)
      backfire_answer_score(to, number);
    else if (kind == text)
      backfire_answer_text(to, words.data(), words.size());
    else if (kind == failure)
      backfire_answer_failure(to, words.data(), words.size());
  }
  // From the current exception. False if that passes through.
  bool fail() {
    object = take_failure();
    kind = failure;
    return object && words.read(object.get(), "a failure");
  }
};

struct answers {
  answer logic;
  answer facts;
};

// A BoundScorer has a prompt besides.
struct scorer {
  PyObject_HEAD BackfireScorer* handle;
  PyObject* nli;       // callable or None
  PyObject* knowledge; // callable or None
  PyObject* store;     // Knowledge or None
  PyObject* prompt;    // NULL, or the str that a BoundScorer measures against
  PyObject* encoded;   // its UTF-8, bytes
  const char* prompt_text;
  std::size_t prompt_size;
  const answers* given; // while the library is asked
  std::atomic<bool> busy;
};

scorer* self_of(PyObject* object) { return reinterpret_cast<scorer*>(object); }

void give_logic(const char*, std::size_t, const char*, std::size_t, BackfireAnswer* to, void* user_data) {
  static_cast<scorer*>(user_data)->given->logic.give(to);
}

void give_facts(const char*, std::size_t, BackfireAnswer* to, void* user_data) {
  static_cast<scorer*>(user_data)->given->facts.give(to);
}

bool asks(PyObject* callback) { return callback && callback != Py_None; }

// Asks the callbacks. False with an exception that passes through.
bool ask_nli(scorer* self, PyObject* prompt, PyObject* action, answer& out) {
  if (!asks(self->nli))
    return true;
  ref said(PyObject_CallFunctionObjArgs(self->nli, prompt, action, nullptr));
  out.kind = answer::score;
  out.number = said ? PyFloat_AsDouble(said.get()) : -1.0;
  return (out.number != -1.0 || !PyErr_Occurred()) || out.fail();
}

bool ask_knowledge(scorer* self, PyObject* prompt, answer& out) {
  if (!asks(self->knowledge))
    return true;
  out.object = ref(PyObject_CallFunctionObjArgs(self->knowledge, prompt, nullptr));
  if (out.object && out.object.get() == Py_None)
    return true;
  out.kind = answer::text;
  return (out.object && out.words.read(out.object.get(), "knowledge")) || out.fail();
}

// ---- the object ----

int traverse(PyObject* object, visitproc visit, void* arg) {
  scorer* self = self_of(object);
  Py_VISIT(reinterpret_cast<PyObject*>(Py_TYPE(object)));
  Py_VISIT(self->nli);
  Py_VISIT(self->knowledge);
  Py_VISIT(self->store);
  return 0;
}

int clear(PyObject* object) {
  scorer* self = self_of(object);
  Py_CLEAR(self->nli);
  Py_CLEAR(self->knowledge);
  Py_CLEAR(self->store);
  return 0;
}

void deallocate(PyObject* object) {
  PyObject_GC_UnTrack(object);
  backfire_scorer_destroy(self_of(object)->handle);
  clear(object);
  Py_CLEAR(self_of(object)->prompt);
  Py_CLEAR(self_of(object)->encoded);
  free_object(object);
}

PyObject* make(PyTypeObject* type, const BackfireConfig& config, PyObject* nli, PyObject* knowledge, PyObject* store) {
  auto* self = allocate<scorer>(type);
  if (!self)
    return nullptr;
  ref owned(reinterpret_cast<PyObject*>(self));
  self->nli = ref::share(nli).release();
  self->knowledge = ref::share(knowledge).release();
  self->store = ref::share(store).release();
  BackfireScorerOptions options{};
  options.struct_size = sizeof options;
  options.nli = asks(nli) ? give_logic : nullptr;
  options.knowledge = asks(knowledge) ? give_facts : nullptr;
  options.nli_data = options.knowledge_data = self;
  if (store != Py_None && !knowledge_of(store, options.store)) {
    PyErr_SetString(PyExc_TypeError, "store must be a Knowledge or None");
    return nullptr;
  }
  const std::int32_t status = backfire_scorer_create(&config, &options, &self->handle);
  return status < 0 ? raise(status) : owned.release();
}

PyObject* create(PyTypeObject* type, PyObject* args, PyObject*) {
  PyObject *limits = nullptr, *nli = nullptr, *knowledge = nullptr, *store = nullptr;
  BackfireConfig config;
  if (!PyArg_ParseTuple(args, "OOOO:Scorer", &limits, &nli, &knowledge, &store) || !read_config(limits, config))
    return nullptr;
  return make(type, config, nli, knowledge, store);
}

enum parts { logic = 1, facts = 2, all = 3 };

// Asks the callbacks that these parts need, then the library by body. False with an exception.
template <class Body>
bool measure(scorer* self, parts wanted, PyObject* prompt, PyObject* action, std::size_t size, Body body) {
  answers said;
  if (((wanted & logic) != 0 && !ask_nli(self, prompt, action, said.logic)) ||
      ((wanted & facts) != 0 && !ask_knowledge(self, prompt, said.facts)))
    return false;
  if (self->busy.exchange(true)) {
    PyErr_SetString(PyExc_RuntimeError, "another thread uses this scorer: give each thread one of its own");
    return false;
  }
  self->given = &said;
  const std::int32_t status = size < 4096 ? body() : without_gil(body);
  self->given = nullptr;
  self->busy = false;
  if (status < 0)
    raise(status);
  return status >= 0;
}

struct two_texts {
  PyObject* prompt = nullptr;
  PyObject* action = nullptr;
  utf8 p;
  utf8 a;

  bool read(PyObject* args) {
    return PyArg_ParseTuple(args, "OO", &prompt, &action) && p.read(prompt, "prompt") && a.read(action, "action");
  }
  std::size_t size() const { return p.size() + a.size(); }
};

PyObject* review(PyObject* object, PyObject* args) {
  scorer* self = self_of(object);
  two_texts texts;
  BackfireReview found{};
  found.struct_size = sizeof found;
  const auto ask = [&] {
    return backfire_scorer_review(self->handle, texts.p.data(), texts.p.size(), texts.a.data(), texts.a.size(), &found);
  };
  if (!texts.read(args) || !measure(self, all, texts.prompt, texts.action, texts.size(), ask))
    return nullptr;
  return Py_BuildValue("(dddNN)", found.score, found.h_logical, found.h_factual, PyBool_FromLong(found.approved),
                       PyBool_FromLong(found.warning));
}

using measuring = std::int32_t (*)(BackfireScorer*, const char*, std::size_t, const char*, std::size_t, double*);

template <measuring Measure, parts Wanted>
PyObject* divergence(PyObject* object, PyObject* args) {
  scorer* self = self_of(object);
  two_texts texts;
  double found = 0;
  const auto ask = [&] {
    return Measure(self->handle, texts.p.data(), texts.p.size(), texts.a.data(), texts.a.size(), &found);
  };
  if (!texts.read(args) || !measure(self, Wanted, texts.prompt, texts.action, texts.size(), ask))
    return nullptr;
  return PyFloat_FromDouble(found);
}

PyObject* evidence(PyObject* object, PyObject*) {
  return text_of([&](char* buffer, std::size_t cap, std::size_t* length) {
    return backfire_scorer_evidence_json(self_of(object)->handle, buffer, cap, length);
  });
}

template <std::int32_t (*Set)(BackfireScorer*, double)>
PyObject* change(PyObject* object, PyObject* number) {
  const double value = PyFloat_AsDouble(number);
  if (value == -1.0 && PyErr_Occurred())
    return nullptr;
  const std::int32_t status = Set(self_of(object)->handle, value);
  return status < 0 ? raise(status) : ref::share(Py_None).release();
}

// (coherence_threshold, soft_limit)
PyObject* limits(PyObject* object, PyObject*) {
  BackfireConfig config;
  backfire_config_init(&config);
  const std::int32_t status = backfire_scorer_config(self_of(object)->handle, &config);
  return status < 0 ? raise(status) : Py_BuildValue("(dd)", config.coherence_threshold, config.soft_limit);
}

PyObject* history(PyObject* object, PyObject*) {
  BackfireConfig config;
  backfire_config_init(&config);
  std::int32_t status = backfire_scorer_config(self_of(object)->handle, &config);
  std::vector<double> scores(status < 0 ? 0 : config.history_window);
  std::size_t count = 0;
  if (status >= 0)
    status = backfire_scorer_history(self_of(object)->handle, scores.data(), scores.size(), &count);
  ref out(status < 0 ? raise(status) : PyList_New(static_cast<Py_ssize_t>(count)));
  for (std::size_t i = 0; out && i < count; ++i) {
    PyObject* score = PyFloat_FromDouble(scores[i]);
    if (!score || PyList_SetItem(out.get(), static_cast<Py_ssize_t>(i), score) < 0)
      return nullptr;
  }
  return out.release();
}

PyObject* bind(PyObject* object, PyObject* prompt) {
  scorer* self = self_of(object);
  utf8 text;
  BackfireConfig config;
  backfire_config_init(&config);
  if (!text.read(prompt, "prompt"))
    return nullptr;
  if (const std::int32_t status = backfire_scorer_config(self->handle, &config); status < 0)
    return raise(status);
  ref encoded(PyBytes_FromStringAndSize(text.data(), static_cast<Py_ssize_t>(text.size())));
  PyObject* made = encoded ? make(bound_type, config, self->nli, self->knowledge, self->store) : nullptr;
  if (!made)
    return nullptr;
  scorer* bound = self_of(made);
  bound->prompt = ref::share(prompt).release();
  bound->encoded = encoded.release();
  bound->prompt_text = PyBytes_AsString(bound->encoded);
  bound->prompt_size = text.size();
  return made;
}

PyMethodDef methods[] = {
    {"review", review, METH_VARARGS, "review(prompt, action) -> (score, h_logical, h_factual, approved, warning)"},
    {"divergence", divergence<backfire_scorer_divergence, all>, METH_VARARGS, "divergence(prompt, action) -> float"},
    {"logical", divergence<backfire_scorer_logical, logic>, METH_VARARGS, "logical(prompt, action) -> float"},
    {"factual", divergence<backfire_scorer_factual, facts>, METH_VARARGS, "factual(prompt, action) -> float"},
    {"evidence", evidence, METH_NOARGS, "evidence() -> JSON"},
    {"set_threshold", change<backfire_scorer_set_threshold>, METH_O, "set_threshold(value)"},
    {"set_soft_limit", change<backfire_scorer_set_soft_limit>, METH_O, "set_soft_limit(value)"},
    {"limits", limits, METH_NOARGS, "limits() -> (coherence_threshold, soft_limit)"},
    {"history", history, METH_NOARGS, "history() -> [score]"},
    {"bind", bind, METH_O, "bind(prompt) -> BoundScorer"},
    {nullptr, nullptr, 0, nullptr}};

// ---- a scorer of the texts of one prompt ----

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

std::int32_t measure_bound(scorer* self, const char* text, std::size_t length, double& score) {
  double found = 0;
  const std::int32_t status =
      backfire_scorer_divergence(self->handle, self->prompt_text, self->prompt_size, text, length, &found);
  score = status < 0 ? nan : std::clamp(1 - found, 0.0, 1.0);
  return status;
}

// For streams, where there are no callbacks. A scorer that another stream uses at this moment gives no score.
double score_bound(const char* text, std::size_t length, void* user_data) {
  auto* self = static_cast<scorer*>(user_data);
  double score = nan;
  if (self->busy.exchange(true))
    return score;
  measure_bound(self, text, length, score);
  self->busy = false;
  return score;
}

PyObject* call(PyObject* object, PyObject* args, PyObject*) {
  scorer* self = self_of(object);
  PyObject* given = nullptr;
  utf8 text;
  double score = 0;
  const auto ask = [&] { return measure_bound(self, text.data(), text.size(), score); };
  if (!PyArg_ParseTuple(args, "O:BoundScorer", &given) || !text.read(given, "text") ||
      !measure(self, all, self->prompt, given, text.size() + self->prompt_size, ask))
    return nullptr;
  return PyFloat_FromDouble(score);
}

PyTypeObject* add_type(PyObject* module, const char* name, const char* doc, PyType_Slot more, PyType_Slot last) {
  PyType_Slot slots[] = {{Py_tp_dealloc, slot(deallocate)},
                         {Py_tp_traverse, slot(traverse)},
                         {Py_tp_clear, slot(clear)},
                         {Py_tp_doc, const_cast<char*>(doc)},
                         more,
                         last,
                         {0, nullptr}};
  const unsigned int flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC |
                             (more.slot == Py_tp_new ? 0u : static_cast<unsigned>(Py_TPFLAGS_DISALLOW_INSTANTIATION));
  PyType_Spec spec = {name, sizeof(scorer), 0, flags, slots};
  auto* type = reinterpret_cast<PyTypeObject*>(PyType_FromModuleAndSpec(module, &spec, nullptr));
  return type && PyModule_AddType(module, type) == 0 ? type : nullptr;
}

} // namespace

bool bound_scorer_of(PyObject* object, native_scorer& out) {
  // One that asks Python is a callable like others.
  if (Py_TYPE(object) != bound_type || asks(self_of(object)->nli) || asks(self_of(object)->knowledge))
    return false;
  out = {score_bound, self_of(object)};
  return true;
}

bool add_scorer(PyObject* module) {
  scorer_type = add_type(module, "backfire_kernel._native.Scorer", "The native part of RustCoherenceScorer.",
                         {Py_tp_new, slot(create)}, {Py_tp_methods, methods});
  bound_type = scorer_type ? add_type(module, "backfire_kernel.BoundScorer",
                                      "What RustCoherenceScorer.bind() returns: called with a text, the coherence of "
                                      "the text with the prompt, in [0, 1]. As a scorer of a stream it runs without "
                                      "the GIL; one stream at a time uses it.",
                                      {Py_tp_call, slot(call)}, {0, nullptr})
                           : nullptr;
  return bound_type != nullptr;
}

} // namespace mycelium::backfire
