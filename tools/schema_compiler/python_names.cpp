#include "tools/schema_compiler/python_names.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

namespace mycelium::schema_compiler {
namespace {

constexpr std::array<std::string_view, 35> keywords{
    "False",  "None",     "True", "and",    "as",   "assert",  "async",  "await",  "break", "class",  "continue", "def",
    "del",    "elif",     "else", "except", "for",  "finally", "from",   "global", "if",    "import", "in",       "is",
    "lambda", "nonlocal", "not",  "or",     "pass", "raise",   "return", "try",    "while", "with",   "yield"};

// Names that the generated modules use.
constexpr std::array<std::string_view, 16> module_names{
    "MESSAGES", "SCHEMA", "SCHEMA_DIGEST", "bool",   "bytes",    "classmethod", "codec", "float",
    "int",      "list",   "memoryview",    "object", "property", "str",         "super", "tuple"};

// Attributes that every generated class has.
constexpr std::array<std::string_view, 8> class_names{"LAYOUT", "TOPIC",  "TYPE_DIGEST", "TYPE_ID",
                                                      "decode", "encode", "from_bytes",  "to_bytes"};

// Attributes of every member of an IntEnum or IntFlag.
constexpr std::array<std::string_view, 14> enum_names{
    "as_integer_ratio", "bit_count", "bit_length", "conjugate", "denominator", "from_bytes", "imag",
    "is_integer",       "mro",       "name",       "numerator", "real",        "to_bytes",   "value"};

template <class Words>
bool one_of(const Words& words, const std::string& name) {
  return std::find(words.begin(), words.end(), name) != words.end();
}

std::string full_name(const declared_name& name) {
  std::string full = name.full;
  std::replace(full.begin(), full.end(), '.', '_');
  return full;
}

// Chooses names of one module.
class chooser {
public:
  void declare(const declared_name& name) { ++locals_[name.local]; }

  result<std::string> take(const declared_name& name) {
    return take(locals_[name.local] > 1 ? full_name(name) : name.local, name.full);
  }
  result<std::string> take(std::string chosen, const std::string& full) {
    if (one_of(keywords, chosen) || one_of(module_names, chosen) || chosen.starts_with("_"))
      chosen += "_";
    if (!taken_.insert(chosen).second)
      return failure{status::unsupported, full + ": Python's name for it, " + chosen +
                                              ", belongs to another declaration; rename one of them"};
    return chosen;
  }

private:
  std::map<std::string, int> locals_;
  std::set<std::string> taken_;
};

template <class Declarations>
result<void> take_all(chooser& names, const Declarations& from, std::vector<std::string>& out) {
  for (const auto& each : from) {
    auto name = names.take(each.name);
    if (!name)
      return name.error();
    out.push_back(*name);
  }
  return {};
}

result<void> name_twins(chooser& names, const model& from, python_names& out) {
  for (std::size_t u = 0; u < from.unions.size(); ++u) {
    std::set<std::size_t> tables;
    for (std::size_t i = 0; i < from.unions[u].members.size(); ++i) {
      const union_member& member = from.unions[u].members[i];
      if (tables.insert(member.table).second)
        continue;
      auto name = names.take(out.unions[u] + member.name, from.unions[u].name.full + "." + member.name);
      if (!name)
        return name.error();
      out.twins[{u, i}] = *name;
    }
  }
  return {};
}

} // namespace

result<python_names> name_for_python(const model& from) {
  chooser names;
  auto declare = [&](const auto& all) {
    for (const auto& each : all)
      names.declare(each.name);
  };
  declare(from.enums), declare(from.structs), declare(from.tables), declare(from.unions);
  python_names out;
  if (auto done = take_all(names, from.enums, out.enums); !done)
    return done.error();
  if (auto done = take_all(names, from.structs, out.structs); !done)
    return done.error();
  if (auto done = take_all(names, from.tables, out.tables); !done)
    return done.error();
  if (auto done = take_all(names, from.unions, out.unions); !done)
    return done.error();
  if (auto done = name_twins(names, from, out); !done)
    return done.error();
  return out;
}

std::string python_attribute(const std::string& name) {
  // Two leading underscores would be mangled by the class they stand in.
  const std::string shown = name.starts_with("__") ? "field" + name : name;
  return one_of(keywords, shown) || one_of(class_names, shown) ? shown + "_" : shown;
}

std::string python_member(const std::string& name) {
  const std::string shown = name.starts_with("_") ? "value" + name : name;
  return one_of(keywords, shown) || one_of(enum_names, shown) ? shown + "_" : shown;
}

} // namespace mycelium::schema_compiler
