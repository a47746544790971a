// mycelium request: asks on the bus, and prints the reply.
#include "tools/cli/arguments.hpp"
#include "tools/cli/message_text.hpp"

#include <cstdio>
#include <memory>

namespace mycelium::cli {
namespace {

struct options {
  source_options source;
  showing how;
  std::string type;
  std::string message;
  double timeout = 5;
  bool no_wait = false;
};

int fail(const std::string& text) { return cli::fail("request", text); }

void declare(CLI::App& app, options& wanted) {
  app.add_option("type", wanted.type, "the request's type: a number, a name or the last part of it")->required();
  app.add_option("message", wanted.message, "its fields as JSON")->required();
  add_source_options(app, wanted.source);
  add_showing_options(app, wanted.how);
  app.add_option("--timeout", wanted.timeout, "seconds to wait for a server, and for its reply")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_flag("--no-wait", wanted.no_wait, "ask at once, whether or not a server is known");
}

struct releaser {
  void operator()(MyceliumMessage* message) const noexcept { mycelium_message_release(message); }
};

// In its own time and not after a signal: it is asked for in slices by mycelium_request_async's queue.
result<std::unique_ptr<MyceliumMessage, releaser>> ask(const live_bus& bus, std::uint16_t type_id,
                                                       const std::vector<std::uint8_t>& payload, std::int64_t timeout) {
  std::uint64_t queue = 0;
  int fd = -1;
  if (auto opened = check(mycelium_queue_open(bus.runtime(), &queue), "the queue"); !opened)
    return opened.error();
  if (auto got = check(mycelium_queue_fd(bus.runtime(), queue, &fd), "the queue"); !got)
    return got.error();
  MyceliumRequestOptions how{};
  how.struct_size = sizeof how;
  how.timeout_ns = timeout;
  how.queue_id = queue;
  const auto name = bus.types().name_of(type_id);
  if (auto asked =
          check(mycelium_request_async(bus.runtime(), type_id, payload.data(), payload.size(), &how, nullptr), name);
      !asked)
    return asked.error();
  MyceliumDelivery reply{};
  std::size_t count = 0;
  while (count == 0) {
    if (bus.stop().wait(fd, -1))
      return failure{status::closed, "stopped before there was a reply"};
    const auto received = mycelium_queue_receive(bus.runtime(), queue, &reply, 1, 0, &count);
    if (auto good = check(received == MYCELIUM_ERROR_TIMEOUT ? MYCELIUM_SUCCESS : received, name); !good)
      return good.error();
  }
  if (reply.status != MYCELIUM_SUCCESS)
    return failure{static_cast<status>(reply.status), name + ": there is no reply"};
  return std::unique_ptr<MyceliumMessage, releaser>(reply.message);
}

int run(const options& wanted) {
  auto bus = live_bus::open(wanted.source, "request");
  if (!bus)
    return fail(bus.error().text);
  const auto type_id = bus->types().id_of(wanted.type);
  if (!type_id)
    return fail(type_id.error().text);
  const auto shown = message_text::of(bus->types(), wanted.how);
  if (!shown)
    return fail(shown.error().text);
  const auto value = json_payload::parse(wanted.message);
  const auto payload = value ? bus->types().from_json(*type_id, *value) : value.error();
  if (!payload)
    return fail(payload.error().text);
  const auto linked = bus->link();
  if (!linked)
    return fail(linked.error().text);
  const auto patience = ns_of(wanted.timeout);
  const auto served = wanted.no_wait ? result<bool>(true) : bus->wait_for_subscriber(*type_id, patience);
  if (!served)
    return fail(std::string(mycelium_status_name(static_cast<std::int32_t>(served.error().code))) + ": " +
                served.error().text);
  const auto reply = ask(*bus, *type_id, *payload, patience);
  if (!reply)
    return fail(std::string(mycelium_status_name(static_cast<std::int32_t>(reply.error().code))) + ": " +
                reply.error().text);
  if (const auto text = shown->of(reply->get()))
    std::fputs(text->c_str(), stdout);
  return exit_ok;
}

} // namespace

int request_verb(int argc, char** argv) {
  options wanted;
  CLI::App app("Asks with a message that is written as JSON, and prints the first reply.", "mycelium request");
  declare(app, wanted);
  if (const auto done = parse_with_bus(app, wanted.source, argc, argv))
    return *done;
  return run(wanted);
}

} // namespace mycelium::cli
