#include "codec.hpp"
#include "codec_builder.hpp"
#include "codec_values.hpp"

#include <array>
#include <bit>
#include <utility>

namespace mycelium::python {
namespace {

thread_local memory own_memory;

// What phase one leaves for phase two: the bits of a scalar, the position of a child, the object of a struct.
struct pending {
  std::uint64_t bits = 0;
  PyObject* object = nullptr; // owned
  bool present = false;
  std::uint8_t union_type = 0;
};

struct slot_position {
  std::uint16_t place;
  std::uint32_t position;
};

class pending_fields {
public:
  explicit pending_fields(std::size_t count) {
    if (count > few_.size())
      many_.resize(count);
    entries_ = many_.empty() ? few_.data() : many_.data();
    count_ = count;
  }
  pending_fields(const pending_fields&) = delete;
  pending_fields& operator=(const pending_fields&) = delete;
  ~pending_fields() {
    for (std::size_t i = 0; i < count_; ++i)
      Py_XDECREF(entries_[i].object);
  }
  pending& operator[](std::size_t i) { return entries_[i]; }

private:
  std::array<pending, 16> few_{};
  std::vector<pending> many_;
  pending* entries_ = nullptr;
  std::size_t count_ = 0;
};

// Puts a table and everything below it; position gets where it lies.
bool put_table(builder& out, const plan& layout, PyObject* message, int depth, std::uint64_t& position);

bool put_text(builder& out, PyObject* value) {
  if (!PyUnicode_Check(value))
    return expected("str", value);
  Py_ssize_t size = 0;
  const char* text = PyUnicode_AsUTF8AndSize(value, &size);
  return text && out.put_string(text, static_cast<std::size_t>(size));
}

// Python code that runs while a vector is written (an __index__, a property) cannot move the memory: a nested encode
// takes other memory. So out stays valid.
bool put_scalars(builder& out, const field& of, PyObject* value, bool& present) {
  scalar_items items(of);
  if (!items.read(value))
    return false;
  present = items.count() > 0 || of.required;
  if (!present)
    return true;
  std::uint8_t* at = out.push_elements(items.count() * of.size, of.size);
  return at && items.write(at) && out.put(static_cast<std::uint32_t>(items.count()));
}

bool put_structs(builder& out, const field& of, PyObject* items, std::size_t count) {
  std::uint8_t* at =
      count <= max_size / of.of->size ? out.push_elements(count * of.of->size, of.of->alignment) : nullptr;
  for (std::size_t i = 0; at && i < count; ++i) {
    if (!write_struct(*of.of, PyTuple_GetItem(items, static_cast<Py_ssize_t>(i)), at + i * of.of->size))
      return false;
  }
  if (!at && !PyErr_Occurred())
    PyErr_SetString(PyExc_ValueError, "the message is larger than 2 GiB");
  return at && out.put(static_cast<std::uint32_t>(count));
}

bool put_offsets(builder& out, const std::vector<std::uint32_t>& targets) {
  if (!targets.empty() && !out.align(4 * targets.size(), 4))
    return false;
  for (auto it = targets.rbegin(); it != targets.rend(); ++it) {
    if (!out.refer(*it))
      return false;
  }
  return out.put(static_cast<std::uint32_t>(targets.size()));
}

bool put_vector(builder& out, const field& of, PyObject* value, int depth, bool& present) {
  if (of.kind == kind::scalars)
    return put_scalars(out, of, value, present);
  ref items = items_of(value);
  if (!items)
    return false;
  const auto count = static_cast<std::size_t>(PyTuple_Size(items.get()));
  present = count > 0 || of.required;
  if (!present)
    return true;
  if (of.kind == kind::structs)
    return put_structs(out, of, items.get(), count);
  std::vector<std::uint32_t> targets(count);
  for (std::size_t i = 0; i < count; ++i) {
    PyObject* item = PyTuple_GetItem(items.get(), static_cast<Py_ssize_t>(i));
    std::uint64_t position = 0;
    if (of.kind == kind::strings ? !put_text(out, item) : !put_table(out, *of.of, item, depth + 1, position))
      return false;
    targets[i] = static_cast<std::uint32_t>(of.kind == kind::strings ? out.size() : position);
  }
  return put_offsets(out, targets);
}

// The member whose class the value has, else the first one whose subclass it has.
bool put_union(builder& out, const field& of, PyObject* value, int depth, pending& entry) {
  for (const bool exactly : {true, false}) {
    for (const variant& v : of.variants) {
      if (exactly ? Py_TYPE(value) != v.of->type : !PyType_IsSubtype(Py_TYPE(value), v.of->type))
        continue;
      entry.union_type = v.value;
      return put_table(out, *v.of, value, depth + 1, entry.bits);
    }
  }
  ref name(PyType_GetName(Py_TYPE(value)));
  if (name)
    PyErr_Format(PyExc_TypeError, "%U is no member of the union", name.get());
  return false;
}

bool same_scalar(const field& of, std::uint64_t bits) {
  if (of.format == 'd') {
    const double a = std::bit_cast<double>(bits), b = std::bit_cast<double>(of.default_bits);
    return a == b || (a != a && b != b);
  }
  if (of.format == 'f') {
    const float a = std::bit_cast<float>(static_cast<std::uint32_t>(bits));
    const float b = std::bit_cast<float>(static_cast<std::uint32_t>(of.default_bits));
    return a == b || (a != a && b != b);
  }
  return bits == of.default_bits;
}

// A struct waits for phase two; a table, also one in a union, is written now.
bool prepare_object(builder& out, const field& of, PyObject* value, int depth, pending& entry) {
  if (value == Py_None) {
    if (of.required)
      PyErr_SetString(PyExc_ValueError, "the field is required");
    return !of.required;
  }
  if (of.kind == kind::structure)
    entry.object = ref::share(value).release();
  entry.present =
      of.kind == kind::structure || (of.kind == kind::table ? put_table(out, *of.of, value, depth + 1, entry.bits)
                                                            : put_union(out, of, value, depth, entry));
  return entry.present;
}

// Writes what stands outside of the table and notes the rest.
bool prepare(builder& out, const field& of, PyObject* value, int depth, pending& entry) {
  switch (of.kind) {
  case kind::scalar:
    if (value == Py_None && of.optional)
      return true;
    if (!scalar_bits(of, value, entry.bits))
      return false;
    entry.present = of.optional || !same_scalar(of, entry.bits);
    return true;
  case kind::string:
    if (PyUnicode_Check(value) && !of.required && PyUnicode_GetLength(value) == 0)
      return true;
    entry.present = put_text(out, value);
    entry.bits = out.size();
    return entry.present;
  case kind::structure:
  case kind::table:
  case kind::union_value:
    return prepare_object(out, of, value, depth, entry);
  default:
    if (!put_vector(out, of, value, depth, entry.present))
      return false;
    entry.bits = out.size();
    return true;
  }
}

bool put_scalar(builder& out, const field& of, std::uint64_t bits) {
  switch (of.size) {
  case 1:
    return out.put(static_cast<std::uint8_t>(bits));
  case 2:
    return out.put(static_cast<std::uint16_t>(bits));
  case 4:
    return out.put(static_cast<std::uint32_t>(bits));
  default:
    return out.put(bits);
  }
}

bool put_inline(builder& out, const plan& layout, const field& of, const pending& entry) {
  if (of.kind == kind::scalar)
    return put_scalar(out, of, entry.bits);
  if (of.kind != kind::structure)
    return out.refer(entry.bits);
  std::uint8_t* at = out.align(0, of.of->alignment) ? out.push(of.of->size) : nullptr;
  return at && (write_struct(*of.of, entry.object, at) || located(layout, of));
}

bool finish_table(builder& out, const plan& layout, pending_fields& entries, std::uint64_t& position) {
  const std::size_t start = out.size();
  std::array<slot_position, 32> few;
  std::vector<slot_position> many(layout.writes.size() > few.size() ? layout.writes.size() : 0);
  slot_position* const written = many.empty() ? few.data() : many.data();
  std::size_t count = 0;
  std::uint16_t vtable_bytes = 4;
  for (const slot_write& write : layout.writes) {
    const field& f = layout.fields[write.field];
    const pending& entry = entries[write.field];
    if (!entry.present)
      continue;
    if (!(write.union_type ? out.put(entry.union_type) : put_inline(out, layout, f, entry)))
      return false;
    const auto place = static_cast<std::uint16_t>(write.union_type ? f.place - 2 : f.place);
    written[count++] = {place, static_cast<std::uint32_t>(out.size())};
    vtable_bytes = std::max(vtable_bytes, static_cast<std::uint16_t>(place + 2));
  }
  if (!out.put(std::uint32_t{0}))
    return false;
  const std::size_t table = out.size();
  if (table - start > 0xFFFF) {
    PyErr_SetString(PyExc_ValueError, "too large for one table");
    return false;
  }
  std::array<std::uint16_t, 64> few_slots{};
  std::vector<std::uint16_t> many_slots(vtable_bytes / 2 > few_slots.size() ? vtable_bytes / 2 : 0);
  std::uint16_t* const slots = many_slots.empty() ? few_slots.data() : many_slots.data();
  slots[0] = vtable_bytes;
  slots[1] = static_cast<std::uint16_t>(table - start);
  for (std::size_t i = 0; i < count; ++i)
    slots[written[i].place / 2] = static_cast<std::uint16_t>(table - written[i].position);
  position = table;
  return out.put_vtable(slots, vtable_bytes, table);
}

bool put_table(builder& out, const plan& layout, PyObject* message, int depth, std::uint64_t& position) {
  if (!check_class(layout, message))
    return false;
  if (depth > max_depth) {
    PyErr_SetString(PyExc_ValueError, "tables are nested deeper than 64");
    return false;
  }
  pending_fields entries(layout.fields.size());
  for (std::size_t i = 0; i < layout.fields.size(); ++i) {
    ref value(layout.fields[i].where.get(message));
    if (!value)
      return false;
    if (!prepare(out, layout.fields[i], value.get(), depth, entries[i]))
      return located(layout, layout.fields[i]);
  }
  return finish_table(out, layout, entries, position);
}

} // namespace

encoder::encoder() : memory_(&own_memory) {
  borrowed_ = !std::exchange(own_memory.busy, true);
  if (!borrowed_)
    memory_ = new memory;
}

encoder::~encoder() {
  if (!borrowed_)
    delete memory_;
  else
    own_memory.busy = false;
}

std::span<const std::uint8_t> encoder::encode(const plan& layout, PyObject* message) {
  builder out(*memory_);
  std::uint64_t root = 0;
  if (!put_table(out, layout, message, 1, root) || !out.align_all() || !out.refer(root))
    return {};
  return {out.head(), out.size()};
}

PyObject* python_encode(PyObject*, PyObject* message) {
  const plan* layout = plan_of(Py_TYPE(message));
  if (!layout || !layout->is_table) {
    if (!PyErr_Occurred())
      expected("a message of a generated class", message);
    return nullptr;
  }
  encoder out;
  const std::span<const std::uint8_t> bytes = out.encode(*layout, message);
  if (!bytes.data())
    return nullptr;
  return PyBytes_FromStringAndSize(reinterpret_cast<const char*>(bytes.data()), static_cast<Py_ssize_t>(bytes.size()));
}

} // namespace mycelium::python
