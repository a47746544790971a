// Bridges behind the C interface.
#include "ffi/bridge_call.hpp"
#include "ffi/include/mycelium_bridge.h"
#include "ffi/json_text.hpp"

#include <algorithm>
#include <bit>
#include <chrono>

using namespace mycelium;
using namespace mycelium::ffi;

namespace {

using bridge::settings;
using std::chrono::milliseconds;

milliseconds time_of(std::int64_t ns, milliseconds standard) {
  return ns == 0 ? standard
                 : std::max(milliseconds(1), std::chrono::duration_cast<milliseconds>(std::chrono::nanoseconds(ns)));
}

std::string text_of(const char* text) { return text != nullptr ? text : ""; }

bridge::credential_sources sources_of(const MyceliumBridgeConfig& c) {
  return {.token = text_of(c.token),
          .token_file = text_of(c.token_file),
          .tls = {.certificate = text_of(c.tls_cert), .key = text_of(c.tls_key), .authorities = text_of(c.tls_ca)},
          .permissions_file = text_of(c.permissions_file)};
}

bridge::limits limits_of(const MyceliumBridgeConfig& c) {
  const bridge::limits standard;
  return {.messages = c.max_message_rate,
          .bytes = c.max_byte_rate,
          .control = or_default(c.max_control_rate, standard.control),
          .nodes = or_default(c.max_nodes, standard.nodes),
          .state_size = or_default(c.max_state, standard.state_size),
          .types = or_default(c.max_types, standard.types),
          .requests = or_default(c.max_requests, standard.requests)};
}

result<settings> settings_of(const MyceliumBridgeConfig& c) {
  const auto wrong = [](const std::string& text) { return failure{status::invalid_argument, text}; };
  if (c.hello_timeout_ns < 0 || c.heartbeat_ns < 0 || c.silence_ns < 0 || c.linger_ns < 0 || c.block_timeout_ns < 0)
    return wrong("a time is negative");
  if (c.policy < 0 || c.policy > MYCELIUM_POLICY_FAIL)
    return wrong("policy " + std::to_string(c.policy) + " is none of MyceliumPolicy");
  if (c.capacity > (1u << 24))
    return wrong("capacity is at most 2^24");
  if (c.socket_mode > 0777)
    return wrong("socket_mode is a mode as of chmod, at most 0777");
  settings how;
  how.name = text_of(c.name);
  how.credentials = sources_of(c);
  how.of_one_link = limits_of(c);
  how.socket_mode = or_default(c.socket_mode, how.socket_mode);
  how.max_links_per_peer = c.max_links_per_peer;
  how.accepts = or_default(c.max_accepts, how.accepts);
  how.max_links = or_default<std::size_t>(c.max_links, how.max_links);
  how.max_frame = or_default<std::size_t>(c.max_frame, how.max_frame);
  how.window = or_default(c.window, how.window);
  how.capacity = std::bit_ceil(std::max(2u, or_default(c.capacity, how.capacity)));
  how.when_full = c.policy == 0 ? how.when_full : runtime::policy(c.policy);
  how.block_timeout_ns = c.block_timeout_ns;
  how.hello_timeout = time_of(c.hello_timeout_ns, how.hello_timeout);
  how.heartbeat = time_of(c.heartbeat_ns, how.heartbeat);
  how.silence = time_of(c.silence_ns, how.silence);
  how.linger = time_of(c.linger_ns, how.linger);
  if (c.at_least_once != nullptr) {
    auto types = bridge::type_set::parse(c.at_least_once);
    if (!types)
      return wrong("at_least_once " + types.error().text);
    how.at_least_once = std::move(*types);
  }
  if (how.window < bridge::least_window || how.max_frame < bridge::least_frame)
    return wrong("window is at least 64 KiB, max_frame at least 1 KiB");
  if (how.silence <= how.heartbeat)
    return wrong("silence_ns has to be longer than heartbeat_ns, or living links would count as dead");
  return how;
}

class object {
public:
  object& add(const char* key, const std::string& json) {
    text_ += (text_.size() == 1 ? "\"" : ", \"") + std::string(key) + "\": " + json;
    return *this;
  }
  object& add(const char* key, std::uint64_t number) { return add(key, std::to_string(number)); }
  std::string text() const { return text_ + "}"; }

private:
  std::string text_ = "{";
};

MyceliumBridgeStats sums_of(const bridge::bridge_stats& s) {
  MyceliumBridgeStats sums{};
  sums.node = s.node;
  sums.reachable = s.reachable;
  sums.links_made = s.links_made;
  sums.links_cut = s.links_cut;
  sums.refused = s.refused;
  sums.sent = s.gone.sent;
  sums.sent_again = s.gone.sent_again;
  sums.acknowledged = s.gone.acknowledged;
  sums.dropped = s.gone.dropped;
  sums.lost = s.gone.lost;
  sums.missing = s.missing;
  sums.repeated = s.repeated;
  sums.invalid = s.invalid;
  sums.not_allowed = s.not_allowed;
  for (const auto& each : s.neighbours) {
    sums.neighbours += each.where.empty() ? 0 : 1;
    sums.received += each.in.messages_in;
    sums.sent += each.out.sent;
    sums.sent_again += each.out.sent_again;
    sums.acknowledged += each.out.acknowledged;
    sums.dropped += each.out.dropped;
    sums.lost += each.out.lost;
  }
  return sums;
}

template <class Values, class Text>
std::string list_of(const Values& values, Text text) {
  std::string all;
  for (const auto each : values)
    all += (all.empty() ? "" : ", ") + text(each);
  return "[" + all + "]";
}

std::string json_of(const bridge::bridge_stats& s) {
  std::string neighbours;
  for (const auto& n : s.neighbours) {
    object each;
    each.add("node", quoted(bridge::text_of(n.node))).add("name", quoted(n.name)).add("link", quoted(n.where));
    each.add("received", n.in.messages_in).add("bytes_in", n.in.bytes_in).add("bytes_out", n.in.bytes_out);
    each.add("sent", n.out.sent).add("sent_again", n.out.sent_again).add("acknowledged", n.out.acknowledged);
    each.add("waiting", n.out.waiting)
        .add("on_their_way_bytes", n.out.bytes_on_their_way)
        .add("dropped", n.out.dropped)
        .add("lost", n.out.lost)
        .add("passed_over", n.out.passed_over)
        .add("taken_over", n.out.taken_over)
        .add("unconfirmed", n.out.unconfirmed);
    neighbours += (neighbours.empty() ? "" : ", ") + each.text();
  }
  std::string nodes;
  for (const auto& n : s.nodes) {
    object each;
    each.add("node", quoted(bridge::text_of(n.id))).add("name", quoted(n.name));
    each.add("neighbours", list_of(n.neighbours, [](auto id) { return quoted(bridge::text_of(id)); }));
    each.add("wants", list_of(n.wants, [](auto type_id) { return std::to_string(type_id); }));
    nodes += (nodes.empty() ? "" : ", ") + each.text();
  }
  object all;
  all.add("node", quoted(bridge::text_of(s.node))).add("reachable", s.reachable);
  all.add("links_made", s.links_made).add("links_cut", s.links_cut).add("refused", s.refused);
  all.add("repeated", s.repeated).add("invalid", s.invalid).add("missing", s.missing).add("lost", s.gone.lost);
  all.add("not_allowed", s.not_allowed);
  object gone; // of nodes that did not come back
  gone.add("sent", s.gone.sent).add("sent_again", s.gone.sent_again).add("acknowledged", s.gone.acknowledged);
  gone.add("dropped", s.gone.dropped).add("lost", s.gone.lost).add("passed_over", s.gone.passed_over);
  gone.add("taken_over", s.gone.taken_over).add("unconfirmed", s.gone.unconfirmed);
  all.add("gone", gone.text());
  all.add("neighbours", "[" + neighbours + "]");
  return all.add("nodes", "[" + nodes + "]").text();
}

} // namespace

