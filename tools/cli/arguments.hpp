// The command line of one verb, on CLI11. In this header and not in verb.hpp, because CLI11 is slow to compile.
#pragma once

#include "tools/cli/verb.hpp"

#include <CLI/CLI.hpp>

#include <optional>

namespace mycelium::cli {

// Parses; an exit code if the verb has nothing more to do: --help was asked for, or the command line is wrong.
inline std::optional<int> parse(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& stop) {
    return app.exit(stop) == 0 ? exit_ok : exit_usage;
  }
  return std::nullopt;
}

} // namespace mycelium::cli
