#include "message.hpp"

#include "codec.hpp"
#include "errors.hpp"

#include <cstring>

namespace mycelium::python {

PyTypeObject* message_type = nullptr;

namespace {

PyTypeObject* envelope_type = nullptr;

message* self_of(PyObject* object) { return reinterpret_cast<message*>(object); }

void message_free(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  mycelium_message_release(self_of(self)->handle);
  PyObject_Free(self);
  Py_DECREF(reinterpret_cast<PyObject*>(type));
}

int message_buffer(PyObject* self, Py_buffer* out, int flags) {
  return PyBuffer_FillInfo(out, self, const_cast<std::uint8_t*>(self_of(self)->data),
                           static_cast<Py_ssize_t>(self_of(self)->size), 1, flags);
}

Py_ssize_t message_length(PyObject* self) { return static_cast<Py_ssize_t>(self_of(self)->size); }

PyObject* message_type_id(PyObject* self, void*) {
  return PyLong_FromLong(mycelium_message_type_id(self_of(self)->handle));
}
PyObject* message_payload(PyObject* self, void*) { return PyMemoryView_FromObject(self); }
PyObject* message_envelope(PyObject* self, void*) { return new_envelope(self_of(self)->handle); }
PyObject* message_is_request(PyObject* self, void*) {
  return PyBool_FromLong(mycelium_message_is_request(self_of(self)->handle));
}

PyObject* message_decode(PyObject* self, PyObject* cls) {
  PyObject* args[] = {cls, self};
  return python_decode(nullptr, args, 2);
}

PyObject* message_repr(PyObject* self) {
  return PyUnicode_FromFormat("<mycelium_native.Message type_id=%d, %zu bytes>",
                              static_cast<int>(mycelium_message_type_id(self_of(self)->handle)), self_of(self)->size);
}

PyObject* trace_text(const MyceliumEnvelope& envelope) {
  if (!envelope.has_trace)
    return ref::share(Py_None).release();
  char text[64];
  static constexpr char digits[] = "0123456789abcdef";
  char* at = text;
  auto put = [&](const std::uint8_t* bytes, int count) {
    for (int i = 0; i < count; ++i) {
      *at++ = digits[bytes[i] >> 4];
      *at++ = digits[bytes[i] & 15];
    }
  };
  std::memcpy(at, "00-", 3), at += 3;
  put(envelope.trace_id, 16), *at++ = '-';
  put(envelope.span_id, 8), *at++ = '-';
  put(&envelope.trace_flags, 1);
  return PyUnicode_FromStringAndSize(text, at - text);
}

// The source of views into a message that is being decoded: the message becomes an object when the first view needs it.
struct message_source : source {
  MyceliumMessage* handle = nullptr;
};

PyObject* own_message(source& from) {
  auto& self = static_cast<message_source&>(from);
  return new_message(std::exchange(self.handle, nullptr));
}

PyObject* decode_message(MyceliumMessage* handle, const plan& layout) {
  message_source from;
  from.handle = handle;
  from.make_owner = own_message;
  std::size_t size = 0;
  const std::uint8_t* data = mycelium_message_payload(handle, &size);
  from.bytes = {data, size};
  PyObject* value = decode(layout, from);
  Py_XDECREF(from.owner);
  mycelium_message_release(from.handle);
  return value;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool read_hex(const char* text, std::uint8_t* out, int count) {
  for (int i = 0; i < count; ++i) {
    const int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
    if (high < 0 || low < 0)
      return false;
    out[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return true;
}

PyStructSequence_Field envelope_fields[] = {
    {"type_id", "what kind of message it is"},
    {"sequence", "1, 2, 3 ... per publisher"},
    {"publisher_id", "one per publishing thread"},
    {"timestamp_ns", "when it was published: nanoseconds since 1970 (UTC)"},
    {"correlation_id", "0: none"},
    {"priority", "0 to 255"},
    {"destination", "0: all, 1: one subscription, 2: one by key"},
    {"destination_key", "the subscription's id or the key"},
    {"trace", "W3C traceparent, or None"},
    {"is_request", "True if the publisher waits for a reply"},
    {nullptr, nullptr},
};

PyStructSequence_Desc envelope_description = {"mycelium_native.Envelope", "What travels with a payload.",
                                              envelope_fields, 10};

PyGetSetDef message_properties[] = {
    {"type_id", message_type_id, nullptr, "What kind of message it is.", nullptr},
    {"payload", message_payload, nullptr, "The payload as a read-only memoryview, without a copy.", nullptr},
    {"envelope", message_envelope, nullptr, "What travels with the payload.", nullptr},
    {"is_request", message_is_request, nullptr, "True if the publisher waits for a reply: see Runtime.reply.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

PyMethodDef message_methods[] = {
    {"decode", message_decode, METH_O, "decode(cls): the payload as a message of a generated class."},
    {nullptr, nullptr, 0, nullptr}};

} // namespace

PyObject* new_message(MyceliumMessage* handle) {
  message* self = PyObject_New(message, message_type);
  if (!self) {
    mycelium_message_release(handle);
    return nullptr;
  }
  self->handle = handle;
  self->data = mycelium_message_payload(handle, &self->size);
  return reinterpret_cast<PyObject*>(self);
}

PyObject* new_envelope(const MyceliumMessage* handle) {
  MyceliumEnvelope e{};
  e.struct_size = sizeof e;
  if (const std::int32_t status = mycelium_message_envelope(handle, &e); status < 0)
    return raise(status);
  ref self(PyStructSequence_New(envelope_type));
  if (!self)
    return nullptr;
  PyObject* values[] = {PyLong_FromLong(e.type_id),
                        PyLong_FromUnsignedLongLong(e.sequence),
                        PyLong_FromUnsignedLongLong(e.publisher_id),
                        PyLong_FromLongLong(e.timestamp_ns),
                        PyLong_FromUnsignedLongLong(e.correlation_id),
                        PyLong_FromLong(e.priority),
                        PyLong_FromLong(e.destination),
                        PyLong_FromUnsignedLongLong(e.destination_key),
                        trace_text(e),
                        PyBool_FromLong(mycelium_message_is_request(handle))};
  bool complete = true;
  for (Py_ssize_t i = 0; i < static_cast<Py_ssize_t>(std::size(values)); ++i) {
    complete = complete && values[i];
    PyStructSequence_SetItem(self.get(), i, values[i]);
  }
  return complete ? self.release() : nullptr;
}

bool read_trace(PyObject* traceparent, MyceliumEnvelope& out) {
  Py_ssize_t size = 0;
  const char* text = PyUnicode_Check(traceparent) ? PyUnicode_AsUTF8AndSize(traceparent, &size) : nullptr;
  if (text && size == 55 && std::memcmp(text, "00-", 3) == 0 && text[35] == '-' && text[52] == '-' &&
      read_hex(text + 3, out.trace_id, 16) && read_hex(text + 36, out.span_id, 8) &&
      read_hex(text + 53, &out.trace_flags, 1)) {
    out.has_trace = 1;
    return true;
  }
  if (!PyErr_Occurred())
    PyErr_SetString(PyExc_ValueError,
                    "trace is a W3C traceparent: \"00-<32 hex digits>-<16 hex digits>-<2 hex digits>\"");
  return false;
}

PyObject* take_message(MyceliumMessage* handle, PyObject* cls, const plan* layout) {
  if (layout)
    return decode_message(handle, *layout);
  ref whole(new_message(handle));
  if (!cls || !whole)
    return whole.release();
  ref bytes(PyBytes_FromObject(whole.get()));
  return bytes ? PyObject_CallMethod(cls, "from_bytes", "O", bytes.get()) : nullptr;
}

PyObject* read_reply(PyObject* reply, PyObject* cls) {
  if (cls == Py_None || PyLong_Check(cls))
    return ref::share(reply).release();
  std::uint16_t wanted = 0;
  const std::uint16_t given = mycelium_message_type_id(self_of(reply)->handle);
  if (!read_type_id(cls, wanted))
    return nullptr;
  if (wanted != given) {
    PyErr_Format(PyExc_ValueError, "the reply has type_id %d, expected was %d", static_cast<int>(given),
                 static_cast<int>(wanted));
    return nullptr;
  }
  const plan* layout = PyType_Check(cls) ? plan_of(reinterpret_cast<PyTypeObject*>(cls)) : nullptr;
  if (layout)
    return message_decode(reply, cls);
  ref bytes(PyErr_Occurred() ? nullptr : PyBytes_FromObject(reply));
  return bytes ? PyObject_CallMethod(cls, "from_bytes", "O", bytes.get()) : nullptr;
}

bool read_type_id(PyObject* from, std::uint16_t& type_id) {
  ref number;
  if (PyLong_Check(from)) {
    number = ref::share(from);
  } else {
    number = ref(PyObject_GetAttrString(from, "TYPE_ID"));
    if (!number && !PyErr_ExceptionMatches(PyExc_AttributeError))
      return false;
    if (!number || !PyLong_Check(number.get())) {
      PyErr_SetString(PyExc_ValueError, "message missing TYPE_ID");
      return false;
    }
  }
  const long value = PyLong_AsLong(number.get());
  if (value >= 1 && value <= 65535) {
    type_id = static_cast<std::uint16_t>(value);
    return true;
  }
  PyErr_Clear();
  PyErr_Format(PyExc_ValueError, "a type_id is a number from 1 to 65535, not %R", number.get());
  return false;
}

bool add_message_types(PyObject* module) {
  static PyType_Slot slots[] = {
      {Py_tp_dealloc, slot(message_free)},
      {Py_tp_repr, slot(message_repr)},
      {Py_tp_getset, message_properties},
      {Py_tp_methods, message_methods},
      {Py_bf_getbuffer, slot(message_buffer)},
      {Py_sq_length, slot(message_length)},
      {Py_tp_doc, const_cast<char*>("A received message. Supports the buffer protocol: "
                                    "memoryview(m), bytes(m), numpy.frombuffer(m) read its "
                                    "payload without a copy; it stays valid as long as any of "
                                    "them lives.")},
      {0, nullptr}};
  static PyType_Spec spec = {"mycelium_native.Message", sizeof(message), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
  message_type = reinterpret_cast<PyTypeObject*>(PyType_FromModuleAndSpec(module, &spec, nullptr));
  envelope_type = PyStructSequence_NewType(&envelope_description);
  return message_type && envelope_type && PyModule_AddType(module, message_type) == 0 &&
         PyModule_AddObjectRef(module, "Envelope", reinterpret_cast<PyObject*>(envelope_type)) == 0;
}

} // namespace mycelium::python
