#include "codec_plan.hpp"

#include "codec.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <unordered_map>

namespace mycelium::python {
namespace {

// Compiles a class and every class that it refers to; they join the known plans together or not at all.
class compiler {
public:
  const plan* compile(PyTypeObject* type);
  void keep();

private:
  bool table(plan& out, PyObject* layout);
  bool structure(plan& out, PyObject* layout);
  bool table_field(field& out, PyObject* description);
  bool member(field& out, PyObject* description);
  bool reference(field& out, PyObject* of);
  bool variants(field& out, PyObject* of);
  const plan* nested(PyObject* type, bool is_table);

  std::unordered_map<PyTypeObject*, std::unique_ptr<plan>> fresh_;
};

std::unordered_map<PyTypeObject*, std::unique_ptr<plan>>& known() {
  static auto& plans =
      *new std::unordered_map<PyTypeObject*, std::unique_ptr<plan>>; // never destroyed: used until the end
  return plans;
}

bool malformed(const char* what) {
  PyErr_Format(PyExc_TypeError, "malformed LAYOUT: %s", what);
  return false;
}

bool number(PyObject* value, long& out) {
  out = PyLong_AsLong(value);
  return out != -1 || !PyErr_Occurred();
}

bool tuple_of(PyObject* object, Py_ssize_t size) { return PyTuple_Check(object) && PyTuple_Size(object) == size; }

// "scalar" -> kind::scalar
bool read_kind(PyObject* name, kind& out) {
  static constexpr const char* names[] = {"scalar",  "string",  "struct",  "table", "union",
                                          "scalars", "strings", "structs", "tables"};
  for (std::size_t i = 0; PyUnicode_Check(name) && i < std::size(names); ++i) {
    if (PyUnicode_CompareWithASCIIString(name, names[i]) == 0) {
      out = static_cast<kind>(i);
      return true;
    }
  }
  return malformed("unknown kind of field");
}

bool read_format(PyObject* text, field& out) {
  Py_ssize_t size = 0;
  const char* format = PyUnicode_Check(text) ? PyUnicode_AsUTF8AndSize(text, &size) : nullptr;
  if (!format || size > 1 || (size == 1 && size_of(*format) == 0))
    return malformed("unknown format of a scalar");
  out.format = *format;
  out.size = size_of(*format);
  return true;
}

// Descriptors of __slots__ know where the value lies; other attributes are looked up by name.
void find_attribute(PyTypeObject* type, PyObject* name, attribute& out) {
  out.name = ref::share(name).release();
  PyUnicode_InternInPlace(&out.name);
  ref found(PyObject_GetAttr(reinterpret_cast<PyObject*>(type), name));
  if (!found) {
    PyErr_Clear();
    return;
  }
  ref type_name(PyObject_GetAttrString(reinterpret_cast<PyObject*>(Py_TYPE(found.get())), "__name__"));
  if (!type_name || PyUnicode_CompareWithASCIIString(type_name.get(), "member_descriptor") != 0) {
    PyErr_Clear();
    return;
  }
  out.read = reinterpret_cast<descrgetfunc>(PyType_GetSlot(Py_TYPE(found.get()), Py_tp_descr_get));
  out.write = reinterpret_cast<descrsetfunc>(PyType_GetSlot(Py_TYPE(found.get()), Py_tp_descr_set));
  out.descriptor = found.release();
}

bool read_enumeration(PyObject* type, enumeration& out) {
  if (type == Py_None)
    return true;
  out.members = PyObject_GetAttrString(type, "_value2member_map_");
  if (!out.members || !PyDict_Check(out.members))
    return malformed("the class of an enum is no Enum");
  ref module(PyImport_ImportModule("enum"));
  ref flag(module ? PyObject_GetAttrString(module.get(), "IntFlag") : nullptr);
  const int is_flag = flag ? PyObject_IsSubclass(type, flag.get()) : -1;
  if (is_flag < 0)
    return false;
  out.flags = is_flag == 1;
  out.type = ref::share(type).release();
  PyObject* key = nullptr;
  PyObject* value = nullptr;
  for (Py_ssize_t at = 0; out.flags && PyDict_Next(out.members, &at, &key, &value);)
    out.known_bits |= PyLong_AsUnsignedLongLongMask(key);
  return !PyErr_Occurred();
}

bool read_default(PyObject* value, field& out) {
  out.default_value = ref::share(value).release();
  out.optional = value == Py_None;
  return out.optional || scalar_bits(out, value, out.default_bits);
}

} // namespace

std::uint8_t size_of(char format) {
  switch (format) {
  case '?':
  case 'b':
  case 'B':
    return 1;
  case 'h':
  case 'H':
    return 2;
  case 'i':
  case 'I':
  case 'f':
    return 4;
  case 'q':
  case 'Q':
  case 'd':
    return 8;
  default:
    return 0;
  }
}

namespace {

const plan* compiler::nested(PyObject* type, bool is_table) {
  const plan* found = nullptr;
  if (PyType_Check(type))
    found = compile(reinterpret_cast<PyTypeObject*>(type));
  if (found && found->is_table == is_table)
    return found;
  if (!PyErr_Occurred())
    malformed(is_table ? "expected the class of a table" : "expected the class of a struct");
  return nullptr;
}

bool compiler::variants(field& out, PyObject* of) {
  if (!PyTuple_Check(of))
    return malformed("a union needs its variants");
  for (Py_ssize_t i = 0; i < PyTuple_Size(of); ++i) {
    PyObject* item = PyTuple_GetItem(of, i);
    long value = 0;
    if (!tuple_of(item, 2) || !number(PyTuple_GetItem(item, 0), value) || value < 1 || value > 255)
      return malformed("a variant needs a number from 1 to 255 and a class");
    const plan* table = nested(PyTuple_GetItem(item, 1), true);
    if (!table)
      return false;
    out.variants.push_back({static_cast<std::uint8_t>(value), table});
  }
  return true;
}

bool compiler::reference(field& out, PyObject* of) {
  switch (out.kind) {
  case kind::scalar:
  case kind::scalars:
    return out.format ? read_enumeration(of, out.names) : malformed("a scalar needs a format");
  case kind::structure:
  case kind::structs:
    out.of = nested(of, false);
    return out.of != nullptr;
  case kind::table:
  case kind::tables:
    out.of = nested(of, true);
    return out.of != nullptr;
  case kind::union_value:
    return variants(out, of);
  default:
    return true;
  }
}

bool compiler::table_field(field& out, PyObject* description) {
  long id = 0;
  if (!number(PyTuple_GetItem(description, 1), id) || !read_kind(PyTuple_GetItem(description, 2), out.kind) ||
      !read_format(PyTuple_GetItem(description, 3), out))
    return false;
  if (id < 0 || id > 32765 || (out.kind == kind::union_value && id == 0))
    return malformed("the id of a field is out of range");
  out.place = static_cast<std::uint16_t>(4 + 2 * id);
  out.required = PyObject_IsTrue(PyTuple_GetItem(description, 6)) == 1;
  return reference(out, PyTuple_GetItem(description, 5)) &&
         (out.kind != kind::scalar || read_default(PyTuple_GetItem(description, 4), out));
}

// Scalars of eight bytes first, then four and offsets, two, one; within a size by descending id.
void order_writes(plan& out) {
  struct entry {
    int size;
    std::uint16_t place;
    slot_write write;
  };
  std::vector<entry> entries;
  for (std::size_t i = 0; i < out.fields.size(); ++i) {
    const field& f = out.fields[i];
    entries.push_back({f.kind == kind::scalar ? f.size : 4, f.place, {static_cast<std::uint16_t>(i), false}});
    if (f.kind == kind::union_value)
      entries.push_back({1, static_cast<std::uint16_t>(f.place - 2), {static_cast<std::uint16_t>(i), true}});
  }
  std::stable_sort(entries.begin(), entries.end(), [](const entry& a, const entry& b) {
    return a.size != b.size ? a.size > b.size : a.place > b.place;
  });
  for (const entry& e : entries)
    out.writes.push_back(e.write);
}

bool compiler::table(plan& out, PyObject* layout) {
  out.is_table = true;
  PyObject* fields = PyTuple_GetItem(layout, 1);
  if (!PyTuple_Check(fields))
    return malformed("a table needs a tuple of fields");
  out.fields.reserve(static_cast<std::size_t>(PyTuple_Size(fields)));
  for (Py_ssize_t i = 0; i < PyTuple_Size(fields); ++i) {
    PyObject* description = PyTuple_GetItem(fields, i);
    if (!tuple_of(description, 7) || !PyUnicode_Check(PyTuple_GetItem(description, 0)))
      return malformed("a field has seven entries");
    field& f = out.fields.emplace_back();
    find_attribute(out.type, PyTuple_GetItem(description, 0), f.where);
    if (!table_field(f, description))
      return false;
  }
  order_writes(out);
  return true;
}

bool compiler::member(field& out, PyObject* description) {
  long offset = 0;
  long count = 0;
  if (!number(PyTuple_GetItem(description, 1), offset) || !read_format(PyTuple_GetItem(description, 2), out) ||
      !number(PyTuple_GetItem(description, 3), count))
    return false;
  if (offset < 0 || offset > 0xFFFF || count < 0 || count > 0xFFFF)
    return malformed("a member of a struct is out of range");
  out.place = static_cast<std::uint16_t>(offset);
  out.count = static_cast<std::uint32_t>(count);
  out.kind = out.format ? kind::scalar : kind::structure;
  return reference(out, PyTuple_GetItem(description, 4));
}

bool compiler::structure(plan& out, PyObject* layout) {
  long size = 0;
  long alignment = 0;
  PyObject* members = PyTuple_GetItem(layout, 3);
  if (!number(PyTuple_GetItem(layout, 1), size) || !number(PyTuple_GetItem(layout, 2), alignment))
    return false;
  const bool aligned = alignment >= 1 && alignment <= 256 && (alignment & (alignment - 1)) == 0;
  if (size < 1 || size > 0xFFFF || !aligned || !PyTuple_Check(members))
    return malformed("a struct needs a size, an alignment and members");
  out.size = static_cast<std::uint32_t>(size);
  out.alignment = static_cast<std::uint32_t>(alignment);
  out.fields.reserve(static_cast<std::size_t>(PyTuple_Size(members)));
  for (Py_ssize_t i = 0; i < PyTuple_Size(members); ++i) {
    PyObject* description = PyTuple_GetItem(members, i);
    if (!tuple_of(description, 5) || !PyUnicode_Check(PyTuple_GetItem(description, 0)))
      return malformed("a member has five entries");
    field& f = out.fields.emplace_back();
    find_attribute(out.type, PyTuple_GetItem(description, 0), f.where);
    if (!member(f, description))
      return false;
    const std::uint32_t each = f.format ? f.size : f.of->size;
    if (f.place + each * std::max<std::uint32_t>(f.count, 1) > out.size)
      return malformed("a member lies outside of its struct");
  }
  return true;
}

const plan* compiler::compile(PyTypeObject* type) {
  if (auto found = known().find(type); found != known().end())
    return found->second.get();
  if (auto found = fresh_.find(type); found != fresh_.end())
    return found->second.get();
  ref layout(PyObject_GetAttrString(reinterpret_cast<PyObject*>(type), "LAYOUT"));
  if (!layout) {
    if (PyErr_ExceptionMatches(PyExc_AttributeError))
      PyErr_Clear();
    return nullptr;
  }
  plan& out = *(fresh_[type] = std::make_unique<plan>());
  out.type = type;
  out.allocate = reinterpret_cast<allocfunc>(PyType_GetSlot(type, Py_tp_alloc));
  bool good = false;
  if (tuple_of(layout.get(), 2))
    good = table(out, layout.get());
  else if (tuple_of(layout.get(), 4))
    good = structure(out, layout.get());
  else
    malformed("it is neither a table nor a struct");
  return good ? &out : nullptr;
}

void compiler::keep() {
  for (auto& [type, made] : fresh_) {
    Py_INCREF(reinterpret_cast<PyObject*>(type));
    known()[type] = std::move(made);
  }
}

} // namespace

const plan* plan_of(PyTypeObject* type) {
  static PyTypeObject* last_type = nullptr;
  static const plan* last_plan = nullptr;
  if (type == last_type)
    return last_plan;
  compiler fresh;
  const plan* found = fresh.compile(type);
  if (!found)
    return nullptr;
  fresh.keep();
  last_type = type;
  last_plan = found;
  return found;
}

} // namespace mycelium::python
