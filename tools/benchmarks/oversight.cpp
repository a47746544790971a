// mycelium_oversight_bench: what oversight costs, against the figures of its design. Run it through tools/bench
// oversight; docs/performance.md explains it.
#include "tools/benchmarks/oversight_work.hpp"
#include "tools/benchmarks/placement.hpp"
#include "tools/benchmarks/samples.hpp"

#include <mycelium.h>

#include <ctime>
#include <fstream>
#include <iostream>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace {

using namespace mycelium::bench;
using nlohmann::json;

struct options {
  unsigned rounds = 5;
  double slice_ms = 200;
  std::string json_file;
  std::string rows_file;
};

struct measured {
  std::string what;
  double ns = 0; // median
  double wanted_ns = 0;
  std::vector<double> rounds;
};

struct failed_work : std::runtime_error {
  using runtime_error::runtime_error;
};

// Processor time of this thread: nothing here waits, so what is more is other programs' work.
double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return double(now.tv_sec) + 1e-9 * double(now.tv_nsec);
}

double seconds_of(const work& one, std::int64_t times, std::int64_t& done) {
  const double begin = thread_seconds();
  done = one.run(times);
  const double took = thread_seconds() - begin;
  if (done <= 0)
    throw failed_work(one.what + ": " + mycelium_last_error());
  return took;
}

// How many times fill a slice: found by doubling, which also warms up.
std::int64_t times_for(const work& one, double slice_s) {
  for (std::int64_t times = 1;; times *= 2) {
    std::int64_t done = 0;
    const double took = seconds_of(one, times, done);
    if (took * 4 > slice_s)
      return std::max<std::int64_t>(1, std::int64_t(double(done) * slice_s / took));
  }
}

// The works take turns, so that a disturbance hits all of them.
std::vector<measured> measure(const std::vector<work>& all, const options& wanted) {
  std::vector<std::int64_t> times;
  std::vector<measured> rows;
  for (const auto& one : all) {
    times.push_back(times_for(one, wanted.slice_ms * 1e-3));
    rows.push_back({one.what, 0, one.wanted_ns, {}});
  }
  for (unsigned round = 0; round < wanted.rounds; ++round)
    for (std::size_t i = 0; i < all.size(); ++i) {
      std::int64_t done = 0;
      const double took = seconds_of(all[i], times[i], done);
      rows[i].rounds.push_back(took * 1e9 / double(done));
    }
  for (auto& row : rows)
    row.ns = median(row.rounds);
  return rows;
}

// What the design asks of the rows that other programs measure.
double wanted_of(const std::string& what) {
  if (what.find("Python callback") != std::string::npos)
    return 500;
  return what.find("native scorer") != std::string::npos ? 100 : 0;
}

// Rows of other programs: {"what": "...", "ns": 123.4} on a line each.
void append_rows(std::vector<measured>& rows, const std::string& file) {
  std::ifstream in(file);
  if (!in)
    throw failed_work("cannot read " + file);
  for (std::string line; std::getline(in, line);) {
    if (line.empty())
      continue;
    const auto found = json::parse(line, nullptr, false);
    if (!found.is_object() || !found.contains("what") || !found["what"].is_string() || !found.contains("ns") ||
        !found["ns"].is_number())
      throw failed_work(file + ": this is no row: " + line);
    const auto what = found["what"].get<std::string>();
    const auto ns = found["ns"].get<double>();
    rows.push_back({what, ns, found.value("wanted_ns", wanted_of(what)), {ns}});
  }
}

void print(const std::vector<measured>& rows) {
  std::printf("%-56s %12s %12s\n", "", "ns", "wanted");
  for (const auto& row : rows) {
    std::printf("%-56s %12.1f", row.what.c_str(), row.ns);
    if (row.wanted_ns > 0)
      std::printf(" %12.1f%s", row.wanted_ns, row.ns <= row.wanted_ns ? "" : "  NOT MET");
    std::printf("\n");
  }
}

bool write_json(const std::vector<measured>& rows, const options& wanted, const std::string& command) {
  const std::time_t now = std::time(nullptr);
  char date[32];
  std::strftime(date, sizeof date, "%Y-%m-%d %H:%M UTC", std::gmtime(&now));
  auto out = json::array();
  for (const auto& row : rows)
    out.push_back({{"section", "oversight"},
                   {"what", row.what},
                   {"ns", row.ns},
                   {"wanted_ns", row.wanted_ns > 0 ? json(row.wanted_ns) : json()},
                   {"rounds_ns", row.rounds},
                   {"date", date},
                   {"machine", processor_name()},
                   {"version", mycelium_version()},
                   {"command", command}});
  std::ofstream file(wanted.json_file);
  file << out.dump(1) << '\n';
  return bool(file.flush());
}

} // namespace

int main(int argc, char** argv) {
  CLI::App app("What oversight costs: nanoseconds a call, through the C interface", "tools/bench oversight");
  options wanted;
  app.add_flag_callback(
      "--quick",
      [&] {
        wanted.rounds = 3;
        wanted.slice_ms = 50;
      },
      "3 short rounds");
  app.add_option("--rounds", wanted.rounds, "how often each row is repeated; medians are reported")
      ->check(CLI::PositiveNumber);
  app.add_option("--slice-ms", wanted.slice_ms, "length of one round of a row")->check(CLI::PositiveNumber);
  app.add_option("--json", wanted.json_file, "write one object per row to this file");
  app.add_option("--rows", wanted.rows_file, "rows of other programs to print with ours, a JSON object a line");
  CLI11_PARSE(app, argc, argv);
  std::string command = "tools/bench oversight";
  for (int i = 1; i < argc; ++i)
    command += std::string(" ") + argv[i];
  try {
    auto rows = measure(oversight_work(), wanted);
    if (!wanted.rows_file.empty())
      append_rows(rows, wanted.rows_file);
    std::printf("mycelium %s, %s; medians of %u rounds\n", mycelium_version(), processor_name().c_str(), wanted.rounds);
    print(rows);
    if (wanted.json_file.empty() || write_json(rows, wanted, command))
      return 0;
    std::cerr << "cannot write " << wanted.json_file << '\n';
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
  }
  return 1;
}
