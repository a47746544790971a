#include "outgoing.hpp"

#include "message.hpp"

#include <unordered_map>

namespace mycelium::python {
namespace {

// A generated class and what publishing one of its instances needs.
struct message_class {
  const plan* layout = nullptr; // NULL: encode with to_bytes()
  std::uint16_t type_id = 0;
};

// Generated classes live as long as the process (their plans keep them), so what is known of them may be kept.
const message_class* class_of(PyTypeObject* type) {
  static auto& known = *new std::unordered_map<PyTypeObject*, message_class>;
  static PyTypeObject* last_type = nullptr;
  static const message_class* last = nullptr;
  if (type == last_type)
    return last;
  auto found = known.find(type);
  if (found == known.end()) {
    const plan* layout = plan_of(type);
    message_class made{layout, 0};
    if (!layout || !layout->is_table || !read_type_id(reinterpret_cast<PyObject*>(type), made.type_id))
      return nullptr;
    found = known.emplace(type, made).first;
  }
  last_type = type;
  last = &found->second;
  return last;
}

} // namespace

bool outgoing::prepare(PyObject* message) {
  if (const message_class* known = class_of(Py_TYPE(message))) {
    type_id_ = known->type_id;
    bytes_ = encoder_.encode(*known->layout, message);
    return bytes_.data() != nullptr;
  }
  if (PyErr_Occurred() || PyLong_Check(message) || !read_type_id(message, type_id_)) {
    if (!PyErr_Occurred())
      PyErr_SetString(PyExc_ValueError, "message missing TYPE_ID");
    return false;
  }
  buffer_.reset();
  object_ = ref(PyObject_CallMethod(message, "to_bytes", nullptr));
  if (!object_ || !buffer_.acquire(object_.get(), PyBUF_SIMPLE))
    return false;
  bytes_ = {buffer_.data(), buffer_.size()};
  return true;
}

} // namespace mycelium::python
