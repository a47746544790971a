// From runs to rows, and from rows to tables and JSON.
#pragma once

#include "tools/benchmarks/scenarios.hpp"

#include <iosfwd>
#include <string>
#include <vector>

namespace mycelium::bench {

// One line of the result: a way under one load, with what every round found.
struct row {
  std::string section; // throughput, latency, sporadic, idle, memory, lifecycle, micro
  std::string way;
  std::string placement; // pinned, unpinned
  load carried;
  std::string missing; // why it could not run here
  std::vector<measurement> rounds = {};

  // Median over the rounds; none if the way is missing, a round failed or the value is not measured.
  std::optional<double> value(std::optional<double> measurement::*of) const;
  std::string failure() const; // of the first round that failed
};

// What identifies a run besides its rows.
struct run_facts {
  std::string date;
  std::string machine;
  std::string version; // of libmycelium_ffi
  std::string command;
};

void print_tables(std::ostream& out, const std::vector<row>& rows);
// The figures that the design asks for, beside what was found.
void print_targets(std::ostream& out, const std::vector<row>& rows);
// An array of one object per row: way, payload, publishers, subscribers, messages_per_s, p50_us, p99_us, cpu, and more;
// null where not measured.
void write_json(std::ostream& out, const run_facts& facts, const std::vector<row>& rows);

} // namespace mycelium::bench
