#include "tools/cli/described.hpp"

#include <CLI/CLI.hpp>

#include <sstream>

namespace mycelium::cli {
namespace {

described_option of(const CLI::Option& option) {
  described_option out;
  for (const auto& each : option.get_snames())
    out.names.push_back("-" + each);
  for (const auto& each : option.get_lnames())
    out.names.push_back("--" + each);
  out.summary = option.get_description();
  out.takes_value = option.get_expected_max() > 0;
  const auto kind = option.get_type_name();
  for (const auto* word : {"FILE", "PATH", "DIR", "PLUGIN"})
    out.takes_file = out.takes_file || kind.find(word) != std::string::npos;
  if (const auto open = kind.find('{'), close = kind.find('}'); open != std::string::npos && close > open) {
    std::istringstream list(kind.substr(open + 1, close - open - 1));
    for (std::string value; std::getline(list, value, ',');)
      out.values.push_back(value);
  }
  return out;
}

void describe_as(const CLI::App& app, const std::string& name, std::vector<described_command>& to) {
  described_command out{.name = name, .summary = app.get_description(), .options = {}, .subcommands = {}};
  for (const auto* option : app.get_options()) {
    if (option->get_positional())
      out.takes_file = out.takes_file || option->get_name(true).find("file") != std::string::npos ||
                       option->get_name(true) == "old" || option->get_name(true) == "new";
    else
      out.options.push_back(of(*option));
  }
  const auto below = app.get_subcommands([](const CLI::App*) { return true; });
  for (const auto* each : below)
    out.subcommands.push_back(each->get_name());
  to.push_back(std::move(out));
  for (const auto* each : below)
    describe_as(*each, name + " " + each->get_name(), to);
}

} // namespace

void describe(const CLI::App& app, std::vector<described_command>& to) { describe_as(app, "", to); }

} // namespace mycelium::cli
