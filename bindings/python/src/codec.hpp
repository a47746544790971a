// The native codec: messages to canonical bytes and back, as the generated _encode.py and _decode.py do it. Every error
// is a Python exception: ValueError for malformed bytes and values out of range, TypeError for values of the wrong
// type.
#pragma once

#include "codec_plan.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace mycelium::python {

inline constexpr int max_depth = 64;
inline constexpr std::size_t max_size = 0x7FFFFFFF;
// Tables and elements that a decoder visits, and bytes that it sees. Parts may be shared; an honest message needs far
// less.
constexpr std::uint64_t max_steps(std::size_t size) { return 1024 + 4 * std::uint64_t{size}; }
constexpr std::uint64_t max_reach(std::size_t size) { return (16u << 20) + 8 * std::uint64_t{size}; }

// Memory to build messages in, one after the other. A thread encodes into its own; when Python code that an encoder
// calls encodes again, that takes another one.
class encoder {
public:
  encoder();
  ~encoder();
  encoder(const encoder&) = delete;
  encoder& operator=(const encoder&) = delete;

  // The canonical bytes of a message; they are valid until the next call or the end of the encoder. NULL data: an
  // error.
  std::span<const std::uint8_t> encode(const plan& layout, PyObject* message);

private:
  struct memory* memory_;
  bool borrowed_ = false;
};

// What a decoder reads. Views of the payload keep owner alive; it is made when the first view needs it.
struct source {
  std::span<const std::uint8_t> bytes;
  PyObject* owner = nullptr; // borrowed
  PyObject* (*make_owner)(source&) = nullptr;
  void* context = nullptr;
};

// A new message of the plan's class, or NULL with an error.
PyObject* decode(const plan& layout, source& from);

// The bytes of one scalar in the low end of bits.
bool scalar_bits(const field& of, PyObject* value, std::uint64_t& bits);
PyObject* scalar_value(char format, const std::uint8_t* at);
// A typed memoryview of count scalars that lie in the memory of owner.
PyObject* view_scalars(PyObject* owner, const std::uint8_t* data, std::size_t count, char format);
bool add_view_type(PyObject* module);

// encode(message) -> bytes, decode(cls, data) -> message
PyObject* python_encode(PyObject* module, PyObject* message);
PyObject* python_decode(PyObject* module, PyObject* const* args, Py_ssize_t count);

} // namespace mycelium::python
