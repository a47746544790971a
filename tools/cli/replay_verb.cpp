// mycelium replay: publishes what was recorded.
#include "tools/cli/arguments.hpp"
#include "tools/cli/bus_source.hpp"
#include "tools/cli/nats_replay.hpp"
#include "tools/cli/stop_signal.hpp"
#include "tools/recording/replayer.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>
#include <sys/prctl.h>

namespace mycelium::cli {
namespace {

struct options {
  std::string file;
  source_options source;
  std::vector<std::string> types;
  recording::replay_options replay;
  double from = 0; // seconds
  double to = -1;
  double wait = 0; // seconds
  bool fast = false;
  bool loop = false;
  bool json = false;
};

int fail(const std::string& text) {
  std::fprintf(stderr, "mycelium replay: %s\n", text.c_str());
  return exit_failed;
}

std::int64_t to_ns(double seconds) { return static_cast<std::int64_t>(std::min(seconds, 9e9) * 1e9); }

// The clock of this machine, until a signal comes.
class real_time final : public recording::pacer {
public:
  explicit real_time(const stop_signal& stop) : stop_(stop) {}
  std::int64_t now_ns() override { return std::chrono::steady_clock::now().time_since_epoch().count(); }
  bool wait_until(std::int64_t time_ns) override {
    const auto left = time_ns - now_ns();
    return left > 0 ? !stop_.wait(-1, left) : !asked_often();
  }
  bool stopped() override { return asked_often(); }

private:
  // A signal may wait for a few messages; a system call for each message would cost more than they do.
  bool asked_often() { return ++asked_ % 64 == 0 && stop_.came(); }

