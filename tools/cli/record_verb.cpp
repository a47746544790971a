// mycelium record: what is published on a bus, into a file.
#include "tools/cli/arguments.hpp"
#include "tools/cli/bus_source.hpp"
#include "tools/cli/stop_signal.hpp"
#include "tools/recording/recorder.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdio>
#include <optional>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <thread>
#include <unistd.h>

namespace mycelium::cli {
namespace {

struct options {
  std::string file;
  source_options source;
  std::vector<std::string> types;
  recording::recording_options writing;
  recording::record_options recording;
  double chunk_age = 1;
  double duration = 0; // seconds; 0: until a signal comes
  std::uint64_t count = 0;
  bool json = false;
};

int fail(const std::string& text) {
  std::fprintf(stderr, "mycelium record: %s\n", text.c_str());
  return exit_failed;
}

std::int64_t now_ns() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

std::int64_t to_ns(double seconds) { return static_cast<std::int64_t>(seconds * 1e9); }

void declare(CLI::App& app, options& wanted) {
  app.add_option("file", wanted.file, "the recording to write; .mcap is the usual ending")->required();
  add_source_options(app, wanted.source);
  app.add_option("--type", wanted.types,
                 "record this type only: a number or a name; may be repeated (default: all that are "
                 "registered, but the nodes' reports of themselves)");
  app.add_option("--duration", wanted.duration, "end after so many seconds")->check(CLI::PositiveNumber);
  app.add_option("--count", wanted.count, "end after so many messages")->check(CLI::PositiveNumber);
  const std::map<std::string, std::int32_t> policies{{"block", MYCELIUM_POLICY_BLOCK},
                                                     {"drop_oldest", MYCELIUM_POLICY_DROP_OLDEST},
                                                     {"drop_newest", MYCELIUM_POLICY_DROP_NEWEST}};
  app.add_option(
         "--policy", wanted.recording.policy,
         "when messages come faster than they can be written: block (publishers wait), drop_oldest, drop_newest "
         "(default: MYCELIUM_POLICY, else block)")
      ->transform(CLI::CheckedTransformer(policies).description("{block,drop_oldest,drop_newest}"));
  app.add_option("--capacity", wanted.recording.capacity, "messages of each type that may wait to be written")
      ->check(CLI::Range(2U, 1U << 24U))
      ->capture_default_str();
  app.add_option("--chunk-size", wanted.writing.chunk_size, "write a chunk when it has so many bytes")
      ->check(CLI::Range(1, 1 << 30))
      ->capture_default_str();
  app.add_option("--chunk-age", wanted.chunk_age, "or when its first message is so many seconds old")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  const std::map<std::string, mcap::compression> methods{
      {"none", mcap::compression::none}, {"lz4", mcap::compression::lz4}, {"zstd", mcap::compression::zstd}};
  app.add_option("--compression", wanted.writing.file.compression, "of chunks: none (default), lz4, zstd")
      ->transform(CLI::CheckedTransformer(methods).description("{none,lz4,zstd}"));
  app.add_flag("--sync", wanted.writing.file.sync, "each chunk to the disk at once, in case the machine stops");
  app.add_flag("--force", wanted.writing.file.overwrite, "overwrite the file if it exists");
  app.add_flag("--json", wanted.json, "print what was recorded as JSON");
}

result<recording::recorder> start(const options& wanted, const bus_source& source) {
  recording::type_catalogue catalogue;
  for (const auto& bfbs : source.schemas())
    if (auto added = catalogue.add(bfbs); !added)
      return added.error();
  auto recording = wanted.recording;
  recording.chunk_age_ns = to_ns(wanted.chunk_age);
  if (wanted.count > 0)
    recording.most_messages = wanted.count;
  for (const auto& name : wanted.types) {
    const auto type_id = catalogue.id_of(name);
    if (!type_id)
      return type_id.error();
    recording.types.push_back(*type_id);
  }
  auto writer = recording::recording_writer::create(wanted.file, wanted.writing);
  if (!writer)
    return writer.error();
  return recording::recorder::start(source.runtime(), std::move(*writer), std::move(catalogue), recording);
}

// Until the plug-ins have stopped: what they publish meanwhile is recorded, too, and none of them waits for room.
result<void> stop_plugins(bus_source& source, recording::recorder& recorder) {
  const int done = eventfd(0, EFD_CLOEXEC);
  result<void> stopped;
  std::thread stopper([&] {
    pthread_setname_np(pthread_self(), "myc.stop");
    stopped = source.stop();
    eventfd_write(done, 1);
  });
  result<void> outcome;
  const auto ended = [done] {
    pollfd wanted{done, POLLIN, 0};
    return poll(&wanted, 1, 0) > 0;
  };
  while (outcome && !ended()) {
    std::array<pollfd, 2> wanted{{{done, POLLIN, 0}, {recorder.fd(), POLLIN, 0}}};
    const auto wait = recorder.wait_ns();
    poll(wanted.data(), wanted.size(), wait < 0 ? -1 : static_cast<int>(wait / 1'000'000 + 1));
    outcome = recorder.write_ready();
  }
  stopper.join();
  ::close(done);
  return outcome ? stopped : outcome;
}

// Why it ended, or a failure to record.
result<std::string> record(const options& wanted, bus_source& source, recording::recorder& recorder,
                           const stop_signal& stop) {
  if (auto started = source.start(); !started)
    return started.error();
  if (auto found = recorder.find_new_types(); !found)
    return found.error();
  const auto until = wanted.duration > 0 ? now_ns() + to_ns(wanted.duration) : INT64_MAX;
  for (;;) {
    const auto left = until == INT64_MAX ? -1 : std::max<std::int64_t>(0, until - now_ns());
    const auto wait = recorder.wait_ns();
    if (stop.wait(recorder.fd(), wait < 0 ? left : left < 0 ? wait : std::min(wait, left))) {
      if (auto stopped = stop_plugins(source, recorder); !stopped)
        return stopped.error();
      return std::string("signal");
    }
    if (auto written = recorder.write_ready(); !written)
      return written.error();
    if (recorder.has_enough())
      return std::string("count");
    if (now_ns() >= until)
      return std::string("duration");
  }
}

void report(const options& wanted, const recording::recorded_totals& totals, const std::string& why) {
  if (wanted.json) {
    const nlohmann::ordered_json page{{"file", wanted.file},         {"ended_by", why},
                                      {"messages", totals.messages}, {"types", totals.types},
                                      {"dropped", totals.dropped},   {"bytes", totals.bytes}};
    std::printf("%s\n", page.dump(2).c_str());
  } else {
    std::printf("%s: %llu messages of %llu types, %llu bytes\n", wanted.file.c_str(),
                static_cast<unsigned long long>(totals.messages), static_cast<unsigned long long>(totals.types),
                static_cast<unsigned long long>(totals.bytes));
  }
  if (totals.dropped > 0)
    std::fprintf(stderr,
                 "mycelium record: %llu messages were not recorded, since they came faster than they could be written: "
                 "raise --capacity, or choose --policy block\n",
                 static_cast<unsigned long long>(totals.dropped));
}

} // namespace

int record_verb(int argc, char** argv) {
  options wanted;
  CLI::App app(
      "Records what is published on a bus into an MCAP file, until Ctrl-C, SIGTERM, --duration or --count. What "
      "has been\nwritten stays readable whatever happens; docs/recording.md tells more.",
      "mycelium record");
  declare(app, wanted);
  if (const auto done = parse(app, argc, argv))
    return *done;
  const auto stop = stop_signal::block();
  if (!stop)
    return fail(stop.error().text);
  auto source = open_source(wanted.source, "record");
  if (!source)
    return fail(source.error().text);
  auto recorder = start(wanted, *source);
  if (!recorder)
    return fail(recorder.error().text);

  const auto why = record(wanted, *source, *recorder, *stop);
  const auto ended = recorder->finish(why ? *why : "failure");
  const auto stopped = source->stop();
  report(wanted, recorder->totals(), why ? *why : "failure");
  for (const auto* each : {&ended, &stopped})
    if (why && !*each)
      return fail(each->error().text);
  return why ? exit_ok : fail(why.error().text);
}

} // namespace mycelium::cli
