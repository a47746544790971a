// What a benchmark run measures, and how long each part may take.
#pragma once

#include "tools/benchmarks/report.hpp"

#include <functional>
#include <regex>

namespace mycelium::bench {

struct plan {
  unsigned rounds = 5;
  double throughput_slice_s = 0.2;
  double latency_slice_s = 0.3;
  double sporadic_slice_s = 2.0;
  double idle_slice_s = 2.0;
  double micro_slice_s = 0.1;
  unsigned lifecycle_runtimes = 1000;
  double budget_s = 0; // after it, rounds that are not the first are skipped; 0: none
  bool quick = false;  // fewer rounds, ways and pinned loads
  bool pinned = true;
  bool unpinned = true;
  std::regex ways{""};     // by search
  std::regex sections{""}; // by search
  std::vector<std::size_t> payloads{64, 1024, 65536};
  std::vector<std::pair<unsigned, unsigned>> shapes{{1, 1}, {1, 8}, {4, 4}};
};

plan full_plan();
// Ends within a minute on two processors.
plan quick_plan();

// Measures everything in the plan; of each part, the ways take turns round by round (A B C A B C ...), so that what
// disturbs the machine for a while disturbs all. progress gets a line per part.
std::vector<row> run_plan(const plan& wanted, const std::function<void(const std::string&)>& progress);

} // namespace mycelium::bench
