#include "verdict.hpp"

namespace mycelium::backfire {
namespace {

PyTypeObject* verdict_type = nullptr;

struct verdict {
  PyObject_HEAD BackfireVerdict said;
  PyObject* text;
};

const BackfireVerdict& said_by(PyObject* object) { return reinterpret_cast<verdict*>(object)->said; }

void deallocate(PyObject* object) {
  Py_CLEAR(reinterpret_cast<verdict*>(object)->text);
  free_object(object);
}

PyObject* get_action(PyObject* object, void*) { return PySequence_GetItem(shared.actions, said_by(object).action); }
PyObject* get_kind(PyObject* object, void*) { return PySequence_GetItem(shared.kinds, said_by(object).kind); }
PyObject* get_index(PyObject* object, void*) { return PyLong_FromUnsignedLongLong(said_by(object).index); }
PyObject* get_score(PyObject* object, void*) { return PyFloat_FromDouble(said_by(object).score); }
PyObject* get_measured(PyObject* object, void*) { return PyFloat_FromDouble(said_by(object).measured); }
PyObject* get_limit(PyObject* object, void*) { return PyFloat_FromDouble(said_by(object).limit); }
PyObject* get_released(PyObject* object, void*) { return PyLong_FromUnsignedLongLong(said_by(object).released); }
PyObject* get_text(PyObject* object, void*) { return ref::share(reinterpret_cast<verdict*>(object)->text).release(); }
PyObject* get_halted(PyObject* object, void*) { return PyBool_FromLong(said_by(object).action == BACKFIRE_HALT); }
PyObject* get_reason(PyObject* object, void*) {
  const BackfireVerdict& said = said_by(object);
  return reason_of(said.kind, said.measured, said.limit);
}

PyObject* represent(PyObject* object) {
  ref action(get_action(object, nullptr)), reason(get_reason(object, nullptr));
  ref name(action ? PyObject_GetAttrString(action.get(), "name") : nullptr);
  if (!name || !reason)
    return nullptr;
  const char* before = PyUnicode_GetLength(reason.get()) > 0 ? ": " : "";
  return PyUnicode_FromFormat("<Verdict %U of token %llu%s%U>", name.get(),
                              static_cast<unsigned long long>(said_by(object).index), before, reason.get());
}

PyGetSetDef properties[] = {
    {"action", get_action, nullptr, "What becomes of the token, an Action.", nullptr},
    {"halted", get_halted, nullptr, "True if action is Action.HALT.", nullptr},
    {"kind", get_kind, nullptr, "Which check fired, a HaltKind; NONE if none did.", nullptr},
    {"reason", get_reason, nullptr, "The check with what it measured, \"hard_limit (0.1000 < 0.5)\"; \"\" if none.",
     nullptr},
    {"index", get_index, nullptr, "Of the token; after a halt, of the halting one.", nullptr},
    {"score", get_score, nullptr, "As it counted: 0.0 where it was no finite number.", nullptr},
    {"measured", get_measured, nullptr, "What the check that fired has measured.", nullptr},
    {"limit", get_limit, nullptr, "The limit of that check.", nullptr},
    {"released", get_released, nullptr, "How many tokens of the stream, from the first on, may be shown.", nullptr},
    {"text", get_text, nullptr, "What may be shown now and could not before.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

} // namespace

PyObject* new_verdict(const BackfireVerdict& said, ref text) {
  auto* made = text ? allocate<verdict>(verdict_type) : nullptr;
  if (made) {
    made->said = said;
    made->text = text.release();
  }
  return reinterpret_cast<PyObject*>(made);
}

PyObject* reason_of(std::int32_t kind, double measured, double limit) {
  return text_of([&](char* buffer, std::size_t cap, std::size_t* length) {
    return backfire_reason_text(kind, measured, limit, buffer, cap, length);
  });
}

bool add_verdict(PyObject* module) {
  static PyType_Slot slots[] = {{Py_tp_dealloc, slot(deallocate)},
                                {Py_tp_repr, slot(represent)},
                                {Py_tp_getset, properties},
                                {Py_tp_doc, const_cast<char*>("What Stream.push answers. Immutable.")},
                                {0, nullptr}};
  static PyType_Spec spec = {"backfire_kernel.Verdict", sizeof(verdict), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
  verdict_type = reinterpret_cast<PyTypeObject*>(PyType_FromModuleAndSpec(module, &spec, nullptr));
  return verdict_type && PyModule_AddType(module, verdict_type) == 0;
}

} // namespace mycelium::backfire
