// mycelium pub: publishes messages that are written as JSON.
#include "tools/cli/arguments.hpp"
#include "tools/cli/live_bus.hpp"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>

namespace mycelium::cli {
namespace {

struct options {
  source_options source;
  std::string type;
  std::string message;
  std::optional<std::uint64_t> count;
  std::optional<std::uint64_t> key;
  std::uint8_t priority = 0;
  double rate = 0;
  double timeout = 10;
  bool no_wait = false;
  bool raw = false;
  bool json = false;
};

int fail(const std::string& text) { return cli::fail("pub", text); }

void declare(CLI::App& app, options& wanted) {
  app.add_option("type", wanted.type, "the message type: a number, a name or the last part of it")->required();
  app.add_option("message", wanted.message,
                 "its fields as JSON; @FILE takes them from a file, - from the standard input, a message a line")
      ->required();
  add_source_options(app, wanted.source);
  add_at_least_once_option(app, wanted.source.nodes.at_least_once);
  app.add_option("--count", wanted.count, "publish it so many times; 0: until Ctrl-C (default: 1; with --rate 0)");
  app.add_option("--rate", wanted.rate, "messages a second (default: as fast as they are taken)")
      ->check(CLI::Range(1e-6, 1e9));
  app.add_option("--key", wanted.key, "for one subscription, chosen by this number");
  app.add_option("--priority", wanted.priority, "that the message carries, 0 to 255");
  app.add_option("--timeout", wanted.timeout,
                 "seconds to wait for a subscriber, and for acknowledgement (with --at-least-once delivery)")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_flag("--no-wait", wanted.no_wait, "publish also when nobody subscribes");
  app.add_flag("--raw", wanted.raw, "the message is the payload in hexadecimal");
  app.add_flag("--json", wanted.json, "print what was published as JSON");
}

// The messages to be published, one after the other, again and again from memory or once from the standard input.
class outflow {
public:
  outflow(const options& wanted, const live_bus& bus, std::uint16_t type_id)
      : wanted_(wanted), bus_(bus), envelope_{}, streams_(wanted.message == "-") {
    envelope_.struct_size = sizeof envelope_;
    envelope_.type_id = type_id;
    envelope_.priority = wanted.priority;
    if (wanted.key) {
      envelope_.destination = MYCELIUM_TO_KEY;
      envelope_.destination_key = *wanted.key;
    }
  }

  result<void> prepare() {
    if (streams_)
      return {};
    std::string text = wanted_.message;
    if (text.starts_with("@")) {
      std::ifstream file(text.substr(1), std::ios::binary);
      text.assign(std::istreambuf_iterator<char>(file), {});
      if (!file)
        return failure{status::invalid_argument, wanted_.message.substr(1) + " cannot be read"};
    }
    return encode(text);
  }

  // Until all are published, or a signal comes.
  result<void> run() {
    const auto most = streams_ ? UINT64_MAX : wanted_.count.value_or(wanted_.rate > 0 ? 0 : 1);
    const auto pause = wanted_.rate > 0 ? 1e9 / wanted_.rate : 0;
    const auto begun = now_ns();
    std::string line;
    for (std::uint64_t i = 0; most == 0 || i < most; ++i) {
      const auto left = begun + static_cast<std::int64_t>(static_cast<double>(i) * pause) - now_ns();
      if ((i % 64 == 0 || left > 0) && bus_.stop().wait(-1, std::max<std::int64_t>(left, 0)))
        return {};
      if (streams_) {
        const auto next = next_line(line);
        if (!next || !*next)
          return next ? result<void>() : next.error();
      }
      if (auto sent = check(mycelium_publish_envelope(bus_.runtime(), &envelope_, payload_.data(), payload_.size()),
                            bus_.types().name_of(envelope_.type_id));
          !sent)
        return sent;
      ++published_;
    }
    return {};
  }

  std::uint64_t published() const noexcept { return published_; }

private:
  // False: the input ends.
  result<bool> next_line(std::string& line) {
    while (std::getline(std::cin, line)) {
      ++line_;
      if (line.find_first_not_of(" \t\r") == std::string::npos)
        continue;
      if (auto encoded = encode(line); !encoded)
        return failure{encoded.error().code, "line " + std::to_string(line_) + ": " + encoded.error().text};
      return true;
    }
    return false;
  }

  result<void> encode(const std::string& text) {
    if (wanted_.raw) {
      auto bytes = bytes_of_hex(text);
      return bytes ? (payload_ = std::move(*bytes), result<void>()) : bytes.error();
    }
    const auto value = json_payload::parse(text);
    if (!value)
      return value.error();
    auto bytes = bus_.types().from_json(envelope_.type_id, *value);
    return bytes ? (payload_ = std::move(*bytes), result<void>()) : bytes.error();
  }

  const options& wanted_;
  const live_bus& bus_;
  MyceliumEnvelope envelope_;
  const bool streams_;
  std::vector<std::uint8_t> payload_;
  std::uint64_t published_ = 0;
  std::uint64_t line_ = 0;
};

void report(const options& wanted, const std::string& type, std::uint64_t published, bool taken) {
  const std::string how = wanted.source.nodes.at_least_once ? "delivered" : "acknowledged";
  if (wanted.json)
    std::printf("%s\n", nlohmann::ordered_json{{"type", type}, {"published", published}, {how, taken}}.dump().c_str());
  else
    std::printf("%s: %llu published%s\n", type.c_str(), static_cast<unsigned long long>(published),
                taken ? "" : (", not all " + how).c_str());
}

int run(const options& wanted) {
  auto bus = live_bus::open(wanted.source, "pub");
  if (!bus)
    return fail(bus.error().text);
  const auto type_id = bus->types().id_of(wanted.type);
  if (!type_id)
    return fail(type_id.error().text);
  outflow out(wanted, *bus, *type_id);
  if (auto prepared = out.prepare(); !prepared)
    return fail(prepared.error().text);
  const auto linked = bus->link();
  if (!linked)
    return fail(linked.error().text);
  const auto patience = ns_of(wanted.timeout);
  const auto heard = wanted.no_wait || !*linked ? result<bool>(true) : bus->wait_for_subscriber(*type_id, patience);
  if (!heard)
    return fail(heard.error().text + "; with --no-wait it is published nevertheless");
  if (!*linked || !*heard)
    return fail("stopped before anything was published");
  const auto sent = out.run();
  const auto taken = bus->wait_until_taken(patience);
  report(wanted, bus->types().name_of(*type_id), out.published(), bool(taken));
  if (!sent)
    return fail(sent.error().text);
  return taken ? exit_ok : fail(taken.error().text);
}

} // namespace

int pub_verb(int argc, char** argv) {
  options wanted;
  CLI::App app(
      "Publishes a message that is written as JSON, once somebody subscribes to its type, and ends when all who\n"
      "are linked have acknowledged it; with --at-least-once, when subscribers have got it.",
      "mycelium pub");
  declare(app, wanted);
  if (const auto done = parse_with_bus(app, wanted.source, argc, argv))
    return *done;
  if (wanted.message == "-" && wanted.count) {
    std::fprintf(stderr, "mycelium pub: the standard input is read once: --count does not go with -\n");
    return exit_usage;
  }
  return run(wanted);
}

} // namespace mycelium::cli
