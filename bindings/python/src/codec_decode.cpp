// The decoder: checks what the verifier of FlatBuffers 2.0.8 checks, and that text is UTF-8, while it reads.
#include "codec.hpp"
#include "codec_values.hpp"

#include <cstring>

namespace mycelium::python {
namespace {

constexpr std::uint8_t nothing = 0; // what empty views point to

PyObject* malformed(const char* why) {
  PyErr_Format(PyExc_ValueError, "malformed message: %s", why);
  return nullptr;
}

PyObject* outside() { return malformed("a part of it is misaligned or outside of the buffer"); }

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
      : from_(from), data_(from.bytes.data()), size_(from.bytes.size()), text_left_(max_text_growth * size_) {}

  PyObject* root(const plan& layout);

private:
  struct table {
    std::size_t position;
    std::size_t vtable;
    std::uint16_t size;
  };

  bool inside(std::size_t position, std::size_t count, std::size_t alignment = 1) const {
    return (position & (alignment - 1)) == 0 && count < size_ && position <= size_ - count;
  }
  bool follow(std::size_t position, std::size_t& target) const;
  bool elements(std::size_t position, std::size_t each, std::size_t& count) const;
  std::size_t place_of(const table& in, unsigned slot) const;
  PyObject* read_table(const plan& layout, std::size_t position, int depth);
  PyObject* read_field(const field& of, const table& in, int depth);
  PyObject* read_union(const field& of, const table& in, std::size_t place, int depth);
  PyObject* read_text(std::size_t position);
  PyObject* read_scalars(const field& of, std::size_t position);
  PyObject* read_vector(const field& of, std::size_t position, int depth);
  PyObject* absent(const field& of);
  bool make_owner();

  source& from_;
  const std::uint8_t* data_;
  std::size_t size_;
  std::size_t text_left_;
  std::uint32_t tables_ = 0;
};

bool reader::follow(std::size_t position, std::size_t& target) const {
  if (!inside(position, 4, 4))
    return false;
  const auto offset = load<std::uint32_t>(data_ + position);
  target = position + offset;
  return offset != 0 && offset <= 0x7FFFFFFF && inside(target, 1);
}

// The length of the vector at position, all of whose elements lie inside the buffer.
bool reader::elements(std::size_t position, std::size_t each, std::size_t& count) const {
  if (!inside(position, 4, 4))
    return false;
  count = load<std::uint32_t>(data_ + position);
  return inside(position, 4 + count * each);
}

// Where a field lies; 0 if it is absent.
std::size_t reader::place_of(const table& in, unsigned slot) const {
  const std::size_t offset = slot < in.size ? load<std::uint16_t>(data_ + in.vtable + slot) : 0;
  return offset ? in.position + offset : 0;
}

PyObject* reader::root(const plan& layout) {
  std::size_t position = 0;
  if (size_ < 8)
    return malformed("the buffer is too short");
  return follow(0, position) ? read_table(layout, position, 1) : outside();
}

PyObject* reader::read_table(const plan& layout, std::size_t position, int depth) {
  if (!inside(position, 4, 4))
    return outside();
  // Wraps around when it leaves the buffer, which the next check finds.
  const std::size_t vtable = position - static_cast<std::size_t>(std::int64_t{load<std::int32_t>(data_ + position)});
  if (++tables_ > max_tables || depth > max_depth)
    return malformed("tables are nested deeper than 64, or there are more than 1000000");
  if (!inside(vtable, 2, 2))
    return outside();
  const table in{position, vtable, load<std::uint16_t>(data_ + vtable)};
  if ((in.size & 1) != 0 || !inside(vtable, in.size))
    return outside();
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
  const std::size_t place = place_of(in, of.place);
  if (of.kind == kind::union_value)
    return read_union(of, in, place, depth);
  if (place == 0)
    return absent(of);
  if (of.kind == kind::scalar)
    return inside(place, of.size, of.size) ? enum_value(of.names, of.format, data_ + place) : outside();
  if (of.kind == kind::structure)
    return inside(place, of.of->size, of.of->alignment) ? read_struct(*of.of, data_ + place) : outside();
  std::size_t target = 0;
  if (!follow(place, target))
    return outside();
  if (of.kind == kind::string)
    return read_text(target);
  return of.kind == kind::table ? read_table(*of.of, target, depth + 1) : read_vector(of, target, depth);
}

PyObject* reader::absent(const field& of) {
  if (of.required)
    return malformed("a required field is absent");
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

PyObject* reader::read_union(const field& of, const table& in, std::size_t place, int depth) {
  const std::size_t type_place = place_of(in, of.place - 2u);
  if (type_place != 0 && !inside(type_place, 1))
    return outside();
  if (place == 0)
    return absent(of);
  const std::uint8_t number = type_place ? data_[type_place] : 0;
  std::size_t target = 0;
  if (!follow(place, target))
    return outside();
  for (const variant& v : of.variants) {
    if (v.value == number)
      return read_table(*v.of, target, depth + 1);
  }
  return ref::share(Py_None).release(); // NONE, or a member that a newer schema has added
}

PyObject* reader::read_text(std::size_t position) {
  std::size_t count = 0;
  if (!elements(position, 1, count))
    return outside();
  const std::size_t end = position + 4 + count;
  if (!inside(end, 1) || data_[end] != 0)
    return malformed("a string does not end with a zero byte");
  if (count > text_left_)
    return malformed("its shared strings would fill more than 64 times its size");
  text_left_ -= count;
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
  if (!elements(position, of.size, count))
    return outside();
  return make_owner() ? view_scalars(from_.owner, data_ + position + 4, count, of.format) : nullptr;
}

PyObject* reader::read_vector(const field& of, std::size_t position, int depth) {
  if (of.kind == kind::scalars)
    return read_scalars(of, position);
  const std::size_t each = of.kind == kind::structs ? of.of->size : 4;
  std::size_t count = 0;
  if (!elements(position, each, count))
    return outside();
  ref items(PyList_New(static_cast<Py_ssize_t>(count)));
  for (std::size_t i = 0; items && i < count; ++i) {
    const std::size_t place = position + 4 + i * each;
    PyObject* item = nullptr;
    if (of.kind == kind::structs) {
      item = read_struct(*of.of, data_ + place);
    } else {
      const std::size_t target = place + load<std::uint32_t>(data_ + place);
      item = of.kind == kind::strings ? read_text(target) : read_table(*of.of, target, depth + 1);
    }
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
