// mycelium hz, bw and delay: how often messages come, how many bytes they are, and how long they were on their way.
#include "tools/cli/arguments.hpp"
#include "tools/cli/live_bus.hpp"
#include "tools/cli/rate_statistics.hpp"
#include "tools/cli/terminal_text.hpp"

#include <chrono>
#include <cstdio>
#include <map>

namespace mycelium::cli {
namespace {

using json_payload::json;

enum class measure { hz, bw, delay };

struct options {
  source_options source;
  std::vector<std::string> types;
  measure what = measure::hz;
  std::uint64_t count = 0;
  double timeout = 0;
  double every = 1;
  bool json = false;
};

struct measured {
  std::int64_t last_ns = 0; // 0: none yet
  flow window, all;
};

const char* verb_of(measure what) { return what == measure::hz ? "hz" : what == measure::bw ? "bw" : "delay"; }

json of(const spread& s, bool quantiles) {
  json out{{"mean", s.mean()}, {"min", s.least()}, {"max", s.most()}, {"stddev", s.deviation()}};
  if (quantiles)
    out.update({{"p50", s.quantile(0.5)}, {"p90", s.quantile(0.9)}, {"p99", s.quantile(0.99)}});
  return out;
}

void print_json(measure what, const bus_types& types, std::uint16_t type_id, const flow& of_type, double seconds,
                bool summary) {
  const auto count = of_type.bytes.count();
  json line{{"type", types.name_of(type_id)},
            {"type_id", type_id},
            {"summary", summary},
            {"seconds", seconds},
            {"messages", count}};
  if (what == measure::hz) {
    line["hz"] = static_cast<double>(count) / seconds;
    line["interval_s"] = of(of_type.intervals_s, false);
  } else if (what == measure::bw) {
    line["bytes_per_s"] = of_type.bytes.sum() / seconds;
    line["bytes"] = of(of_type.bytes, false);
  } else {
    line["delay_s"] = of(of_type.delays_s, true);
  }
  std::printf("%s\n", line.dump().c_str());
}

void print_text(measure what, const bus_types& types, std::uint16_t type_id, const flow& of_type, double seconds,
                bool summary) {
  const auto count = of_type.bytes.count();
  const auto begin = printable(types.name_of(type_id)) + (summary ? "  in all" : "");
  if (count == 0) {
    std::printf("%s  no messages\n", begin.c_str());
  } else if (what == measure::hz) {
    const auto& s = of_type.intervals_s;
    std::printf("%s  %.2f Hz  interval min %.6f mean %.6f max %.6f stddev %.6f s  %llu messages\n", begin.c_str(),
                static_cast<double>(count) / seconds, s.least(), s.mean(), s.most(), s.deviation(),
                static_cast<unsigned long long>(count));
  } else if (what == measure::bw) {
    const auto& s = of_type.bytes;
    std::printf("%s  %sB/s  size min %.0f mean %.1f max %.0f B  %llu messages\n", begin.c_str(),
                short_number(s.sum() / seconds).c_str(), s.least(), s.mean(), s.most(),
                static_cast<unsigned long long>(count));
  } else {
    const auto& s = of_type.delays_s;
    std::printf("%s  delay min %.6f mean %.6f p50 %.6f p99 %.6f max %.6f s  %llu messages\n", begin.c_str(), s.least(),
                s.mean(), s.quantile(0.5), s.quantile(0.99), s.most(), static_cast<unsigned long long>(count));
  }
}

class meter {
public:
  meter(const options& wanted, live_bus& bus, const std::vector<std::uint16_t>& types) : wanted_(wanted), bus_(bus) {
    for (const auto type_id : types)
      flows_[type_id];
  }

