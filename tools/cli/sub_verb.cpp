// mycelium sub and echo: what is published, as JSON lines for programs or as text for people.
#include "tools/cli/arguments.hpp"
#include "tools/cli/message_text.hpp"

#include <cstdio>
#include <map>

namespace mycelium::cli {
namespace {

struct options {
  source_options source;
  std::vector<std::string> types;
  showing how;
  inflow::options flow;
  std::uint64_t count = 0;
  double timeout = 0;
};

void declare(CLI::App& app, options& wanted) {
  app.add_option("type", wanted.types, "message types by number or name, or topics")->required();
  add_source_options(app, wanted.source);
  add_showing_options(app, wanted.how);
  app.add_option("--count", wanted.count, "end after so many messages")->check(CLI::PositiveNumber);
  app.add_option("--timeout", wanted.timeout,
                 "end after so many seconds: with code 1 if there were fewer messages than --count, or none at all")
      ->check(CLI::PositiveNumber);
  const std::map<std::string, std::int32_t> policies{{"block", MYCELIUM_POLICY_BLOCK},
                                                     {"drop_oldest", MYCELIUM_POLICY_DROP_OLDEST},
                                                     {"drop_newest", MYCELIUM_POLICY_DROP_NEWEST}};
  app.add_option("--policy", wanted.flow.policy,
                 "when messages come faster than they can be printed: drop_oldest (default), drop_newest, or block "
                 "(publishers wait)")
      ->transform(CLI::CheckedTransformer(policies).description("{block,drop_oldest,drop_newest}"));
  app.add_option("--capacity", wanted.flow.capacity, "messages of each type that may wait to be printed")
      ->check(CLI::Range(2U, 1U << 24U))
      ->capture_default_str();
}

// How many were printed; stops at a signal, after --count messages or --timeout.
result<std::uint64_t> print_all(const options& wanted, live_bus& bus, const inflow& in, const message_text& shown) {
  const auto linked = bus.link();
  if (!linked || !*linked)
    return linked ? result<std::uint64_t>(std::uint64_t{0}) : linked.error();
  const auto until = wanted.timeout > 0 ? now_ns() + ns_of(wanted.timeout) : INT64_MAX;
  std::uint64_t printed = 0;
  const auto enough = [&] { return wanted.count != 0 && printed >= wanted.count; };
  const auto print = [&](std::span<MyceliumMessage* const> messages) -> result<void> {
    for (const auto* each : messages)
      if (const auto text = shown.of(each)) {
        std::fwrite(text->data(), 1, text->size(), stdout);
        ++printed;
      }
    return std::fflush(stdout) == 0 ? result<void>() : failure{status::runtime, "the output cannot be written"};
  };
  while (!enough() && !bus.stop().came()) {
    const auto left = until - now_ns();
    if (left <= 0)
      break;
    const auto most = wanted.count != 0 ? wanted.count - printed : UINT64_MAX;
    if (const auto received = in.receive(bus.stop(), left, most, print); !received)
      return received.error();
  }
  return printed;
}

int run(const char* verb, const options& wanted) {
  auto bus = live_bus::open(wanted.source, verb);
  if (!bus)
    return fail(verb, bus.error().text);
  const auto types = bus->types().ids_of(wanted.types);
  if (!types)
    return fail(verb, types.error().text);
  const auto shown = message_text::of(bus->types(), wanted.how);
  if (!shown)
    return fail(verb, shown.error().text);
  const auto in = inflow::open(bus->runtime(), *types, wanted.flow);
  if (!in)
    return fail(verb, in.error().text);
  const auto printed = print_all(wanted, *bus, *in, *shown);
  if (const auto dropped = in->dropped(); dropped > 0)
    std::fprintf(stderr, "mycelium %s: %llu messages were dropped: they came faster than they were printed\n", verb,
                 static_cast<unsigned long long>(dropped));
  bus->leave(); // before the queue ends, with what is in it
  if (!printed)
    return fail(verb, printed.error().text);
  if (wanted.timeout > 0 && *printed < std::max<std::uint64_t>(wanted.count, 1))
    return fail(verb, "only " + std::to_string(*printed) + " messages in time");
  return exit_ok;
}

int show(const char* verb, const char* about, bool text, int argc, char** argv) {
  options wanted;
  wanted.how.text = text;
  CLI::App app(about, std::string("mycelium ") + verb);
  declare(app, wanted);
  if (const auto done = parse_with_bus(app, wanted.source, argc, argv))
    return *done;
  return run(verb, wanted);
}

} // namespace

int sub_verb(int argc, char** argv) {
  return show("sub",
              "Prints what is published as JSON, an object a line: {\"type\", \"type_id\", \"message\"}. For programs.",
              false, argc, argv);
}

int echo_verb(int argc, char** argv) {
  return show("echo", "Prints what is published as text. For people; mycelium sub prints JSON.", true, argc, argv);
}

} // namespace mycelium::cli
