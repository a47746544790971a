#include "tools/schema_compiler/python.hpp"

#include "tools/schema_compiler/python/templates.hpp"
#include "tools/schema_compiler/python_names.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <set>

namespace mycelium::schema_compiler {
namespace {

constexpr std::array<char, 11> formats{'?', 'b', 'B', 'h', 'H', 'i', 'I', 'q', 'Q', 'f', 'd'};

char format_of(scalar number) { return formats[static_cast<std::size_t>(number)]; }
bool is_real(scalar number) { return number >= scalar::float32; }

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string hex(std::span<const std::uint8_t> bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const std::uint8_t byte : bytes) {
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

// As a docstring, indented; "" if there is nothing to say.
std::string docstring(const std::vector<std::string>& lines, const std::string& indent) {
  std::string text;
  for (const std::string& line : lines) {
    const std::string shown = line.starts_with(" ") ? line.substr(1) : line;
    if (!text.empty())
      text += shown.empty() ? "\n" : "\n" + indent;
    for (const char c : shown) {
      if (c == '\\' || c == '"')
        text += '\\';
      text += c;
    }
  }
  return text.empty() ? "" : indent + "\"\"\"" + text + "\"\"\"\n";
}

std::string real(scalar number, double value) {
  if (std::isnan(value))
    return "float(\"nan\")";
  if (std::isinf(value))
    return value > 0 ? "float(\"inf\")" : "float(\"-inf\")";
  std::array<char, 64> text{};
  char* const last = text.data() + text.size();
  const auto end = number == scalar::float32 ? std::to_chars(text.data(), last, static_cast<float>(value)).ptr
                                             : std::to_chars(text.data(), last, value).ptr;
  std::string out(text.data(), end);
  return out.find_first_of(".e") == std::string::npos ? out + ".0" : out;
}

std::string whole(scalar number, std::int64_t value) {
  if (number == scalar::boolean)
    return value ? "True" : "False";
  return number == scalar::uint64 ? std::to_string(static_cast<std::uint64_t>(value)) : std::to_string(value);
}

// A field that is called as a built-in type hides it in its class, where annotations need it.
template <class Fields>
bool hides_built_in(const Fields& fields) {
  static constexpr std::array<std::string_view, 6> types{"bool", "bytes", "float", "int", "memoryview", "str"};
  return std::any_of(fields.begin(), fields.end(),
                     [](const field& each) { return std::find(types.begin(), types.end(), each.name) != types.end(); });
}

class emitter {
public:
  emitter(const model& from, const python_names& names) : from_(from), names_(names) {}

  std::string messages();
  std::string package() const;

private:
  void write(const enumeration& of, const std::string& name);
  void write(const structure& of, const std::string& name);
  void write(const table& of, const std::string& name);
  void write_unions();
  void write_layouts();
  std::string default_value(const field& of) const;
  std::string initial_value(const field& of) const;
  std::string annotation(const field& of) const;
  std::string element_annotation(const field_type& of) const;
  std::string table_field(const field& of) const;
  std::string struct_member(const field& of) const;
  std::string class_of(const field_type& of) const;
  std::string variants(std::size_t which) const;

  const model& from_;
  const python_names& names_;
  std::string out_;
  std::string built_in_; // before names of built-in types
};

// "" for a plain number.
std::string emitter::class_of(const field_type& of) const {
  switch (of.kind) {
  case value_kind::scalar:
    return of.index == no_index ? "" : names_.enums[of.index];
  case value_kind::structure:
    return names_.structs[of.index];
  case value_kind::table:
    return names_.tables[of.index];
  default:
    return "";
  }
}

std::string emitter::default_value(const field& of) const {
  if (of.optional)
    return "None";
  if (is_real(of.type.number))
    return real(of.type.number, of.default_real);
  if (of.type.index != no_index) {
    for (const enum_value& each : from_.enums[of.type.index].values) {
      if (each.value == of.default_integer)
        return class_of(of.type) + "." + python_member(each.name);
    }
  }
  return whole(of.type.number, of.default_integer);
}

// What a new instance holds, as Python source.
std::string emitter::initial_value(const field& of) const {
  if (of.type.holds == container::vector)
    return "_dataclasses.field(default_factory=list)";
  if (of.type.holds == container::array) {
    const std::string count = std::to_string(of.type.length);
    if (of.type.kind == value_kind::structure)
      return "_dataclasses.field(default_factory=lambda: tuple(" + class_of(of.type) + "() for _ in range(" + count +
             ")))";
    if (of.type.number == scalar::uint8 && of.type.index == no_index)
      return "b\"\\0\" * " + count;
    return "(" + default_value(of) + ",) * " + count;
  }
  switch (of.type.kind) {
  case value_kind::scalar:
    return default_value(of);
  case value_kind::string:
    return "\"\"";
  default:
    return "None";
  }
}

std::string emitter::element_annotation(const field_type& of) const {
  if (of.kind == value_kind::string)
    return built_in_ + "str";
  if (of.kind == value_kind::union_value)
    return names_.unions[of.index];
  if (of.kind != value_kind::scalar)
    return class_of(of);
  if (of.index != no_index)
    return class_of(of) + " | " + built_in_ + "int";
  return built_in_ + (of.number == scalar::boolean ? "bool" : is_real(of.number) ? "float" : "int");
}

std::string emitter::annotation(const field& of) const {
  const std::string element = element_annotation(of.type);
  if (of.type.holds == container::array) {
    const bool raw = of.type.kind == value_kind::scalar && of.type.number == scalar::uint8 && of.type.index == no_index;
    return raw ? built_in_ + "bytes" : "_typing.Sequence[" + element + "]";
  }
  if (of.type.holds == container::vector)
    return of.type.kind == value_kind::scalar ? "_typing.Sequence[" + element + "] | " + built_in_ + "memoryview"
                                              : "_typing.Sequence[" + element + "]";
  const bool nullable = of.optional || of.type.kind == value_kind::structure || of.type.kind == value_kind::table ||
                        of.type.kind == value_kind::union_value;
  return nullable ? element + " | None" : element;
}

void emitter::write(const enumeration& of, const std::string& name) {
  out_ += "\n\nclass " + name + (of.bit_flags ? "(_enum.IntFlag):\n" : "(_enum.IntEnum):\n");
  out_ += docstring(of.docs, "    ");
  if (!of.docs.empty() && !of.values.empty())
    out_ += "\n";
  for (const enum_value& each : of.values) {
    out_ += "    " + python_member(each.name) + " = " + whole(of.underlying, each.value) + "\n";
    out_ += docstring(each.docs, "    ");
  }
  if (of.values.empty() && of.docs.empty())
    out_ += "    pass\n";
}

void emitter::write(const structure& of, const std::string& name) {
  built_in_ = hides_built_in(of.fields) ? "_builtins." : "";
  out_ += "\n\n@_dataclasses.dataclass(slots=True, repr=False)\nclass " + name + "(_wire.Struct):\n";
  out_ += docstring(of.docs, "    ");
  if (!of.docs.empty())
    out_ += "\n";
  for (const field& each : of.fields) {
    const bool nested = each.type.kind == value_kind::structure && each.type.holds == container::one;
    const std::string value =
        nested ? "_dataclasses.field(default_factory=lambda: " + class_of(each.type) + "())" : initial_value(each);
    out_ += "    " + python_attribute(each.name) + ": " + (nested ? class_of(each.type) : annotation(each)) + " = " +
            value + "\n" + docstring(each.docs, "    ");
  }
}

void emitter::write(const table& of, const std::string& name) {
  built_in_ = hides_built_in(of.fields) ? "_builtins." : "";
  out_ += "\n\n@_dataclasses.dataclass(slots=True, eq=False, repr=False)\nclass " + name;
  out_ += of.message ? "(_wire.Message):\n" : "(_wire.Table):\n";
  out_ += docstring(of.docs, "    ");
  if (!of.docs.empty() && (of.message || !of.fields.empty()))
    out_ += "\n";
  if (of.message) {
    out_ += "    TYPE_ID: _typing.ClassVar[" + built_in_ + "int] = " + std::to_string(of.message->type_id) + "\n";
    out_ += "    TOPIC: _typing.ClassVar[" + built_in_ + "str] = " + quoted(of.message->topic) + "\n";
    out_ += "    TYPE_DIGEST: _typing.ClassVar[" + built_in_ + "bytes] = bytes.fromhex(\n        \"" +
            hex(of.message->type_digest) + "\"\n    )\n";
    if (!of.fields.empty())
      out_ += "\n";
  }
  for (const field& each : of.fields)
    out_ += "    " + python_attribute(each.name) + ": " + annotation(each) + " = " + initial_value(each) + "\n" +
            docstring(each.docs, "    ");
  if (of.fields.empty() && of.docs.empty() && !of.message)
    out_ += "    pass\n";
}

void emitter::write_unions() {
  for (std::size_t u = 0; u < from_.unions.size(); ++u) {
    const union_type& of = from_.unions[u];
    std::string members;
    for (std::size_t i = 0; i < of.members.size(); ++i) {
      const std::string& table = names_.tables[of.members[i].table];
      const auto twin = names_.twins.find({u, i});
      if (twin != names_.twins.end()) {
        std::vector<std::string> docs = of.members[i].docs;
        docs.insert(docs.begin(), "A " + table + " as member " + of.members[i].name + " of " + of.name.local + ".");
        out_ += "\n\nclass " + twin->second + "(" + table + "):\n" + docstring(docs, "    ") + "\n    __slots__ = ()\n";
      }
      members += (i ? ", " : "") + (twin != names_.twins.end() ? twin->second : table);
    }
    out_ += "\n\n" + names_.unions[u] + " = _typing.Union[" + (members.empty() ? "None" : members) + "]\n";
    out_ += docstring(of.docs, "");
  }
}

std::string emitter::variants(std::size_t which) const {
  std::string out;
  const union_type& of = from_.unions[which];
  for (std::size_t i = 0; i < of.members.size(); ++i) {
    const auto twin = names_.twins.find({which, i});
    out += (i ? " _layout.Variant(" : "_layout.Variant(") + std::to_string(of.members[i].value) + ", " +
           (twin != names_.twins.end() ? twin->second : names_.tables[of.members[i].table]) + "),";
  }
  return "(" + out + ")";
}

std::string emitter::table_field(const field& of) const {
  static constexpr std::array<const char*, 5> kinds{"scalar", "string", "struct", "table", "union"};
  const bool is_scalar = of.type.kind == value_kind::scalar;
  std::string out = "_layout.Field(" + quoted(python_attribute(of.name)) + ", " + std::to_string(of.id) + ", \"" +
                    kinds[static_cast<std::size_t>(of.type.kind)] + (of.type.holds == container::vector ? "s\"" : "\"");
  if (is_scalar)
    out += std::string(", \"") + format_of(of.type.number) + "\"";
  if (is_scalar && of.type.holds == container::one)
    out += ", default=" + default_value(of);
  const std::string what = of.type.kind == value_kind::union_value ? variants(of.type.index) : class_of(of.type);
  if (!what.empty())
    out += ", of=" + what;
  return out + (of.required ? ", required=True)" : ")");
}

std::string emitter::struct_member(const field& of) const {
  std::string out = "_layout.Member(" + quoted(python_attribute(of.name)) + ", " + std::to_string(of.slot);
  if (of.type.kind == value_kind::scalar)
    out += std::string(", \"") + format_of(of.type.number) + "\"";
  if (of.type.holds == container::array)
    out += ", length=" + std::to_string(of.type.length);
  const std::string what = class_of(of.type);
  return out + (what.empty() ? ")" : ", of=" + what + ")");
}

void emitter::write_layouts() {
  out_ += "\n\n# How the two codecs read and write these classes. Assigned last, since classes refer to each other.\n";
  for (std::size_t i = 0; i < from_.structs.size(); ++i) {
    const structure& of = from_.structs[i];
    out_ += names_.structs[i] + ".LAYOUT = _layout.Struct(\n    " + quoted(of.name.full) + ",\n    " +
            std::to_string(of.size) + ",\n    " + std::to_string(of.alignment) + ",\n    (\n";
    for (const field& each : of.fields)
      out_ += "        " + struct_member(each) + ",\n";
    out_ += "    ),\n)\n";
  }
  for (std::size_t i = 0; i < from_.tables.size(); ++i) {
    const table& of = from_.tables[i];
    out_ += names_.tables[i] + ".LAYOUT = _layout.Table(\n    " + quoted(of.name.full) + ",\n    (\n";
    for (const field& each : of.fields)
      out_ += "        " + table_field(each) + ",\n";
    out_ += "    ),\n)\n";
  }
}

std::string emitter::messages() {
  out_ = "\"\"\"The types of schema " + from_.name +
         ". Generated by mycelium schema compile: do not edit.\"\"\"\n\n"
         "from __future__ import annotations\n\n"
         "import builtins as _builtins  # noqa: F401\nimport dataclasses as _dataclasses\nimport enum as _enum\nimport "
         "typing as _typing\n\n"
         "from . import _layout, _wire\n";
  for (std::size_t i = 0; i < from_.enums.size(); ++i)
    write(from_.enums[i], names_.enums[i]);
  for (std::size_t i = 0; i < from_.structs.size(); ++i)
    write(from_.structs[i], names_.structs[i]);
  for (std::size_t i = 0; i < from_.tables.size(); ++i)
    write(from_.tables[i], names_.tables[i]);
  write_unions();
  write_layouts();
  return std::move(out_);
}

std::string emitter::package() const {
  std::set<std::string> all{"MESSAGES", "SCHEMA", "SCHEMA_DIGEST", "codec"};
  std::set<std::string> types;
  for (const auto* names : {&names_.enums, &names_.structs, &names_.tables, &names_.unions})
    types.insert(names->begin(), names->end());
  for (const auto& [place, name] : names_.twins)
    types.insert(name);
  all.insert(types.begin(), types.end());
  std::string out =
      "\"\"\"Messages of schema " + from_.name +
      ". Generated by mycelium schema compile: do not edit.\"\"\"\n\nfrom __future__ import annotations\n\n"
      "from . import _wire\n";
  if (!types.empty()) {
    out += "from ._messages import (\n";
    for (const std::string& each : types)
      out += "    " + each + ",\n";
    out += ")\n";
  }
  out += "from ._schema import SCHEMA\nfrom ._wire import codec\n\n__all__ = [\n";
  for (const std::string& each : all)
    out += "    \"" + each + "\",\n";
  out += "]\n\nSCHEMA_DIGEST = bytes.fromhex(\"" + hex(from_.set_digest) + "\")\n" +
         "\"\"\"What Runtime(schema_digest) compares.\"\"\"\n\nMESSAGES: dict[int, type[_wire.Message]] = {\n";
  for (const std::size_t each : from_.messages)
    out += "    " + std::to_string(from_.tables[each].message->type_id) + ": " + names_.tables[each] + ",\n";
  return out + "}\n\"\"\"The class of each type_id.\"\"\"\n";
}

std::string schema_module(schema::bytes bfbs) {
  std::string out = "\"\"\"The binary schema, for Runtime.register_schema. Generated: do not edit.\"\"\"\n\n"
                    "SCHEMA: bytes = bytes.fromhex(\n";
  for (std::size_t at = 0; at < bfbs.size(); at += 48)
    out += "    \"" + hex(bfbs.subspan(at, std::min<std::size_t>(48, bfbs.size() - at))) + "\"\n";
  return out + ")\n";
}

} // namespace

result<std::vector<python_file>> emit_python(const model& from, schema::bytes bfbs) {
  const auto names = name_for_python(from);
  if (!names)
    return names.error();
  emitter out(from, *names);
  std::vector<python_file> files{{"__init__.py", out.package()},
                                 {"_messages.py", out.messages()},
                                 {"_schema.py", schema_module(bfbs)},
                                 {"py.typed", ""}};
  for (const auto& each : python_templates())
    files.push_back({std::string(each.name), std::string(each.text)});
  return files;
}

} // namespace mycelium::schema_compiler
