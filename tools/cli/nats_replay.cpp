#include "tools/cli/nats_replay.hpp"

#include "tools/cli/arguments.hpp"
#include "tools/cli/bus_source.hpp"
#include "tools/cli/nats_options.hpp"
#include "tools/cli/stop_signal.hpp"
#include "tools/nats/replay.hpp"
#include "tools/nats/subjects.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <string_view>

namespace mycelium::cli {
namespace {

struct options {
  source_options source;
  nats_options nats;
  nats::replay_options replay;
  double wait = 0; // seconds
  bool fast = false;
  bool json = false;
};

int fail(const std::string& text) {
  std::fprintf(stderr, "mycelium replay: %s\n", text.c_str());
  return exit_failed;
}

// Seconds since 1970, or 2026-11-21T18:00:00 (UTC), with a fraction if need be.
std::optional<std::int64_t> time_of(const std::string& text) {
  std::size_t used = 0;
  double seconds = 0;
  try {
    seconds = std::stod(text, &used);
  } catch (const std::exception&) {
    return std::nullopt;
  }
  if (used != text.size()) {
    tm parts{};
    const char* rest = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
    if (rest == nullptr)
      return std::nullopt;
    seconds = static_cast<double>(timegm(&parts));
    if (*rest == '.') {
      char* end = nullptr;
      seconds += std::strtod(rest, &end);
      rest = end;
    }
    if (std::string_view(rest) != "" && std::string_view(rest) != "Z")
      return std::nullopt;
  }
  if (!(seconds > 0 && seconds < 9e9))
    return std::nullopt;
  return static_cast<std::int64_t>(std::llround(seconds * 1e9));
}

void add_time(CLI::App& app, const char* name, std::int64_t& to, const char* about) {
  app.add_option_function<std::string>(
         name,
         [&to, name](const std::string& text) {
           const auto time = time_of(text);
           if (!time)
             throw CLI::ValidationError(name, "'" + text +
                                                  "' is no time; give seconds since 1970, or "
                                                  "2026-11-21T18:00:00 in UTC");
           to = *time;
         },
         about)
      ->type_name("TIME");
}

void declare(CLI::App& app, options& wanted) {
  add_node_options(app, wanted.source.nodes);
  add_at_least_once_option(app, wanted.source.nodes.at_least_once);
  app.add_option("--schema", wanted.nats.schemas, "message types that are not built in (.bfbs or .fbs)")
      ->type_name("FILE");
  add_nats_connection_options(app, wanted.nats);
  app.get_option("--nats")->required();
  auto& replay = wanted.replay;
  app.add_option("--stream", wanted.nats.settings.stream, "to be read (default: MYCELIUM)")->type_name("NAME");
  app.add_option("--type", replay.types, "replay these types only, chosen as by `mycelium bridge --nats-topic`")
      ->type_name("PATTERN");
  auto* sequence = app.add_option("--from-sequence", replay.from_sequence, "begin with this message of the stream")
                       ->check(CLI::PositiveNumber);
  app.add_option("--to-sequence", replay.to_sequence, "and end with this one")->check(CLI::PositiveNumber);
  add_time(app, "--from-time", replay.from_ns, "begin with what was stored then: seconds since 1970, or UTC");
  add_time(app, "--to-time", replay.to_ns, "and end with what was stored then");
  sequence->excludes("--from-time");
  app.add_option("--speed", replay.speed, "times the original speed")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_flag("--fast", wanted.fast, "as fast as the bus takes it");
  app.add_option("--wait", wanted.wait, "wait at most so many seconds until somebody subscribes to the types given")
      ->check(CLI::PositiveNumber)
      ->needs("--type");
  app.add_flag("--json", wanted.json, "print what was published as JSON");
}

result<void> wait_for_listeners(const options& wanted, const bus_source& source) {
  constexpr std::int64_t linked_within = 10'000'000'000;
  if (auto linked = source.wait_for_links(linked_within); !linked || wanted.wait <= 0)
    return linked;
  const auto& how = wanted.nats.settings;
  const auto chosen = nats::subject_map::choose(how.types, wanted.replay.types, {}, how.prefix);
  if (!chosen)
    return chosen.error();
  for (const auto& [type_id, type] : chosen->all())
    if (auto heard = check(
            mycelium_wait_for_subscribers(source.runtime(), type_id, 1, static_cast<std::int64_t>(wanted.wait * 1e9)),
            "nobody listens to type " + std::to_string(type_id));
        !heard)
      return heard;
  return {};
}

void report(const options& wanted, const nats::replay_totals& totals) {
  const auto& stream = wanted.nats.settings.stream;
  if (wanted.json) {
    const nlohmann::ordered_json page{{"stream", stream},          {"published", totals.published},
                                      {"first", totals.first},     {"last", totals.last},
                                      {"refused", totals.refused}, {"stopped", totals.stopped}};
    std::printf("%s\n", page.dump(2).c_str());
    return;
  }
  std::printf("%s: %llu messages published\n", stream.c_str(), static_cast<unsigned long long>(totals.published));
  if (totals.refused > 0)
    std::fprintf(stderr, "mycelium replay: %llu messages were refused or are of no type that was asked for\n",
                 static_cast<unsigned long long>(totals.refused));
}

int run(options& wanted) {
  const auto stop = stop_signal::block();
  if (!stop)
    return fail(stop.error().text);
  auto source = open_source(wanted.source, "replay");
  if (!source)
    return fail(source.error().text);
  auto& how = wanted.nats.settings;
  how.name = "replay";
  how.log = [](const std::string& text) { std::fprintf(stderr, "mycelium replay: %s\n", text.c_str()); };
  if (auto known = know_types(source->runtime(), wanted.nats); !known)
    return fail(known.error().text);
  if (auto started = source->start(); !started)
    return fail(started.error().text);
  if (auto heard = wait_for_listeners(wanted, *source); !heard)
    return fail(heard.error().text);
  nats::replay_totals totals;
  const auto pause = [&](std::int64_t time_ns) { return stop->wait(-1, time_ns); };
  const auto done = nats::replay(source->runtime(), how, wanted.replay, pause, totals);
  const auto flushed = wanted.source.nodes.at_least_once
                           ? source->wait_until_taken(bus_source::any_time, *stop)
                           : check(mycelium_flush(source->runtime(), 5'000'000'000), "the subscribers do not keep up");
  report(wanted, totals);
  for (const auto* each : {&done, &flushed})
    if (!*each)
      return fail(each->error().text);
  return exit_ok;
}

} // namespace

bool replays_from_nats(int argc, char** argv) {
  return std::any_of(argv + 1, argv + argc,
                     [](std::string_view argument) { return argument == "--nats" || argument.starts_with("--nats="); });
}

int nats_replay_verb(int argc, char** argv) {
  options wanted;
  CLI::App app("Publishes what a stream of NATS has kept on a bus, in its order and at its pace.",
               "mycelium replay --nats");
  declare(app, wanted);
  if (const auto done = parse(app, argc, argv))
    return *done;
  if (wanted.fast)
    wanted.replay.speed = 0;
  if (!wanted.source.nodes.any()) {
    std::fprintf(stderr, "mycelium replay: say onto which bus: --unix, --tcp or --tls\n");
    return exit_usage;
  }
  return run(wanted);
}

} // namespace mycelium::cli
