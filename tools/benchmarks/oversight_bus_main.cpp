// tools/bench oversight-bus: what docs/performance.md says of oversight on the bus.
#include "tools/benchmarks/oversight_bus.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <vector>

using namespace mycelium::bench;

int main(int argc, char** argv) {
  std::uint64_t tokens = 2'000'000, halts = 2000;
  int rounds = 5;
  bool quick = false;
  CLI::App app(
      "What oversight costs on the bus: a token's way through its session's actor, and how far a source runs on "
      "after the verdict that halts it.");
  app.add_option("--tokens", tokens, "of each round of the first table")->capture_default_str();
  app.add_option("--halts", halts, "of each row of the second")->check(CLI::Range(1, 1'000'000))->capture_default_str();
  app.add_option("--rounds", rounds, "the best is told")->check(CLI::Range(1, 100))->capture_default_str();
  app.add_flag("--quick", quick, "a look only: few tokens, few halts, one round");
  CLI11_PARSE(app, argc, argv);
  if (quick)
    tokens = 20'000, halts = 20, rounds = 1;

  bool good = true;
  std::printf("%-36s %12s\n", "a token, source to subscriber", "ns");
  for (const auto& way : oversight_bus_ways()) {
    std::vector<double> costs;
    for (int round = 0; round < rounds; ++round)
      costs.push_back(token_cost_ns(way, way.over_bus ? tokens / 20 : tokens));
    const auto best = *std::ranges::min_element(costs);
    good = good && best > 0;
    std::printf("%-36s %12.0f\n", way.name.c_str(), best);
    std::fflush(stdout);
  }

  std::printf("\n%-36s %10s %10s %12s %12s %12s\n", "verdict to session stopped", "p50 us", "p99 us", "p50 tokens",
              "p99 tokens", "max tokens");
  for (const double rate : {0.0, 1000.0})
    for (const auto& way : oversight_bus_ways()) {
      if (!way.watched || way.mode == MYCELIUM_OVERSIGHT_OBSERVE)
        continue;
      const auto seen = halt_latency_of(way, rate > 0 ? (halts + 9) / 10 : halts, rate);
      good = good && seen.halts != 0;
      const auto name = way.name + (rate > 0 ? ", 1 kHz" : ", flat out");
      std::printf("%-36s %10.1f %10.1f %12llu %12llu %12llu\n", name.c_str(), seen.p50_us, seen.p99_us,
                  static_cast<unsigned long long>(seen.p50_tokens), static_cast<unsigned long long>(seen.p99_tokens),
                  static_cast<unsigned long long>(seen.max_tokens));
      std::fflush(stdout);
    }
  return good ? 0 : 1;
}
