#include "tools/schema_compiler/cpp.hpp"

#include "tools/schema_compiler/cpp_codec.hpp"
#include "tools/schema_compiler/cpp_names.hpp"
#include "tools/schema_compiler/cpp_types.hpp"
#include "tools/schema_compiler/fill.hpp"
#include "tools/schema_compiler/support_text.hpp"

#include <algorithm>
#include <set>

namespace mycelium::schema_compiler {
namespace {

constexpr std::string_view head =
    R"(// Written by mycelium schema compile from the schema $name. Do not edit: change the schema and compile it again.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

)";

constexpr std::string_view digests = R"(
namespace mycelium::schemas {

// Digest of the whole schema, for mycelium_verify_schema_digest.
inline constexpr std::array<std::uint8_t, 32> $name = {
      $digest};

} // namespace mycelium::schemas
)";

// The support files as they stand in the source tree, without what only makes sense there.
std::string without_own_includes(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size() - 1) + 1;
    if (!text.starts_with("#include \""))
      out.append(text.substr(0, end));
    text.remove_prefix(end);
  }
  return out;
}

// Text in name spaces that open and close as needed.
class spaces {
public:
  void add(const declared_name& name, std::string_view text) {
    const auto space = cpp_space(name);
    if (!open_ || space != current_) {
      close();
      if (!space.empty())
        text_ += "\nnamespace " + space + " {\n";
      current_ = space;
      open_ = true;
    }
    text_ += text;
  }

  std::string finish() {
    close();
    return std::move(text_);
  }

private:
  void close() {
    if (open_ && !current_.empty())
      text_ += "\n} // namespace " + current_ + "\n";
    open_ = false;
  }

  std::string text_;
  std::string current_;
  bool open_ = false;
};

// "my-schema.v2" is no name.
std::string identifier(std::string name) {
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); }, '_');
  return name.empty() || std::isdigit(static_cast<unsigned char>(name[0])) ? "_" + name : name;
}

void add_tables(const model& model, spaces& out) {
  for (const auto& each : model.tables)
    out.add(each.name, "\nstruct " + cpp_local(each.name) + ";");
  out.add(model.tables.front().name, "\n");
  std::set<std::size_t> written_unions;
  for (const auto& each : model.tables) {
    for (const auto& field : each.fields)
      if (field.type.kind == value_kind::union_value && written_unions.insert(field.type.index).second)
        out.add(model.unions[field.type.index].name, "\n" + cpp_union(model, model.unions[field.type.index]));
    out.add(each.name, "\n" + cpp_table(model, each));
  }
  out.add(model.tables.front().name, "\n// From here on: how these are read and written.\n");
  for (const auto& each : model.structs)
    out.add(each.name, cpp_struct_codec(model, each));
  for (const auto i : written_unions)
    out.add(model.unions[i].name, "\n" + cpp_union_codec_declaration(model.unions[i]));
  for (const auto& each : model.tables)
    out.add(each.name, "\n" + cpp_table_codec_declaration(each));
  for (const auto i : written_unions)
    out.add(model.unions[i].name, cpp_union_codec(model.unions[i]));
  for (const auto& each : model.tables)
    out.add(each.name, cpp_table_codec(model, each));
}

} // namespace

std::string emit_cpp(const model& model) {
  auto out = fill(head, {{"name", model.name}});
  for (const auto text : {flat_reader_text(), flat_values_text()})
    out += without_own_includes({reinterpret_cast<const char*>(text.data()), text.size()});
  out += fill(digests, {{"name", identifier(model.name)}, {"digest", cpp_digest(model.set_digest)}});
  spaces body;
  for (const auto& each : model.enums)
    body.add(each.name, "\n" + cpp_enum(each));
  for (const auto& each : model.structs)
    body.add(each.name, "\n" + cpp_struct(model, each));
  add_tables(model, body); // there is at least one: a model has a message
  return out + body.finish();
}

} // namespace mycelium::schema_compiler
