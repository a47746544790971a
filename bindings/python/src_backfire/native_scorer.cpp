#include "native_scorer.hpp"

namespace mycelium::backfire {
namespace {

PyTypeObject* scorer_type = nullptr;

struct scorer {
  PyObject_HEAD native_scorer native;
  PyObject* kept;
};

scorer* self_of(PyObject* object) { return reinterpret_cast<scorer*>(object); }

PyObject* create(PyTypeObject* type, PyObject* args, PyObject* keywords) {
  static const char* names[] = {"address", "user_data", "keep", nullptr};
  PyObject *address = nullptr, *user_data = nullptr, *kept = Py_None;
  if (!PyArg_ParseTupleAndKeywords(args, keywords, "O!|O!$O:NativeScorer", const_cast<char**>(names), &PyLong_Type,
                                   &address, &PyLong_Type, &user_data, &kept))
    return nullptr;
  void* function = PyLong_AsVoidPtr(address);
  void* data = user_data ? PyLong_AsVoidPtr(user_data) : nullptr;
  if (PyErr_Occurred())
    return nullptr;
  if (!function) {
    PyErr_SetString(PyExc_ValueError, "the address of a scorer's function must not be 0");
    return nullptr;
  }
  auto* self = allocate<scorer>(type);
  if (!self)
    return nullptr;
  self->native = {reinterpret_cast<double (*)(const char*, std::size_t, void*)>(function), data};
  self->kept = ref::share(kept).release();
  return reinterpret_cast<PyObject*>(self);
}

int traverse(PyObject* object, visitproc visit, void* arg) {
  Py_VISIT(reinterpret_cast<PyObject*>(Py_TYPE(object)));
  Py_VISIT(self_of(object)->kept);
  return 0;
}

int clear(PyObject* object) {
  Py_CLEAR(self_of(object)->kept);
  return 0;
}

void deallocate(PyObject* object) {
  PyObject_GC_UnTrack(object);
  clear(object);
  free_object(object);
}

PyObject* call(PyObject* object, PyObject* args, PyObject*) {
  PyObject* text = nullptr;
  if (!PyArg_ParseTuple(args, "U:NativeScorer", &text))
    return nullptr;
  ref held;
  Py_ssize_t length = 0;
  const char* bytes = utf8_of(text, length, held);
  if (!bytes)
    return nullptr;
  const native_scorer& native = self_of(object)->native;
  return PyFloat_FromDouble(
      without_gil([&] { return native.score(bytes, static_cast<std::size_t>(length), native.user_data); }));
}

constexpr const char* doc =
    "NativeScorer(address, user_data=0, *, keep=None)\n--\n\n"
    "A scorer in C, or what compiles to it: the address of double score(const char* text, size_t length, void* "
    "user_data), with text in UTF-8, length bytes, not zero-terminated, valid during the call. NaN says that there is "
    "no score.\n\nIt is called without the GIL, on the thread that streams; it must not call Python without taking the "
    "GIL. keep is held as long as the scorer: what owns the function, for one. ValueError for address 0.";

} // namespace

bool native_scorer_of(PyObject* object, native_scorer& out) {
  if (Py_TYPE(object) != scorer_type)
    return bound_scorer_of(object, out);
  out = self_of(object)->native;
  return true;
}

bool add_native_scorer(PyObject* module) {
  static PyType_Slot slots[] = {{Py_tp_new, slot(create)},
                                {Py_tp_dealloc, slot(deallocate)},
                                {Py_tp_traverse, slot(traverse)},
                                {Py_tp_clear, slot(clear)},
                                {Py_tp_call, slot(call)},
                                {Py_tp_doc, const_cast<char*>(doc)},
                                {0, nullptr}};
  static PyType_Spec spec = {"backfire_kernel.NativeScorer", sizeof(scorer), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
                             slots};
  scorer_type = reinterpret_cast<PyTypeObject*>(PyType_FromModuleAndSpec(module, &spec, nullptr));
  return scorer_type && PyModule_AddType(module, scorer_type) == 0;
}

} // namespace mycelium::backfire
