#include "tools/schema_compiler/ocaml_names.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <string_view>

namespace mycelium::schema_compiler {
namespace {

constexpr std::string_view keywords[] = {
    "and",    "as",   "asr",     "assert",    "begin",       "class",  "constraint", "do",   "done",     "downto",
    "effect", "else", "end",     "exception", "external",    "false",  "for",        "fun",  "function", "functor",
    "if",     "in",   "include", "inherit",   "initializer", "land",   "lazy",       "let",  "lor",      "lsl",
    "lsr",    "lxor", "match",   "method",    "mod",         "module", "mutable",    "new",  "nonrec",   "object",
    "of",     "open", "or",      "private",   "rec",         "sig",    "struct",     "then", "to",       "true",
    "try",    "type", "val",     "virtual",   "when",        "while",  "with"};

char upper(char c) { return static_cast<char>(std::toupper(static_cast<unsigned char>(c))); }
char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

// "_hidden" begins with no letter.
std::string capitalised(std::string name) {
  if (name.empty() || name[0] == '_')
    return "M" + name;
  name[0] = upper(name[0]);
  return name;
}

std::string uncapitalised(std::string name) {
  name[0] = lower(name[0]);
  const bool is_word = std::find(std::begin(keywords), std::end(keywords), name) != std::end(keywords);
  return is_word || name == "_" ? name + "_" : name;
}

// Names that stand beside each other: one that is taken gets underscores.
class neighbours {
public:
  explicit neighbours(std::set<std::string> taken = {}) : taken_(std::move(taken)) {}

  std::string add(std::string name) {
    while (!taken_.insert(name).second)
      name += '_';
    return name;
  }

private:
  std::set<std::string> taken_;
};

class module_names {
public:
  template <class Declarations>
  void declare(const Declarations& all) {
    for (const auto& each : all)
      ++locals_[capitalised(each.name.local)];
  }

  template <class Declarations>
  result<void> take(const Declarations& all, std::vector<std::string>& out) {
    for (const auto& each : all) {
      std::string chosen = capitalised(each.name.local);
      if (locals_[chosen] > 1) {
        chosen = capitalised(each.name.full);
        std::replace(chosen.begin(), chosen.end(), '.', '_');
      }
      if (chosen == "Flat") // what generated modules need themselves
        chosen += '_';
      if (!taken_.insert(chosen).second)
        return failure{status::unsupported, each.name.full + ": OCaml's name for it, " + chosen +
                                                ", belongs to another declaration; rename one of them"};
      out.push_back(chosen);
    }
    return {};
  }

private:
  std::map<std::string, int> locals_;
  std::set<std::string> taken_;
};

template <class Fields>
std::vector<std::string> labels(const Fields& fields) {
  neighbours names;
  std::vector<std::string> out;
  for (const auto& each : fields)
    out.push_back(names.add(uncapitalised(each.name)));
  return out;
}

std::vector<std::string> value_names(const enumeration& from) {
  neighbours names(from.bit_flags ? std::set<std::string>{} : std::set<std::string>{"Unknown"});
  std::vector<std::string> out;
  for (const auto& each : from.values)
    out.push_back(names.add(from.bit_flags ? uncapitalised(each.name) : capitalised(each.name)));
  return out;
}

std::vector<std::string> member_names(const union_type& from) {
  neighbours names;
  std::vector<std::string> out;
  for (const auto& each : from.members)
    out.push_back(names.add(capitalised(each.name)));
  return out;
}

// "my-schema.v2" is no name of a module.
std::string file_name(std::string name) {
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); }, '_');
  if (name.empty() || !std::isalpha(static_cast<unsigned char>(name[0])))
    name = "m" + name;
  name[0] = lower(name[0]);
  return name;
}

} // namespace

result<ocaml_names> name_for_ocaml(const model& from) {
  ocaml_names out;
  out.module = file_name(from.name);
  module_names modules;
  modules.declare(from.enums);
  modules.declare(from.structs);
  modules.declare(from.unions);
  modules.declare(from.tables);
  result<void> done = modules.take(from.enums, out.enums);
  if (done)
    done = modules.take(from.structs, out.structs);
  if (done)
    done = modules.take(from.unions, out.unions);
  if (done)
    done = modules.take(from.tables, out.tables);
  if (!done)
    return done.error();
  for (const auto& each : from.enums)
    out.enum_values.push_back(value_names(each));
  for (const auto& each : from.structs)
    out.struct_fields.push_back(labels(each.fields));
  for (const auto& each : from.tables)
    out.table_fields.push_back(labels(each.fields));
  for (const auto& each : from.unions)
    out.union_members.push_back(member_names(each));
  return out;
}

} // namespace mycelium::schema_compiler
