// The library itself, and the options that it sees.
#include "tools/cli/bus.hpp"
#include "tools/cli/doctor.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <cstdint>
#include <dlfcn.h>

namespace mycelium::cli {
namespace {

std::string version_text(unsigned abi) { return std::to_string(abi >> 16U) + "." + std::to_string(abi & 0xffffU); }

// The file that the loaded library came from.
std::string library_file() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&mycelium_abi_version), &info) == 0 || info.dli_fname == nullptr)
    return "unknown file";
  return info.dli_fname;
}

finding check_abi() {
  const unsigned loaded = mycelium_abi_version();
  const unsigned compiled = (unsigned{MYCELIUM_ABI_MAJOR} << 16U) | MYCELIUM_ABI_MINOR;
  const std::string text =
      std::string("mycelium ") + mycelium_version() + ", ABI " + version_text(loaded) + ", from " + library_file();
  const bool fits = loaded >> 16U == compiled >> 16U && loaded >= compiled;
  if (fits)
    return {verdict::ok, "version", text, ""};
  return {verdict::fail, "version", text + "; this program was compiled for ABI " + version_text(compiled),
          "the program and the library are of different installations: look at LD_LIBRARY_PATH, or install both again"};
}

finding check_schema() {
  std::array<std::uint8_t, MYCELIUM_DIGEST_SIZE> digest{};
  if (auto asked = check(mycelium_schema_digest(digest.data()), "schema_digest"); !asked)
    return {verdict::fail, "built-in schema", asked.error().text, "the library file is damaged: install it again"};
  std::string hex;
  for (const std::uint8_t byte : digest) {
    constexpr std::string_view digits = "0123456789abcdef";
    hex += {digits[byte >> 4U], digits[byte & 15U]};
  }
  return {verdict::ok, "built-in schema", "digest " + hex, ""};
}

finding describe(const nlohmann::json& option) {
  const bool from_environment = option.at("origin") == "environment";
  return {verdict::ok, option.at("name"),
          option.at("value").get<std::string>() + (from_environment ? "  (from " : "  (default; set ") +
              option.at("variable").get<std::string>() + (from_environment ? ")" : " to change it)"),
          ""};
}

} // namespace

findings check_library() { return {check_abi(), check_schema()}; }

findings check_options() {
  const auto text = read_text(mycelium_info_json, "info");
  if (!text)
    return {{verdict::fail, "options", text.error().text, "run the tests of this build; if they pass, report it"}};
  const auto info = nlohmann::json::parse(*text, nullptr, false);
  if (info.is_discarded())
    return {{verdict::fail, "options", "mycelium_info_json is no JSON", "report it with the output of mycelium info"}};
  if (info.contains("options_error"))
    return {{verdict::fail, "options", info.at("options_error"), "correct or unset that environment variable"}};
  findings found;
  for (const auto& option : info.at("options"))
    found.push_back(describe(option));
  return found;
}

} // namespace mycelium::cli