  const stop_signal& stop_;
  std::uint64_t asked_ = 0;
};

void declare(CLI::App& app, options& wanted) {
  app.add_option("file", wanted.file, "a recording")->required();
  add_source_options(app, wanted.source);
  add_at_least_once_option(app, wanted.source.nodes.at_least_once);
  app.add_option("--type", wanted.types, "replay this type only: a number or a name; may be repeated");
  app.add_option("--speed", wanted.replay.speed, "times the original speed")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--wait", wanted.wait, "wait at most so many seconds until each type has a subscriber")
      ->check(CLI::PositiveNumber);
  app.add_flag("--fast", wanted.fast, "as fast as the bus takes it");
  app.add_option("--from", wanted.from, "leave out the first seconds of the recording")->check(CLI::NonNegativeNumber);
  app.add_option("--to", wanted.to, "and what comes after so many seconds of it")->check(CLI::NonNegativeNumber);
  app.add_option("--times", wanted.replay.loops, "replay it so many times")->check(CLI::PositiveNumber);
  app.add_flag("--loop", wanted.loop, "replay it again and again, until Ctrl-C");
  app.add_flag("--any-schema", wanted.replay.any_schema, "publish types whose schema has changed since, too");
  app.add_flag("--skip-damaged", wanted.replay.skip_damaged, "go on behind places that cannot be read");
  app.add_flag("--json", wanted.json, "print what was published as JSON");
}

// Types by name: as in the recording, and as everywhere.
result<void> choose_types(options& wanted, const bus_source& source) {
  recording::type_catalogue catalogue;
  for (const auto& bfbs : source.schemas())
    if (auto added = catalogue.add(bfbs); !added)
      return added;
  for (const auto& name : wanted.types) {
    const auto type_id = catalogue.id_of(name);
    if (!type_id)
      return type_id.error();
    wanted.replay.types.insert(*type_id);
  }
  return {};
}

// The types that will be published.
std::set<std::uint16_t> types_of(const options& wanted, const recording::recording_reader& file) {
  if (!wanted.replay.types.empty())
    return {wanted.replay.types.begin(), wanted.replay.types.end()};
  std::set<std::uint16_t> types;
  for (const auto& [id, channel] : file.contents().declared.channels)
    if (const auto text = channel.metadata.find("type_id"); text != channel.metadata.end())
      types.insert(static_cast<std::uint16_t>(std::strtoul(text->second.c_str(), nullptr, 10)));
  return types;
}

result<void> wait_for_listeners(const options& wanted, const bus_source& source,
                                const recording::recording_reader& file) {
  if (auto linked = source.wait_for_links(to_ns(10)); !linked || wanted.wait <= 0)
    return linked;
  for (const auto type_id : types_of(wanted, file))
    if (auto heard = check(mycelium_wait_for_subscribers(source.runtime(), type_id, 1, to_ns(wanted.wait)),
                           "nobody listens to type " + std::to_string(type_id));
        !heard)
      return heard;
  return {};
}

void report(const options& wanted, const recording::replay_totals& totals) {
  if (wanted.json) {
    const nlohmann::ordered_json page{
        {"file", wanted.file},       {"published", totals.published},         {"loops", totals.loops},
        {"stopped", totals.stopped}, {"not_delivered", totals.not_delivered}, {"skipped", totals.skipped},
        {"damaged", totals.damaged}};
    std::printf("%s\n", page.dump(2).c_str());
    return;
  }
  std::printf("%s: %llu messages published\n", wanted.file.c_str(), static_cast<unsigned long long>(totals.published));
  const auto warn = [](std::uint64_t count, const char* what) {
    if (count > 0)
      std::fprintf(stderr, "mycelium replay: %llu %s\n", static_cast<unsigned long long>(count), what);
  };
  warn(totals.not_delivered, "messages did not find room at one subscriber at least");
  warn(totals.skipped, "messages were skipped: their channels tell no type_id, so they were not recorded from a bus");
  warn(totals.damaged, "places of the recording could not be read");
}

} // namespace

int replay_verb(int argc, char** argv) {
  if (replays_from_nats(argc, argv))
    return nats_replay_verb(argc, argv);
  options wanted;
  CLI::App app("Publishes a recording on a bus, in its order and at its pace.", "mycelium replay");
  declare(app, wanted);
  app.footer(
      "mycelium replay --nats URL reads a stream of NATS instead of a file; see mycelium replay --nats x --help.");
  if (const auto done = parse(app, argc, argv))
    return *done;
  if (wanted.fast)
    wanted.replay.speed = 0;
  if (wanted.loop)
    wanted.replay.loops = UINT64_MAX;
  wanted.replay.from_ns = to_ns(wanted.from);
  if (wanted.to >= 0)
    wanted.replay.to_ns = to_ns(wanted.to);
  prctl(PR_SET_TIMERSLACK, 1UL); // wake up when a message is due, not 50 us later

  const auto stop = stop_signal::block();
  if (!stop)
    return fail(stop.error().text);
  auto file = recording::recording_reader::open(wanted.file);
  if (!file)
    return fail(file.error().text);
  auto source = open_source(wanted.source, "replay");
  if (!source)
    return fail(source.error().text);
  if (auto chosen = choose_types(wanted, *source); !chosen)
    return fail(chosen.error().text);
  if (auto started = source->start(); !started)
    return fail(started.error().text);
  if (auto heard = wait_for_listeners(wanted, *source, *file); !heard)
    return fail(heard.error().text);

  real_time pace(*stop);
  recording::replay_totals totals;
  const auto done = recording::replay(source->runtime(), *file, wanted.replay, pace, totals);
  const auto flushed = wanted.source.nodes.at_least_once
                           ? source->wait_until_taken(bus_source::any_time, *stop)
                           : check(mycelium_flush(source->runtime(), 5'000'000'000), "the subscribers do not keep up");
  const auto stopped = source->stop();
  report(wanted, totals);
  for (const auto* each : {&done, &flushed, &stopped})
    if (!*each)
      return fail(each->error().text);
  return exit_ok;
}

} // namespace mycelium::cli