  // A line for each type every so often, until a signal comes, --count or --timeout.
  result<std::uint64_t> run(const inflow& in) {
    const auto begun = now_ns();
    const auto until = wanted_.timeout > 0 ? begun + ns_of(wanted_.timeout) : INT64_MAX;
    auto line_begun = begun;
    const auto enough = [&] { return wanted_.count != 0 && count_ >= wanted_.count; };
    while (!enough() && !bus_.stop().came() && now_ns() < until) {
      const auto next = std::min(line_begun + ns_of(wanted_.every), until);
      const auto most = wanted_.count != 0 ? wanted_.count - count_ : UINT64_MAX;
      const auto received =
          in.receive(bus_.stop(), std::max<std::int64_t>(next - now_ns(), 0), most, [&](auto messages) {
            for (const auto* each : messages)
              add(each);
            return result<void>();
          });
      if (!received)
        return received.error();
      if (now_ns() >= line_begun + ns_of(wanted_.every)) {
        print(line_begun, false);
        line_begun = now_ns();
        for (auto& [type_id, each] : flows_)
          each.window = {};
      }
    }
    print(begun, true);
    return count_;
  }

private:
  void add(const MyceliumMessage* message) {
    auto& of = flows_[mycelium_message_type_id(message)];
    const auto now = now_ns();
    const auto wall =
        std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
            .count();
    const auto delay = static_cast<double>(wall - envelope_of(message).timestamp_ns) / 1e9;
    const auto size = payload_of(message).size();
    for (auto* each : {&of.window, &of.all})
      each->add(static_cast<double>(now - of.last_ns) / 1e9, of.last_ns != 0, size, delay);
    of.last_ns = now;
    ++count_;
  }

  void print(std::int64_t since, bool summary) const {
    const auto seconds = static_cast<double>(std::max<std::int64_t>(now_ns() - since, 1)) / 1e9;
    for (const auto& [type_id, each] : flows_)
      (wanted_.json ? print_json : print_text)(wanted_.what, bus_.types(), type_id, summary ? each.all : each.window,
                                               seconds, summary);
    std::fflush(stdout);
  }

  const options& wanted_;
  live_bus& bus_;
  std::map<std::uint16_t, measured> flows_;
  std::uint64_t count_ = 0;
};

int run(const options& wanted) {
  const char* verb = verb_of(wanted.what);
  auto bus = live_bus::open(wanted.source, verb);
  if (!bus)
    return fail(verb, bus.error().text);
  const auto types = bus->types().ids_of(wanted.types);
  if (!types)
    return fail(verb, types.error().text);
  const auto in = inflow::open(bus->runtime(), *types, {});
  if (!in)
    return fail(verb, in.error().text);
  if (const auto linked = bus->link(); !linked)
    return fail(verb, linked.error().text);
  const auto count = meter(wanted, *bus, *types).run(*in);
  if (!count)
    return fail(verb, count.error().text);
  if (const auto dropped = in->dropped(); dropped > 0)
    std::fprintf(stderr, "mycelium %s: %llu messages came faster than they were counted, and are not\n", verb,
                 static_cast<unsigned long long>(dropped));
  if (wanted.timeout > 0 && *count < std::max<std::uint64_t>(wanted.count, 1))
    return fail(verb, "only " + std::to_string(*count) + " messages in time");
  return exit_ok;
}

int measure_with(measure what, const char* about, int argc, char** argv) {
  options wanted;
  wanted.what = what;
  CLI::App app(about, std::string("mycelium ") + verb_of(what));
  app.add_option("type", wanted.types, "message types by number or name, or topics")->required();
  add_source_options(app, wanted.source);
  app.add_option("--every", wanted.every, "print a line for each type every so many seconds")
      ->check(CLI::Range(0.001, 1e6))
      ->capture_default_str();
  app.add_option("--count", wanted.count, "end after so many messages")->check(CLI::PositiveNumber);
  app.add_option("--timeout", wanted.timeout,
                 "end after so many seconds: with code 1 if there were fewer messages than --count, or none at all")
      ->check(CLI::PositiveNumber);
  app.add_flag("--json", wanted.json, "print an object a line");
  if (const auto done = parse_with_bus(app, wanted.source, argc, argv))
    return *done;
  return run(wanted);
}

} // namespace

int hz_verb(int argc, char** argv) {
  return measure_with(measure::hz, "How often messages of a type come here, and how regularly.", argc, argv);
}

int bw_verb(int argc, char** argv) {
  return measure_with(measure::bw, "How many bytes of payloads a type takes, and how large they are.", argc, argv);
}

int delay_verb(int argc, char** argv) {
  return measure_with(
      measure::delay,
      "How long messages have been on their way: from the publisher's timestamp until they are read here.\n"
      "Across machines that is worth as much as their clocks are equal.",
      argc, argv);
}

} // namespace mycelium::cli
