// Knowledge: facts found by BM25, for knowledge.py.
#include "knowledge.hpp"

#include <vector>

namespace mycelium::backfire {
namespace {

PyTypeObject* knowledge_type = nullptr;

struct store {
  PyObject_HEAD BackfireKnowledge* handle;
};

BackfireKnowledge* handle_of(PyObject* object) { return reinterpret_cast<store*>(object)->handle; }

PyObject* create(PyTypeObject* type, PyObject*, PyObject*) {
  auto* self = allocate<store>(type);
  if (!self)
    return nullptr;
  self->handle = backfire_knowledge_create();
  if (self->handle)
    return reinterpret_cast<PyObject*>(self);
  Py_DECREF(reinterpret_cast<PyObject*>(self));
  return PyErr_NoMemory();
}

void deallocate(PyObject* object) {
  backfire_knowledge_destroy(handle_of(object));
  free_object(object);
}

PyObject* add(PyObject* object, PyObject* text) {
  utf8 fact;
  std::uint64_t id = 0;
  if (!fact.read(text, "a fact"))
    return nullptr;
  const std::int32_t status = backfire_knowledge_add(handle_of(object), fact.data(), fact.size(), &id);
  return status < 0 ? raise(status) : PyLong_FromUnsignedLongLong(id);
}

PyObject* remove(PyObject* object, PyObject* number) {
  const unsigned long long id = PyLong_AsUnsignedLongLong(number);
  if (PyErr_Occurred())
    return nullptr;
  return PyBool_FromLong(backfire_knowledge_remove(handle_of(object), id));
}

PyObject* count(PyObject* object, PyObject*) {
  std::size_t found = 0;
  backfire_knowledge_count(handle_of(object), &found);
  return PyLong_FromSize_t(found);
}

PyObject* find(PyObject* object, PyObject* args) {
  PyObject* text = nullptr;
  Py_ssize_t most = 0;
  utf8 query;
  if (!PyArg_ParseTuple(args, "On", &text, &most) || !query.read(text, "a query"))
    return nullptr;
  std::size_t facts = 0;
  backfire_knowledge_count(handle_of(object), &facts);
  std::vector<BackfireFact> found(std::min(facts, static_cast<std::size_t>(std::max<Py_ssize_t>(most, 0))));
  const std::int32_t status = without_gil([&] {
    return backfire_knowledge_find(handle_of(object), query.data(), query.size(), found.data(), found.size(), &facts);
  });
  ref out(status < 0 ? raise(status) : PyList_New(static_cast<Py_ssize_t>(facts)));
  for (std::size_t i = 0; out && i < facts; ++i) {
    PyObject* pair = Py_BuildValue("(Kd)", static_cast<unsigned long long>(found[i].id), found[i].score);
    if (!pair || PyList_SetItem(out.get(), static_cast<Py_ssize_t>(i), pair) < 0)
      return nullptr;
  }
  return out.release();
}

PyObject* fact(PyObject* object, PyObject* number) {
  const unsigned long long id = PyLong_AsUnsignedLongLong(number);
  if (PyErr_Occurred())
    return nullptr;
  return text_of([&](char* buffer, std::size_t cap, std::size_t* length) {
    return backfire_knowledge_fact(handle_of(object), id, buffer, cap, length);
  });
}

PyObject* context(PyObject* object, PyObject* text) {
  utf8 prompt;
  if (!prompt.read(text, "a prompt"))
    return nullptr;
  return text_of([&](char* buffer, std::size_t cap, std::size_t* length) {
    return backfire_knowledge_context(handle_of(object), prompt.data(), prompt.size(), buffer, cap, length);
  });
}

PyMethodDef methods[] = {{"add", add, METH_O, "add(text) -> id"},
                         {"remove", remove, METH_O, "remove(id) -> bool"},
                         {"count", count, METH_NOARGS, "count() -> int"},
                         {"find", find, METH_VARARGS, "find(query, most) -> [(id, score)]"},
                         {"fact", fact, METH_O, "fact(id) -> str"},
                         {"context", context, METH_O, "context(prompt) -> str"},
                         {nullptr, nullptr, 0, nullptr}};

} // namespace

bool knowledge_of(PyObject* object, BackfireKnowledge*& out) {
  if (Py_TYPE(object) != knowledge_type)
    return false;
  out = handle_of(object);
  return true;
}

bool add_knowledge(PyObject* module) {
  static PyType_Slot slots[] = {{Py_tp_new, slot(create)},
                                {Py_tp_dealloc, slot(deallocate)},
                                {Py_tp_methods, methods},
                                {Py_tp_doc, const_cast<char*>("The native part of InMemoryKnowledge.")},
                                {0, nullptr}};
  static PyType_Spec spec = {"backfire_kernel._native.Knowledge", sizeof(store), 0, Py_TPFLAGS_DEFAULT, slots};
  knowledge_type = reinterpret_cast<PyTypeObject*>(PyType_FromModuleAndSpec(module, &spec, nullptr));
  return knowledge_type && PyModule_AddType(module, knowledge_type) == 0;
}

} // namespace mycelium::backfire
