// The mycelium program: finds the verb and hands the rest of the command line to it.
#include "tools/cli/verb.hpp"

#include "mycelium.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>
#include <string>

namespace mycelium::cli {
namespace {

constexpr std::array verbs{
    verb{"bench", "measure publish-to-callback rate and latency on this machine", bench_verb},
    verb{"bridge", "a node of its own, with which others link over Unix and TCP sockets", bridge_verb},
    verb{"bw", "how many bytes of payloads a type takes", bw_verb},
    verb{"completion", "print the completions for bash, zsh or fish", completion_verb},
    verb{"delay", "how long messages were on their way", delay_verb},
    verb{"doctor", "check that this installation works, and say what to do where it does not", doctor_verb},
    verb{"echo", "print what is published as text", echo_verb},
    verb{"hz", "how often messages of a type come", hz_verb},
    verb{"info", "print versions and options, the message types of a .bfbs file, or what is in a recording", info_verb},
    verb{"list", "the nodes of a bus, their types and links", list_verb},
    verb{"oversight", "let a stream of tokens pass oversight, and show what it releases", oversight_verb},
    verb{"pub", "publish a message that is written as JSON", pub_verb},
    verb{"record", "write what is published on a bus into a file", record_verb},
    verb{"recover", "save what can be read of a recording that was not ended, or is damaged", recover_verb},
    verb{"replay", "publish what was recorded", replay_verb},
    verb{"request", "ask on the bus, and print the reply", request_verb},
    verb{"schema", "compile, fingerprint and compare message schemas", schema_verb},
    verb{"sub", "print what is published as JSON lines", sub_verb},
    verb{"top", "nodes, links, types and queues of a bus, live; or as a page with --http", top_verb},
};

void print_help(std::FILE* out) {
  std::fputs("usage: mycelium VERB [OPTIONS]\n\n", out);
  for (const verb& each : verbs)
    std::fprintf(out, "  %-10.*s %.*s\n", static_cast<int>(each.name.size()), each.name.data(),
                 static_cast<int>(each.summary.size()), each.summary.data());
  std::fputs("\nmycelium VERB --help tells more. Exit codes: 0 done, 1 failed, 2 wrong command line.\n", out);
}

const verb* find_verb(std::string_view name) {
  const auto found = std::ranges::find(verbs, name, &verb::name);
  return found == verbs.end() ? nullptr : &*found;
}

int run_verb(const verb& chosen, int argc, char** argv) {
  try {
    return chosen.run(argc, argv);
  } catch (const std::exception& error) { // out of memory, a full disk: nothing that a verb expects
    std::fprintf(stderr, "mycelium %s: %s\n", argv[0], error.what());
    return exit_failed;
  }
}

int main(int argc, char** argv) {
  const std::string_view first = argc > 1 ? argv[1] : "";
  if (first == "--version") {
    const unsigned abi = mycelium_abi_version();
    std::printf("mycelium %s (ABI %u.%u)\n", mycelium_version(), abi >> 16, abi & 0xffffU);
    return exit_ok;
  }
  if (first == "--help" || first == "-h" || (first == "help" && argc == 2)) {
    print_help(stdout);
    return exit_ok;
  }
  if (first == "help" && find_verb(argv[2]) != nullptr) {
    std::string help = "--help";
    std::array<char*, 3> arguments{argv[2], help.data(), nullptr};
    return run_verb(*find_verb(argv[2]), 2, arguments.data());
  }
  if (const verb* chosen = find_verb(first); chosen != nullptr)
    return run_verb(*chosen, argc - 1, argv + 1);
  if (argc > 1)
    std::fprintf(stderr, "mycelium: there is no verb '%s'\n\n", first == "help" ? argv[2] : argv[1]);
  print_help(stderr);
  return exit_usage;
}

} // namespace

std::span<const verb> every_verb() noexcept { return verbs; }

} // namespace mycelium::cli

int main(int argc, char** argv) { return mycelium::cli::main(argc, argv); }
