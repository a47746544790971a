// mycelium_bench: the bus beside its peers, in one process. Run it through tools/bench; docs/performance.md explains
// it.
#include "tools/benchmarks/clock.hpp"
#include "tools/benchmarks/placement.hpp"
#include "tools/benchmarks/plan.hpp"

#include <mycelium.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iostream>

#include <CLI/CLI.hpp>

namespace {

using namespace mycelium::bench;

std::string today() {
  const std::time_t seconds = std::time(nullptr);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", std::gmtime(&seconds));
  return text;
}

std::pair<unsigned, unsigned> shape_of(const std::string& text) {
  std::pair<unsigned, unsigned> shape;
  const char* end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, shape.first);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != 'x') {
    throw CLI::ValidationError("--shape", "write it as publishers x subscribers, for example 1x8");
  }
  const auto second = std::from_chars(first.ptr + 1, end, shape.second);
  if (second.ec != std::errc() || second.ptr != end || shape.first == 0 || shape.second == 0) {
    throw CLI::ValidationError("--shape", "write it as publishers x subscribers, for example 1x8");
  }
  return shape;
}

void list_ways() {
  for (const way_facts& one : all_ways()) {
    std::cout << one.name << ": " << one.settings << (one.missing.empty() ? "" : " [" + one.missing + "]") << '\n';
  }
}

struct options {
  bool quick = false;
  bool list = false;
  bool quiet = false;
  std::string json;
  std::string placement = "both";
  std::string ways;
  std::string sections;
  unsigned rounds = 0;
  double slice_ms = 0;
  std::vector<std::size_t> payloads;
  std::vector<std::string> shapes;
};

void describe(CLI::App& app, options& wanted) {
  app.add_flag("--quick", wanted.quick, "within a minute: 3 short rounds, pinned at 64 B only");
  app.add_option("--json", wanted.json, "write one object per row to this file");
  app.add_option("--placement", wanted.placement, "pinned, unpinned or both")
      ->check(CLI::IsMember({"pinned", "unpinned", "both"}));
  app.add_option("--ways", wanted.ways,
                 "only ways whose name this regular expression finds; ratios need ZeroMQ among them");
  app.add_option(
      "--sections", wanted.sections,
      "only sections that this regular expression finds: throughput latency sporadic idle memory lifecycle micro");
  app.add_option("--rounds", wanted.rounds, "how often each run is repeated; medians are reported")
      ->check(CLI::PositiveNumber);
  app.add_option("--slice-ms", wanted.slice_ms, "length of one throughput run")->check(CLI::PositiveNumber);
  app.add_option("--payload", wanted.payloads, "bytes; may be given more than once")
      ->check(CLI::Range(smallest_payload, std::size_t{1} << 20));
  app.add_option("--shape", wanted.shapes, "publishers x subscribers, as 1x8; may be given more than once");
  app.add_flag("--quiet", wanted.quiet, "no progress on the standard error");
  app.add_flag("--list", wanted.list, "what each way is, and how it is set up");
}

plan plan_of(const options& wanted) {
  plan made = wanted.quick ? quick_plan() : full_plan();
  made.pinned = wanted.placement != "unpinned";
  made.unpinned = wanted.placement != "pinned";
  made.ways = std::regex(wanted.ways);
  made.sections = std::regex(wanted.sections);
  if (wanted.rounds != 0) {
    made.rounds = wanted.rounds;
  }
  if (wanted.slice_ms > 0) {
    made.throughput_slice_s = wanted.slice_ms * 1e-3;
  }
  if (!wanted.payloads.empty()) {
    made.payloads = wanted.payloads;
  }
  if (!wanted.shapes.empty()) {
    made.shapes.clear();
    std::transform(wanted.shapes.begin(), wanted.shapes.end(), std::back_inserter(made.shapes), shape_of);
  }
  return made;
}

int run(const options& wanted, const std::string& command) {
  const plan made = plan_of(wanted);
  start_clock();
  const run_facts facts{today(), processor_name() + ", " + std::to_string(usable_processors().size()) + " processors",
                        mycelium_version(), command};
  std::cout << "mycelium " << facts.version << ", " << facts.machine << ", " << facts.date << '\n'
            << "clock: " << (the_clock().counter ? "time stamp counter" : "CLOCK_MONOTONIC") << ", "
            << the_clock().read_ns << " ns a read; medians of " << made.rounds << " rounds\n";
  const ticks begin = now();
  const auto rows = run_plan(made, [&](const std::string& part) {
    if (!wanted.quiet) {
      std::cerr << '[' << static_cast<int>(seconds(now() - begin)) << " s] " << part << '\n';
    }
  });
  print_tables(std::cout, rows);
  print_targets(std::cout, rows);
  std::cout << "\ntook " << static_cast<int>(seconds(now() - begin)) << " s\n";
  if (!wanted.json.empty()) {
    std::ofstream file(wanted.json);
    write_json(file, facts, rows);
    if (!file.flush()) {
      std::cerr << "cannot write " << wanted.json << '\n';
      return 1;
    }
  }
  const bool failed = std::any_of(rows.begin(), rows.end(), [](const row& one) { return !one.failure().empty(); });
  return failed ? 1 : 0;
}

} // namespace

int main(int argc, char** argv) {
  CLI::App app("Benchmarks of the bus, side by side with its peers", "tools/bench");
  options wanted;
  CLI::App* bus = app.add_subcommand("bus", "throughput, latency and cost of the bus and its peers, in this process");
  app.require_subcommand(1);
  describe(*bus, wanted);
  CLI11_PARSE(app, argc, argv);
  if (wanted.list) {
    list_ways();
    return 0;
  }
  std::string command = "tools/bench";
  for (int i = 1; i < argc; ++i) {
    command += std::string(" ") + argv[i];
  }
  try {
    return run(wanted, command);
  } catch (const CLI::Error& error) {
    return app.exit(error);
  } catch (const std::regex_error&) {
    std::cerr << "--ways and --sections take regular expressions; this one is malformed\n";
    return 2;
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
