#include "tools/schema_compiler/source.hpp"

#include <flatbuffers/idl.h>

#include <fstream>
#include <iterator>
#include <limits>

namespace mycelium::schema_compiler {
namespace {

namespace fs = std::filesystem;

failure invalid(std::string text) { return {status::invalid_argument, std::move(text)}; }

result<std::string> read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text;
  if (std::error_code error; in && !fs::is_directory(path, error))
    text.assign(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  else
    in.setstate(std::ios::failbit);
  if (in.fail())
    return invalid(path.string() + ": cannot be read; is it a file, and may you read it?");
  return text;
}

// The parser ends its messages with a line feed, and begins them with one when it has warned before.
std::string trimmed(std::string text) {
  const auto first = text.find_first_not_of(" \r\n");
  const auto last = text.find_last_not_of(" \r\n");
  return first == std::string::npos ? std::string() : text.substr(first, last - first + 1);
}

std::string full_name(const flatbuffers::Definition& definition) {
  return definition.defined_namespace ? definition.defined_namespace->GetFullyQualifiedName(definition.name)
                                      : definition.name;
}

flatbuffers::IDLOptions parser_options() {
  flatbuffers::IDLOptions options;
  options.binary_schema_comments = true;
  options.binary_schema_builtins = true;
  options.no_warnings = true;
  options.lang_to_generate = flatbuffers::IDLOptions::kCpp; // refuses default strings, which a .bfbs cannot express
  return options;
}

// flatc 2.0 writes the default of a ulong as a signed number: one beyond that would silently become another.
result<void> check_defaults(const flatbuffers::Parser& parser, const source& from) {
  for (const auto* object : parser.structs_.vec)
    for (const auto* field : object->fields.vec) {
      if (field->value.type.base_type != flatbuffers::BASE_TYPE_ULONG || field->value.constant == "null")
        continue;
      std::uint64_t value = 0;
      flatbuffers::StringToNumber(field->value.constant.c_str(), &value);
      const auto limit = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
      const auto name = full_name(*object) + "." + field->name;
      if (value > limit)
        return invalid(place_of(from, name) + name + ": the default of a ulong can be at most " +
                       std::to_string(limit) +
                       ", as binary schemas lose a larger one; choose a smaller default, or none (= null)");
    }
  return {};
}

void note_places(flatbuffers::Parser& parser, const std::string& text, source& out) {
  find_places(out.path.string(), text, out.places);
  for (const auto& included : parser.GetIncludedFilesRecursive(out.path.string()))
    if (const auto content = read_file(included))
      find_places(included, *content, out.places);
}

result<void> parse(const std::vector<std::string>& include_folders, source& out) {
  const auto text = read_file(out.path);
  if (!text)
    return text.error();
  if (text->find('\0') != std::string::npos)
    return invalid(out.path.string() + ": is no text; a binary schema has to be called .bfbs");
  auto folder = out.path.parent_path().string();
  if (folder.empty())
    folder = ".";
  std::vector<const char*> folders = {folder.c_str()};
  for (const auto& each : include_folders)
    folders.push_back(each.c_str());
  folders.push_back(nullptr);

  flatbuffers::Parser parser(parser_options());
  if (!parser.Parse(text->c_str(), folders.data(), out.path.string().c_str()))
    return invalid(trimmed(parser.error_));
  note_places(parser, *text, out);
  if (auto checked = check_defaults(parser, out); !checked)
    return checked;
  parser.Serialize();
  const auto* data = parser.builder_.GetBufferPointer();
  out.bfbs.assign(data, data + parser.builder_.GetSize());
  return {};
}

} // namespace

result<source> load_source(const fs::path& path, const std::vector<std::string>& include_folders) {
  source out;
  out.path = path;
  if (path.extension() == ".bfbs") {
    const auto content = read_file(path);
    if (!content)
      return content.error();
    out.bfbs.assign(content->begin(), content->end());
  } else if (auto parsed = parse(include_folders, out); !parsed) {
    return parsed.error();
  }
  auto declarations = schema::read_declarations(out.bfbs);
  if (!declarations)
    return failure{declarations.error().code, path.string() + ": " + declarations.error().text};
  out.declarations = std::move(*declarations);
  return out;
}

std::string place_of(const source& from, const std::string& name) {
  // The declaration stands for a member that the text does not name, such as a union's type field.
  for (std::string_view part = name; !part.empty();) {
    if (const auto found = from.places.find(part); found != from.places.end())
      return found->second.file + ":" + std::to_string(found->second.line) + ": ";
    const auto dot = part.rfind('.');
    part = part.substr(0, dot == std::string_view::npos ? 0 : dot);
  }
  return from.path.string() + ": ";
}

} // namespace mycelium::schema_compiler
