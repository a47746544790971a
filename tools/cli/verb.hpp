// The verbs of the mycelium program. To add one: a file <name>_verb.cpp that defines its function, its declaration
// here, and its line in the table of main.cpp.
#pragma once

#include <span>
#include <string_view>

namespace mycelium::cli {

// What every verb returns to the shell.
inline constexpr int exit_ok = 0;
inline constexpr int exit_failed = 1;
inline constexpr int exit_usage = 2; // the command line is wrong

struct verb {
  std::string_view name;
  std::string_view summary; // one line of `mycelium --help`
  // argv[0] is the verb's name, as in main. Errors are printed to stderr.
  int (*run)(int argc, char** argv);
};

std::span<const verb> every_verb() noexcept; // sorted by name

int schema_verb(int argc, char** argv);
int bench_verb(int argc, char** argv);
int bridge_verb(int argc, char** argv);
int bw_verb(int argc, char** argv);
int completion_verb(int argc, char** argv);
int delay_verb(int argc, char** argv);
int doctor_verb(int argc, char** argv);
int echo_verb(int argc, char** argv);
int hz_verb(int argc, char** argv);
int info_verb(int argc, char** argv);
int list_verb(int argc, char** argv);
int oversight_verb(int argc, char** argv);
int pub_verb(int argc, char** argv);
int record_verb(int argc, char** argv);
int recover_verb(int argc, char** argv);
int replay_verb(int argc, char** argv);
int request_verb(int argc, char** argv);
int sub_verb(int argc, char** argv);
int top_verb(int argc, char** argv);

} // namespace mycelium::cli
