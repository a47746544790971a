// What the library says of itself.
#include "actors/runtime/options.hpp"
#include "actors/runtime/stamp.hpp"
#include "ffi/fence.hpp"
#include "ffi/json_text.hpp"
#include "schema/registry.hpp"
#include "schema/sha256.hpp"

#include <thread>

#ifndef MYCELIUM_VERSION
#error "MYCELIUM_VERSION is set by CMake"
#endif

using namespace mycelium;
using namespace mycelium::ffi;

namespace {

// A member of an object on a line of its own.
std::string member(std::string_view name, const std::string& value) { return "  " + quoted(name) + ": " + value; }

std::string options_json() {
  const auto options = runtime::report_options();
  if (!options)
    return member("options_error", quoted(options.error().text));
  std::string list;
  for (const auto& o : *options)
    list += std::string(list.empty() ? "" : ",") + "\n    {\"name\": " + quoted(o.name) +
            ", \"variable\": " + quoted(o.variable) + ", \"value\": " + quoted(o.value) +
            ", \"origin\": " + (o.from_environment ? "\"environment\"" : "\"default\"") + "}";
  return member("options", "[" + list + "\n  ]");
}

std::string types_json() {
  std::string list;
  for (const auto& t : schema::schema_set::built_in()->types())
    list += std::string(list.empty() ? "" : ",") + "\n    {\"type_id\": " + std::to_string(t.type_id) +
            ", \"name\": " + quoted(t.name) + ", \"topic\": " + quoted(t.topic) + ", \"digest\": \"" +
            schema::hex(t.type_digest) + "\"}";
  return member("types", "[" + list + "\n  ]");
}

std::string info_json() {
  std::string text = "{\n";
  const auto add = [&text](std::string line) { text += std::move(line) + ",\n"; };
  add(member("version", quoted(MYCELIUM_VERSION)));
  add(member("abi", quoted(std::to_string(MYCELIUM_ABI_MAJOR) + "." + std::to_string(MYCELIUM_ABI_MINOR))));
  add(member("compiler", quoted(
#if defined(__clang__)
                             "clang " __clang_version__
#else
                             "g++ " __VERSION__
#endif
                             )));
  add(member("engine", quoted("CAF " MYCELIUM_CAF_VERSION)));
  add(member("clock", quoted(runtime::stamp_source())));
  add(member("cores", std::to_string(std::thread::hardware_concurrency())));
  add(options_json());
  add(member("schema_digest", quoted(schema::hex(schema::schema_set::built_in()->set_digest()))));
  return text + types_json() + "\n}\n";
}

} // namespace

extern "C" {

uint32_t mycelium_abi_version(void) { return (uint32_t{MYCELIUM_ABI_MAJOR} << 16) | MYCELIUM_ABI_MINOR; }

const char* mycelium_version(void) { return MYCELIUM_VERSION; }

int32_t mycelium_info_json(char* buffer, size_t cap, size_t* out_len) {
  return fenced([&] { return copy_text(info_json(), buffer, cap, out_len); });
}

} // extern "C"
