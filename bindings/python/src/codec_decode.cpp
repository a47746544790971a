// The decoder. It refuses what the library refuses (schema/flat_reader.hpp).
#include "codec.hpp"
#include "codec_values.hpp"

#include <cstring>

namespace mycelium::python {
namespace {

constexpr std::uint8_t nothing = 0; // what empty views point to

// Always false.
bool malformed(const char* why) {
  PyErr_Format(PyExc_ValueError, "malformed message: %s", why);
  return false;
}

template <class T>
T load(const std::uint8_t* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

PyObject* enum_value(const enumeration& names, char format, const std::uint8_t* at) {
  ref number(scalar_value(format, at));
  if (!names.type || !number)
    return number.release();
  if (PyObject* member = PyDict_GetItemWithError(names.members, number.get()))
    return ref::share(member).release();
  if (PyErr_Occurred())
    return nullptr;
  const bool combination = names.flags && (PyLong_AsUnsignedLongLongMask(number.get()) & ~names.known_bits) == 0;
  return combination ? PyObject_CallFunctionObjArgs(names.type, number.get(), nullptr) : number.release();
}

PyObject* read_struct(const plan& layout, const std::uint8_t* at);

PyObject* read_one(const field& of, const std::uint8_t* at) {
  return of.kind == kind::scalar ? enum_value(of.names, of.format, at) : read_struct(*of.of, at);
}

PyObject* read_member(const field& of, const std::uint8_t* at) {
  if (of.count == 0)
    return read_one(of, at);
  if (of.format == 'B' && !of.names.type)
    return PyBytes_FromStringAndSize(reinterpret_cast<const char*>(at), of.count);
  ref items(PyTuple_New(of.count));
  const std::uint32_t each = of.format ? of.size : of.of->size;
  for (std::uint32_t i = 0; items && i < of.count; ++i) {
    PyObject* item = read_one(of, at + i * each);
    if (!item)
      return nullptr;
    PyTuple_SetItem(items.get(), static_cast<Py_ssize_t>(i), item);
  }
  return items.release();
}

// The caller has checked that size bytes of it lie in the buffer.
PyObject* read_struct(const plan& layout, const std::uint8_t* at) {
  ref value(layout.allocate(layout.type, 0));
  if (!value)
    return nullptr;
  for (const field& f : layout.fields) {
    ref item(read_member(f, at + f.place));
    if (!item || !f.where.set(value.get(), item.get()))
      return nullptr;
  }
  return value.release();
}

class reader {
public:
  explicit reader(source& from)
      : from_(from), data_(from.bytes.data()), size_(from.bytes.size()), steps_left_(max_steps(size_)),
        reach_left_(max_reach(size_)) {}

  PyObject* root(const plan& layout);

private:
  struct table {
    std::size_t position;
    std::size_t size;
    std::size_t vtable;
    std::size_t slots; // bytes of the vtable
  };

  bool inside(std::size_t position, std::size_t count, std::size_t alignment) const {
    return (position & (alignment - 1)) == 0 && count <= size_ && position <= size_ - count;
  }
  bool spend(std::uint64_t steps, std::uint64_t reach);
  bool follow(std::size_t position, std::size_t& target) const;
  bool elements(std::size_t position, std::size_t each, std::size_t alignment, std::size_t& count);
  bool enter(std::size_t position, int depth, table& out);
  bool place_of(const table& in, std::size_t slot, std::size_t size, std::size_t alignment, std::size_t& place) const;
  PyObject* read_table(const plan& layout, std::size_t position, int depth);
  PyObject* read_field(const field& of, const table& in, int depth);
  PyObject* read_union(const field& of, const table& in, int depth);
  PyObject* read_text(std::size_t position);
  PyObject* read_scalars(const field& of, std::size_t position);
  PyObject* read_structs(const field& of, std::size_t position);
  PyObject* read_targets(const field& of, std::size_t position, int depth);
  PyObject* absent(const field& of);
  bool make_owner();

  source& from_;
  const std::uint8_t* data_;
  std::size_t size_;
  std::uint64_t steps_left_;
  std::uint64_t reach_left_;
};

// The functions that return bool have set an error when they return false.
bool reader::spend(std::uint64_t steps, std::uint64_t reach) {
  if (steps > steps_left_ || reach > reach_left_)
    return malformed("parts are shared too many times over");
  steps_left_ -= steps;
  reach_left_ -= reach;
  return true;
}

bool reader::follow(std::size_t position, std::size_t& target) const {
  if (!inside(position, 4, 4))
    return malformed("an offset is misaligned or outside of the buffer");
  const auto distance = load<std::uint32_t>(data_ + position);
  target = position + distance;
  return (distance != 0 && distance <= max_size && inside(target, 1, 1)) ||
         malformed("an offset leads out of the buffer");
}

// The length of the vector at position, all of whose elements lie inside the buffer.
bool reader::elements(std::size_t position, std::size_t each, std::size_t alignment, std::size_t& count) {
  if (!inside(position, 4, 4))
    return malformed("a vector is misaligned or outside of the buffer");
  count = load<std::uint32_t>(data_ + position);
  if (!inside(position + 4, count * each, count ? alignment : 1))
    return malformed("a vector or string is misaligned or runs past the end");
  return spend(0, 4 + count * each);
}

bool reader::enter(std::size_t position, int depth, table& out) {
  if (!inside(position, 4, 4))
    return malformed("a table is misaligned or outside of the buffer");
  // Wraps around when it leaves the buffer, which the next check finds.
  out.vtable = position - static_cast<std::size_t>(std::int64_t{load<std::int32_t>(data_ + position)});
  if (!inside(out.vtable, 4, 2))
    return malformed("a vtable is misaligned or outside of the buffer");
  out.position = position;
  out.slots = load<std::uint16_t>(data_ + out.vtable);
  out.size = load<std::uint16_t>(data_ + out.vtable + 2);
  if (out.slots < 4 || out.slots % 2 != 0 || !inside(out.vtable, out.slots, 2))
    return malformed("a vtable has an impossible size");
  if (out.size < 4 || !inside(position, out.size, 4))
    return malformed("a table has an impossible size");
  return depth <= max_depth ? spend(1, out.size) : malformed("tables are nested deeper than 64");
}

// Where the value of a slot lies; 0 if it is absent.
bool reader::place_of(const table& in, std::size_t slot, std::size_t size, std::size_t alignment,
                      std::size_t& place) const {
  const std::size_t distance = slot + 2 <= in.slots ? load<std::uint16_t>(data_ + in.vtable + slot) : 0;
  place = distance ? in.position + distance : 0;
  if (distance == 0 || (distance >= 4 && distance + size <= in.size && (place & (alignment - 1)) == 0))
    return true;
  return malformed("a field is misaligned or outside of its table");
}

PyObject* reader::root(const plan& layout) {
  std::size_t position = 0;
  if (size_ < 8 || size_ > max_size)
    malformed(size_ < 8 ? "the buffer is shorter than any table" : "the buffer is over 2 GiB");
  else if (follow(0, position))
    return read_table(layout, position, 1);
  return nullptr;
}

PyObject* reader::read_table(const plan& layout, std::size_t position, int depth) {
  table in{};
  if (!enter(position, depth, in))
    return nullptr;
  ref message(layout.allocate(layout.type, 0));
  if (!message)
    return nullptr;
  for (const field& f : layout.fields) {
    ref value(read_field(f, in, depth));
    if (!value || !f.where.set(message.get(), value.get()))
      return nullptr;
  }
  return message.release();
}

PyObject* reader::read_field(const field& of, const table& in, int depth) {
  if (of.kind == kind::union_value)
    return read_union(of, in, depth);
  const bool is_struct = of.kind == kind::structure;
  const bool is_scalar = of.kind == kind::scalar;
  const std::size_t size = is_scalar ? of.size : is_struct ? of.of->size : 4;
  std::size_t place = 0, target = 0;
  if (!place_of(in, of.place, size, is_struct ? of.of->alignment : size, place))
    return nullptr;
  if (place == 0)
    return absent(of);
  if (is_scalar)
    return enum_value(of.names, of.format, data_ + place);
  if (is_struct)
    return read_struct(*of.of, data_ + place);
  if (!follow(place, target))
    return nullptr;
  switch (of.kind) {
  case kind::string:
    return read_text(target);
  case kind::table:
    return read_table(*of.of, target, depth + 1);
  case kind::scalars:
    return read_scalars(of, target);
  case kind::structs:
    return read_structs(of, target);
  default:
    return read_targets(of, target, depth);
  }
}

PyObject* reader::absent(const field& of) {
  if (of.required) {
    malformed("a required field is absent");
    return nullptr;
  }
  switch (of.kind) {
  case kind::scalar:
    return ref::share(of.default_value).release();
  case kind::string:
    return PyUnicode_FromStringAndSize("", 0);
  case kind::scalars:
    return view_scalars(nullptr, &nothing, 0, of.format);
  case kind::structs:
  case kind::strings:
  case kind::tables:
    return PyList_New(0);
  default:
    return ref::share(Py_None).release();
  }
}

PyObject* reader::read_union(const field& of, const table& in, int depth) {
  std::size_t type_place = 0, place = 0, target = 0;
  if (!place_of(in, of.place - 2u, 1, 1, type_place) || !place_of(in, of.place, 4, 4, place) ||
      (place != 0 && !follow(place, target)))
    return nullptr;
  const std::uint8_t number = type_place ? data_[type_place] : 0;
  if ((number == 0) != (place == 0)) {
    malformed("a union has a type without a value or a value without a type");
    return nullptr;
  }
  if (place == 0)
    return absent(of);
  for (const variant& v : of.variants) {
    if (v.value == number)
      return read_table(*v.of, target, depth + 1);
  }
  return ref::share(Py_None).release(); // a member that a newer schema has added
}

PyObject* reader::read_text(std::size_t position) {
  std::size_t count = 0;
  if (!elements(position, 1, 1, count))
    return nullptr;
  const std::size_t end = position + 4 + count;
  if (!inside(end, 1, 1) || data_[end] != 0) {
    malformed("a string does not end with a zero byte");
    return nullptr;
  }
  return PyUnicode_DecodeUTF8(reinterpret_cast<const char*>(data_ + position + 4), static_cast<Py_ssize_t>(count),
                              nullptr);
}

bool reader::make_owner() {
  if (!from_.owner && from_.make_owner)
    from_.owner = from_.make_owner(from_);
  return from_.owner != nullptr;
}

PyObject* reader::read_scalars(const field& of, std::size_t position) {
  std::size_t count = 0;
  if (!elements(position, of.size, of.size, count) || !make_owner())
    return nullptr;
  return view_scalars(from_.owner, data_ + position + 4, count, of.format);
}

PyObject* reader::read_structs(const field& of, std::size_t position) {
  const std::size_t each = of.of->size;
  std::size_t count = 0;
  if (!elements(position, each, of.of->alignment, count))
    return nullptr;
  ref items(PyList_New(static_cast<Py_ssize_t>(count)));
  for (std::size_t i = 0; items && i < count; ++i) {
    PyObject* item = read_struct(*of.of, data_ + position + 4 + i * each);
    if (!item)
      return nullptr;
    PyList_SetItem(items.get(), static_cast<Py_ssize_t>(i), item);
  }
  return items.release();
}

// A vector of strings or tables.
PyObject* reader::read_targets(const field& of, std::size_t position, int depth) {
  std::size_t count = 0;
  if (!elements(position, 4, 4, count) || !spend(count, 0))
    return nullptr;
  ref items(PyList_New(static_cast<Py_ssize_t>(count)));
  for (std::size_t i = 0; items && i < count; ++i) {
    std::size_t target = 0;
    if (!follow(position + 4 + 4 * i, target))
      return nullptr;
    PyObject* item = of.kind == kind::strings ? read_text(target) : read_table(*of.of, target, depth + 1);
    if (!item)
      return nullptr;
    PyList_SetItem(items.get(), static_cast<Py_ssize_t>(i), item);
  }
  return items.release();
}

} // namespace

PyObject* decode(const plan& layout, source& from) {
  PyObject* message = reader(from).root(layout);
  if (!message && PyErr_ExceptionMatches(PyExc_UnicodeError)) {
    PyErr_Clear();
    malformed("a string is not UTF-8");
  }
  return message;
}

PyObject* python_decode(PyObject*, PyObject* const* args, Py_ssize_t count) {
  if (count != 2 || !PyType_Check(args[0])) {
    PyErr_SetString(PyExc_TypeError, "decode(cls, data): a generated class and a buffer");
    return nullptr;
  }
  const plan* layout = plan_of(reinterpret_cast<PyTypeObject*>(args[0]));
  if (!layout || !layout->is_table) {
    if (!PyErr_Occurred())
      PyErr_Format(PyExc_TypeError, "cannot decode %R: it has no LAYOUT of a table", args[0]);
    return nullptr;
  }
  // The memoryview pins the memory as long as a view of it lives.
  ref owner(PyMemoryView_FromObject(args[1]));
  buffer data;
  if (!owner)
    return nullptr;
  if (!data.acquire(owner.get(), PyBUF_SIMPLE)) {
    PyErr_SetString(PyExc_ValueError, "the buffer is not contiguous");
    return nullptr;
  }
  source from{{data.data(), data.size()}, owner.get()};
  return decode(*layout, from);
}

} // namespace mycelium::python
