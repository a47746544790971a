// What the command lines of the verbs are, as data: completions are written from it.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace mycelium::cli {

struct described_option {
  std::vector<std::string> names; // "--count", "-n"
  std::string summary;
  bool takes_value = false;
  bool takes_file = false;
  std::vector<std::string> values; // if only these are taken
};

struct described_command {
  std::string name; // "pub"; of a verb's own verbs "schema compile"
  std::string summary;
  std::vector<described_option> options;
  std::vector<std::string> subcommands;
  bool takes_file = false; // as a positional argument
};

// While it is set, a verb describes itself into it instead of running.
inline std::vector<described_command>* description_wanted = nullptr;

// Appends the command and those below it.
void describe(const CLI::App& app, std::vector<described_command>& to);

} // namespace mycelium::cli
