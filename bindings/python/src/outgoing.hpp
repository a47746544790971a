// A message on its way out: its type_id and its bytes, from a generated class through the native codec, or from any
// object with TYPE_ID and to_bytes().
#pragma once

#include "codec.hpp"
#include "python.hpp"

#include <cstdint>
#include <span>

namespace mycelium::python {

class outgoing {
public:
  // False with an error. The bytes live until the next call or the end of this object.
  bool prepare(PyObject* message);
  std::uint16_t type_id() const { return type_id_; }
  std::span<const std::uint8_t> bytes() const { return bytes_; }

private:
  std::uint16_t type_id_ = 0;
  std::span<const std::uint8_t> bytes_;
  encoder encoder_;
  ref object_;
  buffer buffer_;
};

} // namespace mycelium::python