extern "C" {

void mycelium_bridge_config_init(MyceliumBridgeConfig* config) {
  if (config == nullptr)
    return;
  *config = MyceliumBridgeConfig{};
  config->struct_size = sizeof *config;
}

int32_t mycelium_bridge_open(MyceliumRuntime* rt, const MyceliumBridgeConfig* config) {
  return fenced([&] {
    MyceliumBridgeConfig given{};
    if (config != nullptr && !read_struct(given, config))
      return fail_struct_size();
    const pinned_bus bus(rt);
    if (!bus)
      return bus.error();
    auto how = settings_of(given);
    if (!how)
      return fail(how.error());
    const auto opened = bridge::bridge::start(*bus, std::move(*how));
    return opened ? MYCELIUM_SUCCESS + 0 : fail(opened.error());
  });
}

int32_t mycelium_bridge_listen(MyceliumRuntime* rt, const char* address, char* buffer, size_t cap, size_t* out_len) {
  return fenced([&] {
    if (address == nullptr)
      return fail_null("address");
    const auto at = bridge::parse_address(address);
    if (!at)
      return fail(at.error());
    return with_bridge(rt, when_none::open, [&](bridge::bridge& links) {
      const auto bound = links.listen(*at);
      return bound ? copy_text(bound->text(), buffer, cap, out_len) : fail(bound.error());
    });
  });
}

int32_t mycelium_bridge_dial(MyceliumRuntime* rt, const char* address) {
  return fenced([&] {
    if (address == nullptr)
      return fail_null("address");
    const auto to = bridge::parse_address(address);
    if (!to)
      return fail(to.error());
    return with_bridge(rt, when_none::open, [&](bridge::bridge& links) { return answer(links.dial(*to)); });
  });
}

int32_t mycelium_bridge_wait_for_links(MyceliumRuntime* rt, size_t count, int64_t timeout_ns) {
  return fenced([&] {
    return with_bridge(rt, when_none::open, [&](bridge::bridge& links) {
      return answer(links.wait_for_links(count, runtime::deadline::in(timeout_ns)));
    });
  });
}

int32_t mycelium_bridge_reload(MyceliumRuntime* rt) {
  return fenced(
      [&] { return with_bridge(rt, when_none::refuse, [](bridge::bridge& links) { return answer(links.reload()); }); });
}

int32_t mycelium_bridge_stats(MyceliumRuntime* rt, MyceliumBridgeStats* out) {
  return fenced([&] {
    if (out == nullptr)
      return fail_null("out");
    return with_bridge(rt, when_none::refuse, [&](bridge::bridge& links) {
      auto ours = sums_of(links.stats());
      return write_struct(out, ours);
    });
  });
}

int32_t mycelium_bridge_json(MyceliumRuntime* rt, char* buffer, size_t cap, size_t* out_len) {
  return fenced([&] {
    return with_bridge(rt, when_none::refuse,
                       [&](bridge::bridge& links) { return copy_text(json_of(links.stats()), buffer, cap, out_len); });
  });
}

} // extern "C"
