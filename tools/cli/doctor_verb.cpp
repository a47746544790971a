// mycelium doctor: runs every check and prints one line for each finding.
#include "tools/cli/arguments.hpp"
#include "tools/cli/doctor.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <unistd.h>

namespace mycelium::cli {
namespace {

struct section {
  const char* title;
  findings (*check)();
};

constexpr std::array sections{
    section{"library", check_library}, section{"bus", check_bus},   section{"machine", check_machine},
    section{"options", check_options}, section{"CUDA", check_cuda},
};

const char* word(verdict how) {
  switch (how) {
  case verdict::ok:
    return "ok";
  case verdict::warn:
    return "warn";
  case verdict::fail:
    return "fail";
  }
  return "fail";
}

const char* colour(verdict how) {
  switch (how) {
  case verdict::ok:
    return "\033[32m";
  case verdict::warn:
    return "\033[33m";
  case verdict::fail:
    return "\033[31m";
  }
  return "";
}

bool coloured() { return isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr; }

void print_text(const finding& each) {
  const bool paint = coloured();
  std::printf("%s%-4s%s  %-26s %s\n", paint ? colour(each.how) : "", word(each.how), paint ? "\033[0m" : "",
              each.subject.c_str(), each.text.c_str());
  if (!each.advice.empty())
    std::printf("      -> %s\n", each.advice.c_str());
}

nlohmann::ordered_json as_json(const char* title, const finding& each) {
  nlohmann::ordered_json row{
      {"section", title}, {"verdict", word(each.how)}, {"subject", each.subject}, {"text", each.text}};
  if (!each.advice.empty())
    row["advice"] = each.advice;
  return row;
}

} // namespace

int doctor_verb(int argc, char** argv) {
  bool json = false;
  CLI::App app("Checks the installed library, runs a small bus with every kind of delivery, and looks at the machine.\n"
               "Exit code 1 if something fails; a warning is no failure.",
               "mycelium doctor");
  app.add_flag("--json", json, "print one JSON object");
  if (const auto done = parse(app, argc, argv))
    return *done;

  std::array<std::size_t, 3> counts{};
  auto rows = nlohmann::ordered_json::array();
  for (const section& part : sections)
    for (const finding& each : part.check()) {
      ++counts[static_cast<std::size_t>(each.how)];
      if (json)
        rows.push_back(as_json(part.title, each));
      else
        print_text(each);
    }
  const auto [good, warnings, failures] = counts;
  if (json)
    std::printf("%s\n", nlohmann::ordered_json{{"ok", failures == 0}, {"findings", rows}}.dump(2).c_str());
  else
    std::printf("\n%zu ok, %zu to look at, %zu failed\n", good, warnings, failures);
  return failures == 0 ? exit_ok : exit_failed;
}

} // namespace mycelium::cli
