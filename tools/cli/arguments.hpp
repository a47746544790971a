// The command line of one verb, on CLI11. In this header and not in verb.hpp, because CLI11 is slow to compile.
#pragma once

#include "tools/cli/bus_source.hpp"
#include "tools/cli/described.hpp"
#include "tools/cli/verb.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <optional>

namespace mycelium::cli {

// Parses; an exit code if the verb has nothing more to do: --help was asked for, the command line is wrong, or only a
// description of it was wanted.
inline std::optional<int> parse(CLI::App& app, int argc, char** argv) {
  if (description_wanted != nullptr) {
    describe(app, *description_wanted);
    return exit_ok;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& stop) {
    return app.exit(stop) == 0 ? exit_ok : exit_usage;
  }
  return std::nullopt;
}

// The same for a verb that needs the bus of others.
inline std::optional<int> parse_with_bus(CLI::App& app, const source_options& source, int argc, char** argv) {
  if (const auto done = parse(app, argc, argv))
    return done;
  if (source.nodes.any() || !source.plugins.empty())
    return std::nullopt;
  std::fprintf(stderr, "%s: say which bus: --unix PATH, --tcp HOST:PORT, --tls HOST:PORT or --load PLUGIN.so\n",
               app.get_name().c_str());
  return exit_usage;
}

} // namespace mycelium::cli
