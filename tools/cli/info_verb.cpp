// mycelium info: what this library is, what a binary schema declares, or what is in a recording.
#include "tools/cli/arguments.hpp"
#include "tools/cli/bus.hpp"
#include "tools/cli/info_recording.hpp"

#include "schema/registry.hpp"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <span>

namespace mycelium::cli {
namespace {

int fail(const std::string& text) {
  std::fprintf(stderr, "mycelium info: %s\n", text.c_str());
  return exit_failed;
}

std::string hex(std::span<const std::uint8_t> bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : bytes) {
    text += digits[byte >> 4U];
    text += digits[byte & 15U];
  }
  return text;
}

void print_types_as_json(const schema::schema_set& set) {
  auto types = nlohmann::ordered_json::array();
  for (const schema::message_type& type : set.types())
    types.push_back(
        {{"type_id", type.type_id}, {"name", type.name}, {"topic", type.topic}, {"digest", hex(type.type_digest)}});
  const nlohmann::ordered_json page{{"digest", hex(set.set_digest())}, {"types", types}};
  std::printf("%s\n", page.dump(2).c_str());
}

void print_types(const schema::schema_set& set) {
  std::size_t width = 4;
  for (const schema::message_type& type : set.types())
    width = std::max(width, type.name.size());
  std::printf("schema set %s\n\n%7s  %-*s  %-12s  %s\n", hex(set.set_digest()).c_str(), "type_id",
              static_cast<int>(width), "name", "topic", "digest");
  for (const schema::message_type& type : set.types())
    std::printf("%7u  %-*s  %-12s  %s\n", type.type_id, static_cast<int>(width), type.name.c_str(),
                type.topic.empty() ? "-" : type.topic.c_str(), hex(type.type_digest).substr(0, 16).c_str());
}

int describe_file(const std::string& path, bool json) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> content{std::istreambuf_iterator<char>(file), {}};
  if (!file)
    return fail(path + " cannot be read");
  const auto set = schema::schema_set::load({reinterpret_cast<const std::uint8_t*>(content.data()), content.size()});
  if (!set)
    return fail(path + ": " + set.error().text +
                (path.ends_with(".fbs") ? "\nA .fbs file is compiled first: mycelium schema compile --help" : ""));
  (json ? print_types_as_json : print_types)(**set);
  return exit_ok;
}

} // namespace

int info_verb(int argc, char** argv) {
  std::string path;
  bool json = false;
  CLI::App app("Without a file: versions, engine, clock and every option of this library, as JSON, for bug reports.\n"
               "With a file: the message types of a binary schema, or what is in a recording.",
               "mycelium info");
  app.add_option("file", path, "a binary schema (.bfbs) or a recording (.mcap)");
  app.add_flag("--json", json, "with a file: print JSON, too");
  if (const auto done = parse(app, argc, argv))
    return *done;
  if (!path.empty() && is_recording(path))
    return describe_recording(path, json);
  if (!path.empty())
    return describe_file(path, json);
  const auto text = read_text(mycelium_info_json, "info");
  if (!text)
    return fail(text.error().text);
  std::printf("%s\n", nlohmann::ordered_json::parse(*text).dump(2).c_str());
  return exit_ok;
}

} // namespace mycelium::cli
