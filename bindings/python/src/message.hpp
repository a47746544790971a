// Received messages and their envelopes as Python sees them.
#pragma once

#include "codec_plan.hpp"
#include "python.hpp"

#include "mycelium.h"

#include <cstdint>

namespace mycelium::python {

// A retained message; exports its payload, read-only and without a copy, through the buffer protocol.
struct message {
  PyObject_HEAD MyceliumMessage* handle;
  const std::uint8_t* data;
  std::size_t size;
};

extern PyTypeObject* message_type;
bool add_message_types(PyObject* module);

// Takes the reference, also when it fails.
PyObject* new_message(MyceliumMessage* handle);
PyObject* new_envelope(const MyceliumMessage* handle);
// Reads "00-<trace id>-<span id>-<flags>", the traceparent of W3C trace context.
bool read_trace(PyObject* traceparent, MyceliumEnvelope& out);

// Decodes a message for a class; takes the reference, also when it fails. layout NULL: through cls.from_bytes; cls
// NULL: the message itself.
PyObject* take_message(MyceliumMessage* handle, PyObject* cls, const plan* layout);

// A Message as cls, whose type it has to have: None or a type_id leave it as it is.
PyObject* read_reply(PyObject* reply, PyObject* cls);

// A type_id from an int or from a class with a TYPE_ID. False with an error: ValueError "message missing TYPE_ID".
bool read_type_id(PyObject* from, std::uint16_t& type_id);

} // namespace mycelium::python
