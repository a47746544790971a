// mycelium recover: a recording without its end, or with damage, as one that every program reads.
#include "tools/cli/arguments.hpp"
#include "tools/recording/recovery.hpp"

#include <csignal>
#include <cstdio>
#include <filesystem>

namespace mycelium::cli {
namespace {

int fail(const std::string& text) {
  std::fprintf(stderr, "mycelium recover: %s\n", text.c_str());
  return exit_failed;
}

} // namespace

int recover_verb(int argc, char** argv) {
  std::string damaged, whole;
  recording::recording_options options;
  CLI::App app(
      "Writes what can be read of a recording that was not ended, or is damaged, into a new one with an end and an "
      "index.",
      "mycelium recover");
  app.add_option("damaged", damaged, "the recording; it is left as it is")->required();
  app.add_option("whole", whole, "the new one")->required();
  app.add_flag("--force", options.file.overwrite, "overwrite the new one if it exists");
  if (const auto done = parse(app, argc, argv))
    return *done;
  std::signal(SIGXFSZ, SIG_IGN); // writes then fail with a reason
  auto from = recording::recording_reader::open(damaged);
  if (!from)
    return fail(from.error().text);
  std::error_code none;
  if (std::filesystem::equivalent(damaged, whole, none))
    return fail(whole + " is the recording itself; give the new one another name");
  auto to = recording::recording_writer::create(whole, options);
  if (!to)
    return fail(to.error().text);
  const auto totals = recording::recover(*from, *to);
  if (!totals)
    return fail(totals.error().text);
  std::printf("%s: %llu messages\n", whole.c_str(), static_cast<unsigned long long>(totals->messages));
  if (totals->damaged > 0)
    std::fprintf(stderr, "mycelium recover: %llu places could not be read; mycelium info %s names them\n",
                 static_cast<unsigned long long>(totals->damaged), damaged.c_str());
  if (totals->skipped > 0)
    std::fprintf(stderr, "mycelium recover: %llu messages were left out: they were not recorded from a bus\n",
                 static_cast<unsigned long long>(totals->skipped));
  return exit_ok;
}

} // namespace mycelium::cli
