#include "tools/benchmarks/report.hpp"

#include "tools/benchmarks/samples.hpp"

#include <algorithm>
#include <cstdio>
#include <ostream>

#include <nlohmann/json.hpp>

namespace mycelium::bench {

namespace {

using metric = std::optional<double> measurement::*;

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, value < 10 ? "%.2f" : value < 100 ? "%.1f" : "%.0f", value);
  return text;
}

std::string padded(std::string text, std::size_t width, bool left = false) {
  if (text.size() < width) {
    const std::string space(width - text.size(), ' ');
    text = left ? text + space : space + text;
  }
  return text;
}

constexpr std::size_t name_width = 22;

const row* find(const std::vector<row>& rows, const row& like, const std::string& way) {
  const auto at = std::find_if(rows.begin(), rows.end(), [&](const row& one) {
    return one.way == way && one.section == like.section && one.placement == like.placement &&
           one.carried.payload == like.carried.payload && one.carried.publishers == like.carried.publishers &&
           one.carried.subscribers == like.carried.subscribers;
  });
  return at == rows.end() ? nullptr : &*at;
}

std::optional<double> ratio_to_yardstick(const std::vector<row>& rows, const row& of) {
  const row* yard = find(rows, of, yardstick);
  const auto mine = of.value(&measurement::messages_per_s);
  const auto theirs = yard == nullptr ? std::nullopt : yard->value(&measurement::messages_per_s);
  if (!mine || !theirs || *theirs <= 0) {
    return std::nullopt;
  }
  return *mine / *theirs;
}

std::vector<std::string> distinct(const std::vector<row>& rows, std::string row::*of, const std::string& section) {
  std::vector<std::string> found;
  for (const row& one : rows) {
    if (one.section == section && std::find(found.begin(), found.end(), one.*of) == found.end()) {
      found.push_back(one.*of);
    }
  }
  return found;
}

std::string bytes_name(std::size_t bytes) {
  return bytes < 1024 ? std::to_string(bytes) + " B" : std::to_string(bytes / 1024) + " KiB";
}

std::string reason(const row& one) {
  return !one.missing.empty() ? one.missing : one.failure().empty() ? "" : "FAILED: " + one.failure();
}

void print_throughput(std::ostream& out, const std::vector<row>& rows, const std::string& placement) {
  std::vector<load> loads;
  for (const row& one : rows) {
    const auto same = [&](const load& known) {
      return known.payload == one.carried.payload && known.publishers == one.carried.publishers &&
             known.subscribers == one.carried.subscribers;
    };
    if (one.section == "throughput" && one.placement == placement && std::none_of(loads.begin(), loads.end(), same)) {
      loads.push_back(one.carried);
    }
  }
  if (loads.empty()) {
    return;
  }
  constexpr std::size_t width = 15;
  out << "\nMillion published messages/s, " << placement << " (ratio to " << yardstick << ")\n"
      << padded("", name_width, true);
  for (const load& one : loads) {
    out << padded(
        bytes_name(one.payload) + " " + std::to_string(one.publishers) + "->" + std::to_string(one.subscribers), width);
  }
  out << '\n';
  for (const std::string& way : distinct(rows, &row::way, "throughput")) {
    out << padded(way, name_width, true);
    std::string why;
    for (const load& one : loads) {
      const row* cell = find(rows, {"throughput", "", placement, one, ""}, way);
      const auto rate = cell == nullptr ? std::nullopt : cell->value(&measurement::messages_per_s);
      const auto ratio = cell == nullptr ? std::nullopt : ratio_to_yardstick(rows, *cell);
      out << padded(rate ? number(*rate * 1e-6) + (ratio ? " (" + number(*ratio) + "x)" : "") : "-", width);
      if (cell != nullptr && why.empty()) {
        why = reason(*cell);
      }
    }
    out << (why.empty() ? "" : "  " + why) << '\n';
  }
}

