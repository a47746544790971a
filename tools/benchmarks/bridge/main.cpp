// tools/bench bridge: messages between two processes of this machine, ours beside what others use for it.
#include "tools/benchmarks/bridge/measure.hpp"
#include "tools/benchmarks/clock.hpp"
#include "tools/benchmarks/placement.hpp"
#include "tools/benchmarks/samples.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>

using namespace mycelium::bench;

namespace {

struct options {
  std::uint64_t messages = 1'000'000;
  std::uint64_t turns = 20'000;
  int rounds = 5;
  bool pinned = false;
  bool quick = false;
  std::string only;
  std::string json;
};

std::vector<transport> transports(const std::string& only) {
  std::vector<transport> all;
  add_raw(all);
  add_mycelium(all);
  add_zeromq(all);
  add_nng(all);
  add_nats(all);
  add_redis(all);
  std::erase_if(all, [&](const transport& each) { return each.name.find(only) == std::string::npos; });
  return all;
}

// What was found of one transport: the median over the rounds of each value.
struct row {
  const transport* way;
  std::size_t size;
  std::vector<outcome> rounds = {};

  double value(double outcome::*of) const {
    std::vector<double> values;
    for (const auto& each : rounds)
      values.push_back(each.*of);
    return median(values);
  }
  std::string failure() const {
    if (!way->missing.empty())
      return way->missing;
    const auto failed = std::ranges::find_if(rounds, [](const outcome& each) { return !each.failure.empty(); });
    return failed != rounds.end() ? failed->failure : "";
  }
};

// Round by round over all transports, so that a change of the machine's mood meets all of them.
std::vector<row> run(const std::vector<transport>& ways, std::size_t size, int rounds,
                     const std::function<outcome(const transport&)>& measure) {
  std::vector<row> rows;
  for (const auto& way : ways)
    rows.push_back({&way, size});
  for (int round = 0; round < rounds; ++round)
    for (auto& each : rows)
      if (each.failure().empty())
        each.rounds.push_back(measure(*each.way));
  return rows;
}

// The first of a kind is what the others are compared with: unix with raw unix, tcp with raw tcp.
double reference(const std::vector<row>& rows, const row& of, double outcome::*value) {
  const bool tcp = of.way->name.find("tcp") != std::string::npos;
  for (const auto& each : rows)
    if (each.way->name == (tcp ? "raw tcp" : "raw unix"))
      return each.value(value);
  return 0;
}

void print_flow(const std::vector<row>& rows) {
  std::printf("\n%-24s %8s %14s %12s %14s\n", "one way, flat out", "bytes", "messages/s", "x raw", "CPU us/message");
  for (const auto& each : rows) {
    if (const auto why = each.failure(); !why.empty()) {
      std::printf("%-24s %8zu  %s\n", each.way->name.c_str(), each.size, why.c_str());
      continue;
    }
    const auto rate = each.value(&outcome::messages_per_s);
    const auto raw = reference(rows, each, &outcome::messages_per_s);
    std::printf("%-24s %8zu %14.0f %12.2f %14.2f\n", each.way->name.c_str(), each.size, rate, raw > 0 ? rate / raw : 0,
                each.value(&outcome::cpu_us_per_message));
  }
  std::fflush(stdout);
}

void print_conversation(const std::vector<row>& rows) {
  std::printf("\n%-24s %8s %10s %10s %10s %12s\n", "one in flight, one way", "bytes", "p50 us", "p99 us", "p99.9 us",
              "p50 x raw");
  for (const auto& each : rows) {
    if (const auto why = each.failure(); !why.empty()) {
      std::printf("%-24s %8zu  %s\n", each.way->name.c_str(), each.size, why.c_str());
      continue;
    }
    const auto p50 = each.value(&outcome::p50_us);
    const auto raw = reference(rows, each, &outcome::p50_us);
    std::printf("%-24s %8zu %10.1f %10.1f %10.1f %12.2f\n", each.way->name.c_str(), each.size, p50,
                each.value(&outcome::p99_us), each.value(&outcome::p999_us), raw > 0 ? p50 / raw : 0);
  }
  std::fflush(stdout);
}

void add_json(nlohmann::json& to, const std::vector<row>& rows, bool flow) {
  for (const auto& each : rows) {
    nlohmann::json entry{{"transport", each.way->name}, {"bytes", each.size}};
    if (const auto why = each.failure(); !why.empty()) {
      entry["missing"] = why;
    } else if (flow) {
      entry["messages_per_s"] = each.value(&outcome::messages_per_s);
      entry["cpu_us_per_message"] = each.value(&outcome::cpu_us_per_message);
    } else {
      entry["p50_us"] = each.value(&outcome::p50_us);
      entry["p99_us"] = each.value(&outcome::p99_us);
      entry["p999_us"] = each.value(&outcome::p999_us);
    }
    to.push_back(std::move(entry));
  }
}

bool all_measured(const std::vector<row>& rows) {
  return std::ranges::all_of(rows,
                             [](const row& each) { return !each.way->missing.empty() || each.failure().empty(); });
}

} // namespace

int main(int argc, char** argv) {
  options wanted;
  CLI::App app("Messages from one process to another on this machine: rate, latency and processor time of each "
               "transport, beside a plain socket.");
  app.add_option("--messages", wanted.messages, "of each flow")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--turns", wanted.turns, "of each conversation")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--rounds", wanted.rounds, "medians are told")->check(CLI::Range(1, 100))->capture_default_str();
  app.add_flag("--pin", wanted.pinned, "source and sink on a processor of their own");
  app.add_flag("--quick", wanted.quick, "a look only: few messages, one round");
  app.add_option("--only", wanted.only, "transports whose name contains this");
  app.add_option("--json", wanted.json, "write the figures there, too")->type_name("FILE");
  CLI11_PARSE(app, argc, argv);
  if (wanted.quick) {
    wanted.messages = 20'000;
    wanted.turns = 500;
    wanted.rounds = 1;
  }
  start_clock();
  const auto ways = transports(wanted.only);
  std::printf("%s, %zu processors, %s, medians of %d\n", processor_name().c_str(), usable_processors().size(),
              wanted.pinned ? "pinned" : "unpinned", wanted.rounds);
  std::fflush(stdout); // before processes are forked
  bool good = true;
  nlohmann::json found = nlohmann::json::array();
  for (const std::size_t size : {std::size_t{64}, std::size_t{1024}, std::size_t{65536}}) {
    const auto count = std::max<std::uint64_t>(1, size == 65536 ? wanted.messages / 20 : wanted.messages);
    const auto rows = run(ways, size, wanted.rounds,
                          [&](const transport& way) { return measure_flow(way, size, count, wanted.pinned); });
    print_flow(rows);
    add_json(found, rows, true);
    good = good && all_measured(rows);
  }
  for (const std::size_t size : {std::size_t{64}, std::size_t{1024}}) {
    const auto rows = run(ways, size, wanted.rounds, [&](const transport& way) {
      return measure_conversation(way, size, wanted.turns, wanted.pinned);
    });
    print_conversation(rows);
    add_json(found, rows, false);
    good = good && all_measured(rows);
  }
  if (!wanted.json.empty())
    std::ofstream(wanted.json) << found.dump(2) << '\n';
  return good ? 0 : 1;
}
