// Plans: the LAYOUT of a generated class (tools/schema_compiler/python/_layout.py) compiled into what the codec needs
// at run time. A plan lives as long as the process and keeps its class alive. Everything here needs the GIL.
#pragma once

#include "python.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mycelium::python {

inline constexpr int layout_version = 1;

enum class kind : std::uint8_t { scalar, string, structure, table, union_value, scalars, strings, structs, tables };

// One attribute of the instances of a class. Slots are read and written through their descriptors, without a look-up.
struct attribute {
  PyObject* name = nullptr;
  PyObject* descriptor = nullptr;
  descrgetfunc read = nullptr;
  descrsetfunc write = nullptr;

  PyObject* get(PyObject* object) const { // new reference, or NULL with an error
    return read ? read(descriptor, object, nullptr) : PyObject_GetAttr(object, name);
  }
  bool set(PyObject* object, PyObject* value) const {
    return (write ? write(descriptor, object, value) : PyObject_SetAttr(object, name, value)) == 0;
  }
};

struct enumeration {
  PyObject* type = nullptr;    // NULL: a plain number
  PyObject* members = nullptr; // dict: number -> member
  bool flags = false;
  std::uint64_t known_bits = 0;
};

struct plan;

struct variant {
  std::uint8_t value = 0;
  const plan* of = nullptr;
};

// A field of a table or a member of a struct.
struct field {
  attribute where;
  std::uint16_t place = 0; // table: offset in the vtable; struct: offset in the struct
  python::kind kind = kind::scalar;
  char format = 0;       // of scalars, as in Python's struct module
  std::uint8_t size = 0; // of one scalar
  bool optional = false;
  bool required = false;
  std::uint32_t count = 0; // elements of an array in a struct; 0 if it is none
  std::uint64_t default_bits = 0;
  PyObject* default_value = nullptr;
  enumeration names;
  const plan* of = nullptr;
  std::vector<variant> variants;
};

// One entry of a vtable, as the encoder adds it.
struct slot_write {
  std::uint16_t field = 0;
  bool union_type = false;
};

struct plan {
  PyTypeObject* type = nullptr;
  allocfunc allocate = nullptr;
  bool is_table = false;
  std::uint32_t size = 0;      // struct
  std::uint32_t alignment = 1; // struct
  std::vector<field> fields;
  std::vector<slot_write> writes;
};

// The plan of a generated class. NULL without an error if the class has no LAYOUT, NULL with an error if that is
// malformed.
const plan* plan_of(PyTypeObject* type);
// Bytes of a scalar: "?bBhHiIqQfd"; 0 for any other character.
std::uint8_t size_of(char format);

} // namespace mycelium::python
