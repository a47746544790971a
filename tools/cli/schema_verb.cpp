// mycelium schema: schemas compiled to other languages, fingerprinted, and compared with their earlier versions.
#include "tools/cli/arguments.hpp"

#include "schema/messages.hpp"
#include "schema/sha256.hpp"
#include "tools/schema_compiler/cpp.hpp"
#include "tools/schema_compiler/evolution.hpp"
#include "tools/schema_compiler/ocaml.hpp"
#include "tools/schema_compiler/python.hpp"
#include "tools/schema_compiler/rust.hpp"
#include "tools/schema_compiler/source.hpp"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace mycelium::cli {
namespace {

namespace compiler = schema_compiler;
namespace fs = std::filesystem;

// The command line of all four; each uses its part.
struct options {
  std::vector<std::string> include_folders;
  std::vector<std::string> files;
  std::string before;
  std::string after;
  std::string name;
  std::string cpp_folder;
  std::string python_folder;
  std::string ocaml_folder;
  std::string rust_folder;
  bool rust_alone = false;
  std::string bfbs_folder;
};

// Complaints about a schema begin with the name of what is wrong: says where that is.
failure located(const compiler::source& source, const failure& why) {
  return {why.code, compiler::place_of(source, why.text.substr(0, why.text.find(':'))) + why.text};
}

int fail(const std::string& text) {
  std::fprintf(stderr, "%s\n", text.c_str());
  return exit_failed;
}

// Writes next to the place and renames, so that nobody reads half a file, and leaves a file alone that is the same: a
// build then does nothing again.
result<void> write_file(const fs::path& path, std::string_view content) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (std::ifstream old(path, std::ios::binary); old) {
    const std::string same((std::istreambuf_iterator<char>(old)), std::istreambuf_iterator<char>());
    if (same == content)
      return {};
  }
  const auto draft = path.string() + ".new";
  std::ofstream out(draft, std::ios::binary | std::ios::trunc);
  out.write(content.data(), static_cast<std::streamsize>(content.size()));
  out.close();
  if (out)
    fs::rename(draft, path, error);
  if (!out || error)
    return failure{status::invalid_argument, path.string() + ": cannot be written; is the folder there and writable?"};
  return {};
}

result<void> write_python(const fs::path& folder, const compiler::model& model, const compiler::source& source) {
  const auto files = compiler::emit_python(model, source.bfbs);
  if (!files)
    return files.error();
  for (const auto& file : *files)
    if (auto written = write_file(folder / model.name / file.name, file.text); !written)
      return written;
  return {};
}

result<void> write_ocaml(const fs::path& folder, const compiler::model& model, const compiler::source& source) {
  const auto files = compiler::emit_ocaml(model, source.bfbs);
  if (!files)
    return files.error();
  for (const auto& file : *files)
    if (auto written = write_file(folder / file.name, file.text); !written)
      return written;
  return {};
}

result<void> write_rust(const options& wanted, const compiler::model& model, const compiler::source& source) {
  const auto codec = wanted.rust_alone ? compiler::rust_codec::carried : compiler::rust_codec::from_crate;
  const auto text = compiler::emit_rust(model, source.bfbs, codec);
  return text ? write_file(fs::path(wanted.rust_folder) / (model.name + ".rs"), *text) : text.error();
}

result<void> compile_file(const options& wanted, const std::string& path) {
  const auto source = compiler::load_source(path, wanted.include_folders);
  if (!source)
    return source.error();
  const auto name = wanted.name.empty() ? fs::path(path).stem().string() : wanted.name;
  const auto model = compiler::load_model(source->bfbs, name);
  if (!model)
    return located(*source, model.error());
  result<void> done;
  if (!wanted.bfbs_folder.empty()) {
    const std::string_view content(reinterpret_cast<const char*>(source->bfbs.data()), source->bfbs.size());
    done = write_file(fs::path(wanted.bfbs_folder) / (name + ".bfbs"), content);
  }
  if (done && !wanted.cpp_folder.empty())
    done = write_file(fs::path(wanted.cpp_folder) / (name + ".hpp"), compiler::emit_cpp(*model));
  if (done && !wanted.python_folder.empty())
    done = write_python(wanted.python_folder, *model, *source);
  if (done && !wanted.ocaml_folder.empty())
    done = write_ocaml(wanted.ocaml_folder, *model, *source);
  if (done && !wanted.rust_folder.empty())
    done = write_rust(wanted, *model, *source);
  return done;
}

int wrong_command_line(const char* what) {
  std::fprintf(stderr, "mycelium schema compile: %s\n", what);
  return exit_usage;
}

