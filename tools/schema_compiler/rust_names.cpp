#include "tools/schema_compiler/rust_names.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

namespace mycelium::schema_compiler {
namespace {

// Strict and reserved keywords up to edition 2024.
constexpr std::string_view keywords[] = {
    "Self",   "abstract", "as",      "async", "await",   "become", "box",   "break", "const", "continue", "crate",
    "do",     "dyn",      "else",    "enum",  "extern",  "false",  "final", "fn",    "for",   "gen",      "if",
    "impl",   "in",       "let",     "loop",  "macro",   "match",  "mod",   "move",  "mut",   "override", "priv",
    "pub",    "ref",      "return",  "self",  "static",  "struct", "super", "trait", "true",  "try",      "type",
    "typeof", "unsafe",   "unsized", "use",   "virtual", "where",  "while", "yield"};

// What the generated module says without a path, and what it declares beside the types.
constexpr std::string_view module_words[] = {"Box",    "Default", "Err",           "FnOnce", "None",   "Ok",  "Option",
                                             "Result", "SCHEMA",  "SCHEMA_DIGEST", "Some",   "String", "Vec", "bool",
                                             "codec",  "f32",     "f64",           "i16",    "i32",    "i64", "i8",
                                             "std",    "str",     "u16",           "u32",    "u64",    "u8",  "usize"};

// Variables of generated functions: a `let` cannot hide a tuple struct, as enums are, of the same name.
constexpr std::string_view variables[] = {"fields",  "from",  "kind", "member", "name",   "other",
                                          "payload", "start", "take", "table",  "target", "to"};

// What every enum has.
constexpr std::string_view enum_words[] = {"bits", "contains", "name"};

template <class Words>
bool one_of(const Words& words, std::string_view word) {
  return std::find(std::begin(words), std::end(words), word) != std::end(words);
}

// "type" becomes "type_"; so that it meets no other, "type_" becomes "type__". A lone "_" is no name at all.
std::string escape(std::string_view word, bool taken) {
  const bool only_lines = word.find_first_not_of('_') == std::string_view::npos;
  return std::string(word) + (taken || only_lines ? "_" : "");
}

std::string_view stem(std::string_view word) { return word.substr(0, word.find_last_not_of('_') + 1); }

std::string full_name(const declared_name& name) {
  std::string out;
  bool begins = true;
  for (const char c : name.full) {
    if (c != '.')
      out += begins && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    begins = c == '.';
  }
  return out;
}

class chooser {
public:
  void declare(const declared_name& name) { ++locals_[name.local]; }

  result<std::string> take(const declared_name& name) {
    const auto wanted = locals_[name.local] > 1 ? full_name(name) : name.local;
    const auto root = stem(wanted);
    const bool numbered = root.starts_with("child_") || root.starts_with("value_");
    auto chosen =
        escape(wanted, numbered || one_of(keywords, root) || one_of(module_words, root) || one_of(variables, root));
    if (!taken_.insert(chosen).second)
      return failure{status::unsupported, name.full + ": Rust's name for it, " + chosen +
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

} // namespace

result<rust_names> name_for_rust(const model& from) {
  chooser names;
  const auto declare = [&](const auto& all) {
    for (const auto& each : all)
      names.declare(each.name);
  };
  declare(from.enums), declare(from.structs), declare(from.unions), declare(from.tables);
  rust_names out;
  if (auto done = take_all(names, from.enums, out.enums); !done)
    return done.error();
  if (auto done = take_all(names, from.structs, out.structs); !done)
    return done.error();
  if (auto done = take_all(names, from.unions, out.unions); !done)
    return done.error();
  if (auto done = take_all(names, from.tables, out.tables); !done)
    return done.error();
  return out;
}

std::string rust_field(const field& field) { return escape(field.name, one_of(keywords, stem(field.name))); }

std::string rust_variant(const union_member& member) {
  return escape(member.name, one_of(keywords, stem(member.name)));
}

std::string rust_enum_value(const enum_value& value) {
  return escape(value.name, one_of(keywords, stem(value.name)) || one_of(enum_words, stem(value.name)));
}

std::string rust_scalar(scalar number) {
  static constexpr std::string_view names[] = {"bool", "i8",  "u8",  "i16", "u16", "i32",
                                               "u32",  "i64", "u64", "f32", "f64"};
  return std::string(names[static_cast<std::size_t>(number)]);
}

bool is_camel_case(std::string_view type_name) {
  return type_name[0] >= 'A' && type_name[0] <= 'Z' && type_name.find('_') == std::string_view::npos;
}

std::string rust_allow(bool camel_case, const std::vector<field>& fields) {
  const auto snake = [](const field& each) {
    const std::string_view name = each.name;
    return name.find("__") == std::string_view::npos && name.back() != '_' &&
           std::none_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
  };
  std::string lints = "dead_code";
  lints += camel_case ? "" : ", non_camel_case_types";
  lints += std::all_of(fields.begin(), fields.end(), snake) ? "" : ", non_snake_case";
  return "#[allow(" + lints + ")]\n";
}

} // namespace mycelium::schema_compiler
