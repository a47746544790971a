// mycelium bench: a quick look at this machine through the C ABI. tools/bench compares with other systems.
#include "tools/cli/arguments.hpp"
#include "tools/cli/load.hpp"

#include <nlohmann/json.hpp>

#include <cstdio>

namespace mycelium::cli {
namespace {

// "unix:/run/bus"; "" within this process.
std::string through_of(const load& wanted) { return wanted.through.any() ? wanted.through.addresses()[0] : ""; }

void print_text(const load& wanted, const rate_figures& rate, const latency_figures& latency) {
  const double per_second = static_cast<double>(rate.published) / rate.seconds;
  const auto through = through_of(wanted);
  std::printf("payload %zu B, %u publisher%s -> %s%s%u subscriber%s\n", wanted.payload, wanted.publishers,
              wanted.publishers == 1 ? "" : "s", through.c_str(), through.empty() ? "" : " -> ", wanted.subscribers,
              wanted.subscribers == 1 ? "" : "s");
  std::printf("  rate     %.2f M messages/s published, %.2f M/s delivered, %.0f MB/s; %llu dropped\n", per_second / 1e6,
              static_cast<double>(rate.delivered) / rate.seconds / 1e6,
              per_second * static_cast<double>(wanted.payload) / 1e6, static_cast<unsigned long long>(rate.dropped));
  std::printf("  latency  p50 %.2f us, p99 %.2f us, p99.9 %.2f us, max %.0f us (one in flight, %zu samples)\n",
              latency.p50_us, latency.p99_us, latency.p999_us, latency.max_us, latency.samples);
}

void print_json(const load& wanted, const rate_figures& rate, const latency_figures& latency) {
  const nlohmann::ordered_json row{
      {"payload", wanted.payload},         {"publishers", wanted.publishers},
      {"subscribers", wanted.subscribers}, {"seconds", rate.seconds},
      {"published", rate.published},       {"delivered", rate.delivered},
      {"dropped", rate.dropped},           {"messages_per_s", static_cast<double>(rate.published) / rate.seconds},
      {"p50_us", latency.p50_us},          {"p99_us", latency.p99_us},
      {"p999_us", latency.p999_us},        {"max_us", latency.max_us},
      {"samples", latency.samples},        {"through", through_of(wanted)},
  };
  std::printf("%s\n", row.dump(2).c_str());
}

int fail(const failure& why) {
  std::fprintf(stderr, "mycelium bench: %s\n", why.text.c_str());
  return exit_failed;
}

} // namespace

int bench_verb(int argc, char** argv) {
  load wanted;
  bool json = false;
  CLI::App app(
      "Publishes to callbacks in this process, as fast as they take it, then with one message in flight.\n"
      "Fails if a message is lost. With --unix, --tcp or --tls messages go from one node of this process through\n"
      "the node there to another one of this process.",
      "mycelium bench");
  app.add_option("-p,--payload", wanted.payload, "bytes a message")
      ->check(CLI::Range(std::size_t{0}, std::size_t{1} << 30U))
      ->capture_default_str();
  app.add_option("-P,--publishers", wanted.publishers, "publishing threads")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app.add_option("-S,--subscribers", wanted.subscribers, "subscriptions")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  app.add_option("-s,--seconds", wanted.seconds, "length of each of the two measurements")
      ->check(CLI::Range(0.01, 3600.0))
      ->capture_default_str();
  add_node_options(app, wanted.through);
  app.add_flag("--json", json, "print one JSON object");
  if (const auto done = parse(app, argc, argv))
    return *done;
  if (wanted.through.addresses().size() > 1) {
    std::fprintf(stderr, "mycelium bench: messages go through one node: give one of --unix, --tcp and --tls\n");
    return exit_usage;
  }

  const auto rate = measure_rate(wanted);
  if (!rate)
    return fail(rate.error());
  const auto latency = measure_latency(wanted);
  if (!latency)
    return fail(latency.error());
  (json ? print_json : print_text)(wanted, *rate, *latency);
  return exit_ok;
}

} // namespace mycelium::cli