void print_list(std::ostream& out, const std::vector<row>& rows, const std::string& section, const std::string& title,
                const std::vector<std::pair<std::string, metric>>& columns) {
  for (const std::string& placement : distinct(rows, &row::placement, section)) {
    out << "\n" << title << ", " << placement << '\n' << padded("", name_width, true);
    for (const auto& column : columns) {
      out << padded(column.first, 12);
    }
    out << '\n';
    for (const row& one : rows) {
      if (one.section != section || one.placement != placement) {
        continue;
      }
      out << padded(one.way, name_width, true);
      for (const auto& column : columns) {
        const auto value = one.value(column.second);
        out << padded(value ? number(*value) : "-", 12);
      }
      const std::string why = reason(one);
      out << (why.empty() ? "" : "  " + why) << '\n';
    }
  }
}

struct target {
  const char* what;
  const char* way;
  const char* section;
  load carried;
  metric of;
  double limit;
  bool at_least; // else at most
  bool ratio;    // to the yardstick
  const char* unit;
  bool pinned_only;
};

// Figures of the design for a machine with two processors.
const std::vector<target>& targets() {
  static const auto rate = &measurement::messages_per_s;
  static const std::vector<target> list = {
      {"64 B 1->1", "ours", "throughput", {1, 1, 64}, rate, 3.5, true, true, "x ZeroMQ", false},
      {"64 B 1->8", "ours", "throughput", {1, 8, 64}, rate, 12, true, true, "x ZeroMQ", false},
      {"64 B 4->4", "ours", "throughput", {4, 4, 64}, rate, 1.2, true, true, "x ZeroMQ", false},
      {"loaned 64 KiB 1->1", "ours, loaned", "throughput", {1, 1, 65536}, rate, 5, true, true, "x ZeroMQ", false},
      {"loaned 64 KiB 1->8", "ours, loaned", "throughput", {1, 8, 65536}, rate, 20, true, true, "x ZeroMQ", false},
      {"loaned 64 KiB 4->4", "ours, loaned", "throughput", {4, 4, 65536}, rate, 7, true, true, "x ZeroMQ", false},
      {"one in flight, pooled, p50",
       "ours",
       "latency",
       {1, 1, 64},
       &measurement::p50_us,
       0.25,
       false,
       false,
       "us",
       false},
      {"one in flight, pooled, p99", "ours", "latency", {1, 1, 64}, &measurement::p99_us, 1, false, false, "us", true},
      {"one in flight, inline, p50",
       "ours, inline",
       "latency",
       {1, 1, 64},
       &measurement::p50_us,
       0.1,
       false,
       false,
       "us",
       false},
      {"1 kHz sporadic, p50", "ours", "sporadic", {1, 1, 64}, &measurement::p50_us, 5, false, false, "us", false},
      {"1 kHz sporadic, process CPU", "ours", "sporadic", {1, 1, 64}, &measurement::cpu, 3, false, false, "%", false},
      {"idle CPU", "ours", "idle", {1, 8, 64}, &measurement::cpu, 0.2, false, false, "%", false},
      {"idle subscription, own type",
       "own type each",
       "memory",
       {1, 10'000, 0},
       &measurement::bytes,
       4096,
       false,
       false,
       "bytes",
       false},
      {"idle subscription, one type",
       "one type",
       "memory",
       {1, 10'000, 0},
       &measurement::bytes,
       4096,
       false,
       false,
       "bytes",
       false},
  };
  return list;
}

} // namespace

std::optional<double> row::value(metric of) const {
  std::vector<double> found;
  for (const measurement& round : rounds) {
    if (!round.failure.empty() || !(round.*of)) {
      return std::nullopt;
    }
    found.push_back(*(round.*of));
  }
  return found.empty() ? std::nullopt : std::optional(median(std::move(found)));
}

std::string row::failure() const {
  for (const measurement& round : rounds) {
    if (!round.failure.empty()) {
      return round.failure;
    }
  }
  return "";
}

void print_tables(std::ostream& out, const std::vector<row>& rows) {
  for (const std::string& placement : distinct(rows, &row::placement, "throughput")) {
    print_throughput(out, rows, placement);
  }
  print_list(out, rows, "latency", "One message in flight, 64 B: publish to callback, us",
             {{"p50", &measurement::p50_us}, {"p99", &measurement::p99_us}, {"p99.9", &measurement::p999_us}});
  print_list(out, rows, "sporadic", "A message each millisecond from outside, 64 B: us, and CPU in % of one processor",
             {{"p50", &measurement::p50_us},
              {"p99", &measurement::p99_us},
              {"cpu", &measurement::cpu},
              {"publisher's", &measurement::cpu_publisher}});
  print_list(out, rows, "idle", "Idle with 8 subscribers: CPU in % of one processor", {{"cpu", &measurement::cpu}});
  print_list(out, rows, "memory", "Ours: bytes of memory per idle subscription, of 10,000",
             {{"bytes", &measurement::bytes}});
  print_list(out, rows, "lifecycle", "Ours: runtime create + destroy, us",
             {{"p50", &measurement::p50_us}, {"p99", &measurement::p99_us}});
  print_list(out, rows, "micro", "Ours: one call on the calling thread, us", {{"per call", &measurement::p50_us}});
}

void print_targets(std::ostream& out, const std::vector<row>& rows) {
  bool headed = false;
  for (const target& one : targets()) {
    for (const row& found : rows) {
      if (found.way != one.way || found.section != one.section || found.carried.payload != one.carried.payload ||
          found.carried.publishers != one.carried.publishers || found.carried.subscribers != one.carried.subscribers ||
          (one.pinned_only && found.placement != "pinned")) {
        continue;
      }
      const auto value = one.ratio ? ratio_to_yardstick(rows, found) : found.value(one.of);
      if (!value) {
        continue;
      }
      if (!headed) {
        out << "\nFigures of the design\n";
        headed = true;
      }
      const bool met = one.at_least ? *value >= one.limit : *value <= one.limit;
      out << padded(one.what, 30, true) << padded(found.placement, 10, true) << padded(number(*value), 9) << "  wanted "
          << (one.at_least ? ">= " : "<= ") << number(one.limit) << ' ' << one.unit << (met ? "" : "   NOT MET")
          << '\n';
    }
  }
}

void write_json(std::ostream& out, const run_facts& facts, const std::vector<row>& rows) {
  using json = nlohmann::ordered_json;
  const auto or_null = [](std::optional<double> value) { return value ? json(*value) : json(nullptr); };
  auto list = json::array();
  for (const row& one : rows) {
    json made;
    made["section"] = one.section;
    made["way"] = one.way;
    made["payload"] = one.carried.payload;
    made["publishers"] = one.carried.publishers;
    made["subscribers"] = one.carried.subscribers;
    made["placement"] = one.placement;
    made["messages_per_s"] = or_null(one.value(&measurement::messages_per_s));
    made["p50_us"] = or_null(one.value(&measurement::p50_us));
    made["p99_us"] = or_null(one.value(&measurement::p99_us));
    made["p999_us"] = or_null(one.value(&measurement::p999_us));
    made["cpu"] = or_null(one.value(&measurement::cpu));
    made["cpu_publisher"] = or_null(one.value(&measurement::cpu_publisher));
    made["bytes_per_subscription"] = or_null(one.value(&measurement::bytes));
    made["ratio_to_zeromq"] = or_null(ratio_to_yardstick(rows, one));
    made["rounds"] = one.rounds.size();
    auto rates = json::array();
    for (const measurement& round : one.rounds) {
      if (round.messages_per_s) {
        rates.push_back(*round.messages_per_s);
      }
    }
    made["messages_per_s_rounds"] = rates;
    made["status"] = !one.missing.empty() ? one.missing : !one.failure().empty() ? "failed: " + one.failure() : "ok";
    made["date"] = facts.date;
    made["machine"] = facts.machine;
    made["version"] = facts.version;
    made["command"] = facts.command;
    list.push_back(std::move(made));
  }
  out << list.dump(1) << '\n';
}

} // namespace mycelium::bench
