// mycelium top: nodes, links, types and queues of a bus, live: on the terminal, as lines of JSON, or as a page.
#include "tools/cli/arguments.hpp"
#include "tools/cli/http/page_server.hpp"
#include "tools/cli/observer.hpp"
#include "tools/cli/terminal.hpp"

#include <array>
#include <chrono>
#include <cstdio>
#include <poll.h>
#include <unistd.h>

namespace mycelium::cli {
namespace {

struct options {
  source_options source;
  double every = 1;
  std::uint64_t count = 0;
  bool json = false;
  std::string http; // a place
  bool serves = false;
  bool anywhere = false;
};

int fail(const std::string& text) { return cli::fail("top", text); }

// The option that says whether to serve.
CLI::Option* declare(CLI::App& app, options& wanted) {
  add_source_options(app, wanted.source);
  app.add_option("--every", wanted.every, "seconds between two looks; nodes report once a second")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  app.add_option("--count", wanted.count, "end after so many looks")->check(CLI::PositiveNumber);
  app.add_flag("--json", wanted.json, "print the state as an object a line, as where the output is no terminal");
  auto* http = app.add_option("--http", wanted.http,
                              "serve it as a page there, with /metrics (OpenMetrics) and /api/state.json; "
                              "127.0.0.1 and a port that is free unless given")
                   ->type_name("[HOST:PORT]")
                   ->expected(0, 1);
  app.add_flag("--http-anywhere", wanted.anywhere,
               "take addresses beyond this machine, too: whoever reaches the port sees all of it")
      ->needs(http);
  return http;
}

// Waits for a signal, a report, a key, or the time; true for a signal.
bool wait(const live_bus& bus, const observer& seen, bool keys, std::int64_t timeout_ns) {
  std::array<pollfd, 3> wanted{
      {{bus.stop().fd(), POLLIN, 0}, {seen.fd(), POLLIN, 0}, {keys ? STDIN_FILENO : -1, POLLIN, 0}}};
  const timespec timeout{static_cast<time_t>(timeout_ns / 1'000'000'000),
                         static_cast<long>(timeout_ns % 1'000'000'000)};
  ::ppoll(wanted.data(), wanted.size(), &timeout, nullptr);
  return wanted[0].revents != 0 || (keys && (wanted[2].revents & (POLLHUP | POLLERR)) != 0);
}

// Has look() called once in every interval; false from it, or from between(), ends it.
result<void> repeat(const options& wanted, live_bus& bus, observer& seen, bool keys, const std::function<bool()>& look,
                    const std::function<bool()>& between) {
  const auto interval = ns_of(wanted.every);
  auto next = now_ns() + std::min<std::int64_t>(interval, 200'000'000); // for the first reports to come in
  for (std::uint64_t looks = 0; wanted.count == 0 || looks < wanted.count;) {
    if (wait(bus, seen, keys, std::max<std::int64_t>(next - now_ns(), 0)))
      return {};
    if (auto gathered = seen.gather(0); !gathered)
      return gathered;
    if (!between())
      return {};
    if (now_ns() < next)
      continue;
    next += interval;
    ++looks;
    if (!look())
      return {};
  }
  return {};
}

result<void> show(const options& wanted, live_bus& bus, observer& seen) {
  auto screen = terminal::open();
  if (!screen)
    return screen.error();
  top_screen shown;
  const auto draw = [&] {
    screen->draw(shown.lines(seen.all().view(), screen->height(), screen->width()));
    return true;
  };
  draw();
  return repeat(wanted, bus, seen, true, draw, [&] {
    while (const auto key = screen->key()) {
      if (!shown.press(*key))
        return false;
      draw();
    }
    return true;
  });
}

result<void> print(const options& wanted, live_bus& bus, observer& seen) {
  return repeat(
      wanted, bus, seen, false,
      [&] {
        json state{{"time_ns", std::chrono::system_clock::now().time_since_epoch().count()}};
        state.update(as_json(seen.all().view()));
        std::printf("%s\n", state.dump().c_str());
        return std::fflush(stdout) == 0; // else nobody reads any more
      },
      [] { return true; });
}

result<void> serve(const options& wanted, live_bus& bus, observer& seen) {
  auto server = page_server::start(wanted.http, wanted.anywhere);
  if (!server)
    return server.error();
  std::fprintf(stderr, "mycelium top: serving http://%s/\n", (*server)->where().c_str());
  const auto tell = [&] {
    (*server)->set(seen.all().view());
    return true;
  };
  return repeat(wanted, bus, seen, false, tell, tell);
}

int run(const options& wanted) {
  auto bus = live_bus::open(wanted.source, "top");
  if (!bus)
    return fail(bus.error().text);
  auto seen = observer::open(*bus);
  if (!seen)
    return fail(seen.error().text);
  const auto linked = bus->link();
  if (!linked)
    return fail(linked.error().text);
  if (!*linked)
    return exit_ok;
  const bool draws = !wanted.json && ::isatty(STDOUT_FILENO) == 1 && ::isatty(STDIN_FILENO) == 1;
  const auto done = wanted.serves ? serve(wanted, *bus, *seen)
                    : draws       ? show(wanted, *bus, *seen)
                                  : print(wanted, *bus, *seen);
  return done ? exit_ok : fail(done.error().text);
}

} // namespace

int top_verb(int argc, char** argv) {
  options wanted;
  CLI::App app(
      "Shows nodes, links, types and queues of a bus as they are now. Keys: q quit, Tab or 1 to 5 another page,\n"
      "< > another column to sort by, r the other way round, arrows scroll.",
      "mycelium top");
  const auto* http = declare(app, wanted);
  if (const auto done = parse_with_bus(app, wanted.source, argc, argv))
    return *done;
  wanted.serves = http->count() > 0;
  return run(wanted);
}

} // namespace mycelium::cli
