// mycelium completion: what a shell needs to complete this program's command lines, written from the verbs' own
// definitions of theirs.
#include "tools/cli/arguments.hpp"

#include <algorithm>
#include <array>
#include <functional>

namespace mycelium::cli {
namespace {

// "mycelium" itself first, then each verb and what is below it.
std::vector<described_command> every_command() {
  std::vector<described_command> all(1);
  all[0].options.resize(2);
  all[0].options[0].names = {"-h", "--help"};
  all[0].options[0].summary = "list the verbs";
  all[0].options[1].names = {"--version"};
  all[0].options[1].summary = "print the version";
  for (const auto& each : every_verb()) {
    std::vector<described_command> of;
    description_wanted = &of;
    std::string name(each.name);
    std::array<char*, 2> arguments{name.data(), nullptr};
    each.run(1, arguments.data());
    description_wanted = nullptr;
    for (auto& command : of) {
      command.name = name + command.name;
      all.push_back(std::move(command));
    }
    all[0].subcommands.emplace_back(each.name);
  }
  all[0].subcommands.emplace_back("help");
  return all;
}

std::string joined(const std::vector<std::string>& words, const std::string& between = " ") {
  std::string text;
  for (const auto& each : words)
    text += (text.empty() ? "" : between) + each;
  return text;
}

std::vector<std::string> names_of(const described_command& command,
                                  const std::function<bool(const described_option&)>& which) {
  std::vector<std::string> names;
  for (const auto& each : command.options)
    if (which(each))
      names.insert(names.end(), each.names.begin(), each.names.end());
  return names;
}

// In single quotes of a shell; line breaks as spaces.
std::string in_quotes(const std::string& text) {
  std::string out;
  for (const char c : text)
    out += c == '\'' ? std::string("'\\''") : std::string(1, c == '\n' ? ' ' : c);
  return "'" + out + "'";
}

void print_bash() {
  std::printf("# Completions of mycelium for bash, written by `mycelium completion bash`.\n"
              "_mycelium() {\n"
              "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command= i\n"
              "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
              "    case $command/${COMP_WORDS[i]} in\n");
  const auto all = every_command();
  for (const auto& each : all)
    if (!each.name.empty()) {
      const auto space = each.name.rfind(' ');
      const auto parent = space == std::string::npos ? "" : each.name.substr(0, space);
      const auto own = space == std::string::npos ? each.name : each.name.substr(space + 1);
      std::printf("      %s/%s) command=%s ;;\n", in_quotes(parent).c_str(), own.c_str(), in_quotes(each.name).c_str());
    }
  std::printf("      /help) command=help ;;\n    esac\n  done\n  COMPREPLY=()\n  case $command/$before in\n");
  for (const auto& each : all)
    for (const auto& option : each.options)
      if (option.takes_value)
        for (const auto& name : option.names)
          std::printf(
              "    %s) %s; return ;;\n", in_quotes(each.name + "/" + name).c_str(),
              option.takes_file
                  ? "COMPREPLY=($(compgen -f -- \"$word\"))"
                  : ("COMPREPLY=($(compgen -W " + in_quotes(joined(option.values)) + " -- \"$word\"))").c_str());
  std::printf("  esac\n  case $command in\n");
  for (const auto& each : all) {
    auto words = each.subcommands;
    const auto options = names_of(each, [](const auto&) { return true; });
    words.insert(words.end(), options.begin(), options.end());
    std::printf("    %s) COMPREPLY=($(compgen -W %s -- \"$word\")) ;;\n", in_quotes(each.name).c_str(),
                in_quotes(joined(words)).c_str());
    if (each.takes_file)
      std::printf(
          "  esac\n  case $command in\n    %s) [[ $word == -* ]] || COMPREPLY+=($(compgen -f -- \"$word\")) ;;\n",
          in_quotes(each.name).c_str());
  }
  std::printf("    help) COMPREPLY=($(compgen -W %s -- \"$word\")) ;;\n  esac\n}\ncomplete -o filenames -F _mycelium "
              "mycelium\n",
              in_quotes(joined(all[0].subcommands)).c_str());
}

// In a specification of _arguments: brackets and colons have a meaning there.
std::string zsh_text(const std::string& text) {
  std::string out;
  for (const char c : text)
    out += c == '[' || c == ']' || c == ':' || c == '\\' ? std::string("\\") + c : std::string(1, c == '\n' ? ' ' : c);
  return out;
}

void print_zsh_options(const described_command& command) {
  for (const auto& option : command.options)
    for (const auto& name : option.names) {
      std::string spec = "*" + name + "[" + zsh_text(option.summary) + "]";
      if (option.takes_value)
        spec += option.takes_file       ? ":file:_files"
                : option.values.empty() ? ":value: "
                                        : ":value:(" + joined(option.values) + ")";
      std::printf("        %s \\\n", in_quotes(spec).c_str());
    }
}

void print_zsh() {
  const auto all = every_command();
  std::printf(
      "#compdef mycelium\n# Completions of mycelium for zsh, written by `mycelium completion zsh`.\n"
      "_mycelium() {\n  local command= i\n  for ((i = 2; i < CURRENT; i++)); do\n    case $command/${words[i]} in\n");
  for (const auto& each : all)
    if (!each.name.empty()) {
      const auto space = each.name.rfind(' ');
      std::printf("      %s/%s) command=%s ;;\n",
                  in_quotes(space == std::string::npos ? "" : each.name.substr(0, space)).c_str(),
                  each.name.substr(space + 1).c_str(), in_quotes(each.name).c_str());
    }
  std::printf("      /help) command=help ;;\n    esac\n  done\n  case $command in\n");
  for (const auto& each : all) {
    std::printf("    %s)\n      _arguments \\\n", in_quotes(each.name).c_str());
    print_zsh_options(each);
    if (!each.subcommands.empty())
      std::printf("        %s\n", in_quotes("*:verb:(" + joined(each.subcommands) + ")").c_str());
    else
      std::printf("        %s\n", each.takes_file ? "'*:file:_files'" : "'*:argument: '");
    std::printf("      ;;\n");
  }
  std::printf("    help) _arguments %s ;;\n  esac\n}\nif [ \"$funcstack[1]\" = _mycelium ]; then _mycelium \"$@\"; "
              "else compdef _mycelium mycelium; fi\n",
              in_quotes("*:verb:(" + joined(all[0].subcommands) + ")").c_str());
}

void print_fish() {
  const auto all = every_command();
  std::printf("# Completions of mycelium for fish, written by `mycelium completion fish`.\n"
              "function __mycelium_command\n"
              "  set -l command\n"
              "  for word in (commandline -opc)[2..-1]\n"
              "    switch (string join / -- \"$command\" $word)\n");
  for (const auto& each : all)
    if (!each.name.empty()) {
      const auto space = each.name.rfind(' ');
      const auto parent = space == std::string::npos ? "" : each.name.substr(0, space);
      std::printf("      case %s\n        set command %s\n",
                  in_quotes(parent + "/" + each.name.substr(space + 1)).c_str(), in_quotes(each.name).c_str());
    }
  std::printf("      case /help\n        set command help\n    end\n  end\n  test \"$command\" = \"$argv[1]\"\nend\n"
              "complete -c mycelium -f\n");
  for (const auto& each : all) {
    const auto begin = "complete -c mycelium -n " + in_quotes("__mycelium_command " + in_quotes(each.name));
    for (const auto& sub : each.subcommands)
      std::printf("%s -a %s\n", begin.c_str(), sub.c_str());
    if (each.takes_file)
      std::printf("%s -F\n", begin.c_str());
    for (const auto& option : each.options) {
      std::string line = begin;
      for (const auto& name : option.names)
        line += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      if (option.takes_value)
        line += option.takes_file ? " -rF" : option.values.empty() ? " -x" : " -xa " + in_quotes(joined(option.values));
      std::printf("%s -d %s\n", line.c_str(), in_quotes(option.summary).c_str());
    }
  }
  std::printf("complete -c mycelium -n '__mycelium_command help' -a %s\n",
              in_quotes(joined(all[0].subcommands)).c_str());
}

} // namespace

int completion_verb(int argc, char** argv) {
  std::string shell;
  CLI::App app("Prints the completions of this program's command lines for a shell: source <(mycelium completion bash)",
               "mycelium completion");
  app.add_option("shell", shell, "bash, zsh or fish")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
  if (const auto done = parse(app, argc, argv))
    return *done;
  (shell == "bash" ? print_bash : shell == "zsh" ? print_zsh : print_fish)();
  return exit_ok;
}

} // namespace mycelium::cli