int compile(const options& wanted) {
  if (wanted.cpp_folder.empty() && wanted.python_folder.empty() && wanted.ocaml_folder.empty() &&
      wanted.rust_folder.empty() && wanted.bfbs_folder.empty())
    return wrong_command_line("nothing to write; add --cpp DIR, --python DIR, --ocaml DIR, --rust DIR or --bfbs DIR");
  if (!wanted.name.empty() && wanted.files.size() > 1)
    return wrong_command_line("--name is for one file; compile the files one by one");
  int code = exit_ok;
  for (const auto& file : wanted.files)
    if (const auto done = compile_file(wanted, file); !done)
      code = fail(done.error().text);
  return code;
}

// Like sha256sum: the digest, then what it is of.
int print_digests(const options& wanted) {
  for (const auto& file : wanted.files) {
    const auto source = compiler::load_source(file, wanted.include_folders);
    if (!source)
      return fail(source.error().text);
    const auto found = schema::find_messages(source->declarations);
    if (!found)
      return fail(located(*source, found.error()).text);
    std::printf("%s  %s\n", schema::hex(found->set_digest).c_str(), file.c_str());
    for (const auto& each : found->tables)
      std::printf("%s  %u %s\n", schema::hex(each.type.type_digest).c_str(), each.type.type_id, each.type.name.c_str());
  }
  return exit_ok;
}

// diff lists every change and ends with 0; check lists those that break and ends with 1 if there is one.
int compare(const options& wanted, bool only_breaking) {
  const auto before = compiler::load_source(wanted.before, wanted.include_folders);
  if (!before)
    return fail(before.error().text);
  const auto after = compiler::load_source(wanted.after, wanted.include_folders);
  if (!after)
    return fail(after.error().text);
  for (const auto* each : {&*before, &*after})
    if (const auto found = schema::find_messages(each->declarations); !found)
      return fail(located(*each, found.error()).text);
  bool broken = false;
  for (const auto& change : compiler::compare(before->declarations, after->declarations)) {
    broken = broken || change.breaks;
    if (only_breaking && !change.breaks)
      continue;
    const auto place = compiler::place_of(change.removed ? *before : *after, change.where);
    std::printf("%s%s: %s: %s\n", place.c_str(), change.breaks ? "error" : "note", change.where.c_str(),
                change.what.c_str());
  }
  return only_breaking && broken ? exit_failed : exit_ok;
}

void add_pair(CLI::App& command, options& wanted) {
  command.add_option("-I,--include", wanted.include_folders, "where included files are looked for")
      ->allow_extra_args(false);
  command.add_option("old", wanted.before, "the earlier version, .fbs or .bfbs")->required();
  command.add_option("new", wanted.after, "the later version")->required();
}

void add_files(CLI::App& command, options& wanted) {
  command.add_option("-I,--include", wanted.include_folders, "where included files are looked for")
      ->allow_extra_args(false);
  command.add_option("files", wanted.files, "schemas, .fbs or .bfbs")->required();
}

} // namespace

int schema_verb(int argc, char** argv) {
  options wanted;
  CLI::App app("Schemas of messages: FlatBuffers tables with a type_id. docs/schema.md tells more.", "mycelium schema");
  app.require_subcommand(1);
  auto* compile_command = app.add_subcommand("compile", "write C++, Python, OCaml, Rust or a binary schema");
  auto* digest_command = app.add_subcommand("digest", "print the digests of a schema and of its messages");
  auto* check_command = app.add_subcommand("check", "fail if programs of two versions could not talk to each other");
  auto* diff_command = app.add_subcommand("diff", "list what changed between two versions");
  add_files(*compile_command, wanted);
  compile_command->add_option("--cpp", wanted.cpp_folder,
                              "folder for NAME.hpp, one header that needs FlatBuffers' only");
  compile_command->add_option("--python", wanted.python_folder, "folder for NAME, a package");
  compile_command->add_option("--ocaml", wanted.ocaml_folder, "folder for NAME.ml and NAME.mli");
  compile_command->add_option("--rust", wanted.rust_folder, "folder for NAME.rs, a module for the crate mycelium");
  compile_command->add_flag("--rust-alone", wanted.rust_alone, "make NAME.rs need no crate; the bus does not take it");
  compile_command->add_option("--bfbs", wanted.bfbs_folder, "folder for NAME.bfbs, for mycelium_register_schema");
  compile_command->add_option("--name", wanted.name, "the NAME, if not the file's");
  add_files(*digest_command, wanted);
  add_pair(*check_command, wanted);
  add_pair(*diff_command, wanted);
  if (const auto done = parse(app, argc, argv))
    return *done;

  if (compile_command->parsed())
    return compile(wanted);
  if (digest_command->parsed())
    return print_digests(wanted);
  return compare(wanted, check_command->parsed());
}

} // namespace mycelium::cli
