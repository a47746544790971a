// mycelium list: the nodes of a bus, the types that they publish and subscribe to, and their links.
#include "tools/cli/arguments.hpp"
#include "tools/cli/observer.hpp"
#include "tools/cli/terminal_text.hpp"

#include <algorithm>
#include <cstdio>

namespace mycelium::cli {
namespace {

struct options {
  source_options source;
  double wait = 3;
  bool all = false;
  bool json = false;
};

int fail(const std::string& text) { return cli::fail("list", text); }

struct type_users {
  std::map<std::string, std::uint64_t> publishers;  // node -> messages
  std::map<std::string, std::uint64_t> subscribers; // node -> subscriptions; 0: some, for a node that does not report
};

std::map<std::uint16_t, type_users> users_of(const mesh_view& view, const bus_types* every) {
  std::map<std::uint16_t, type_users> all;
  if (every != nullptr)
    for (const auto& [type_id, unused] : every->all())
      all[type_id];
  for (const auto& each : view.types)
    if (each.published > 0)
      all[each.type_id].publishers[each.node] += each.published;
  for (const auto& each : view.subscriptions)
    if (!each.leads_away)
      ++all[each.type_id].subscribers[each.node];
  for (const auto& node : view.nodes)
    for (const auto type_id : node.wants)
      all[type_id].subscribers.try_emplace(node.id, 0);
  return all;
}

std::string digest_of(const bus_types& types, std::uint16_t type_id) {
  const auto found = types.all().find(type_id);
  return found == types.all().end() ? "" : recording::to_hex(found->second.type.type_digest);
}

std::string topic_of(const bus_types& types, std::uint16_t type_id) {
  const auto found = types.all().find(type_id);
  return found == types.all().end() ? "" : found->second.type.topic;
}

void print_json(const mesh_view& view, const bus_types& types, bool all) {
  auto page = as_json(view);
  auto list = json::array();
  const auto named = [](const std::map<std::string, std::uint64_t>& of, const char* count) {
    auto out = json::array();
    for (const auto& [node, number] : of)
      out.push_back({{"node", node}, {count, number}});
    return out;
  };
  for (const auto& [type_id, users] : users_of(view, all ? &types : nullptr))
    list.push_back({{"type_id", type_id},
                    {"type", types.name_of(type_id)},
                    {"topic", topic_of(types, type_id)},
                    {"digest", digest_of(types, type_id)},
                    {"publishers", named(users.publishers, "published")},
                    {"subscribers", named(users.subscribers, "subscriptions")}});
  const json out{{"nodes", page["nodes"]}, {"types", list}, {"links", page["links"]}};
  std::printf("%s\n", out.dump(2).c_str());
}

void print(const char* title, const text_table& table) {
  std::printf("%s\n", title);
  for (const auto& line : table.lines())
    std::printf("  %s\n", line.c_str());
  std::printf("\n");
}

void print_text(const mesh_view& view, const bus_types& types, bool all) {
  std::map<std::string, std::string> names;
  text_table nodes{{{"name"},
                    {"node"},
                    {"host"},
                    {"process", true},
                    {"up", true},
                    {"published", true},
                    {"dropped", true},
                    {"lost", true}},
                   {}};
  for (const auto& n : view.nodes) {
    names[n.id] = printable(n.name);
    if (n.reports)
      nodes.rows.push_back({names[n.id], n.id, printable(n.host), std::to_string(n.process), short_time(n.uptime_s),
                            std::to_string(n.published), std::to_string(n.dropped), std::to_string(n.lost)});
    else
      nodes.rows.push_back({names[n.id], n.id, "(does not report)", "", "", "", "", ""});
  }
  print("nodes", nodes);

  const auto list = [&](const std::map<std::string, std::uint64_t>& of) {
    std::string text;
    for (const auto& [node, number] : of)
      text += (text.empty() ? "" : ", ") + names[node] + (number > 0 ? ":" + std::to_string(number) : "");
    return text.empty() ? std::string("-") : text;
  };
  text_table table{
      {{"id", true}, {"type"}, {"topic"}, {"digest"}, {"publishers:messages"}, {"subscribers:subscriptions"}}, {}};
  for (const auto& [type_id, users] : users_of(view, all ? &types : nullptr)) {
    const auto topic = topic_of(types, type_id);
    const auto digest = digest_of(types, type_id).substr(0, 16);
    table.rows.push_back({std::to_string(type_id), printable(types.name_of(type_id)),
                          topic.empty() ? "-" : printable(topic), digest.empty() ? "-" : digest, list(users.publishers),
                          list(users.subscribers)});
  }
  print("types", table);

  text_table links{{{"from"},
                    {"to"},
                    {"address"},
                    {"sent", true},
                    {"received", true},
                    {"waiting", true},
                    {"dropped", true},
                    {"lost", true}},
                   {}};
  for (const auto& l : view.links)
    links.rows.push_back({printable(l.node_name), printable(l.to_name),
                          l.address.empty() ? "(cut)" : printable(l.address), std::to_string(l.sent),
                          std::to_string(l.received), std::to_string(l.waiting), std::to_string(l.dropped),
                          std::to_string(l.lost)});
  print("links", links);
}

int run(const options& wanted) {
  auto bus = live_bus::open(wanted.source, "list");
  if (!bus)
    return fail(bus.error().text);
  auto seen = observer::open(*bus);
  if (!seen)
    return fail(seen.error().text);
  const auto linked = bus->link();
  if (!linked)
    return fail(linked.error().text);
  const auto until = now_ns() + ns_of(wanted.wait);
  do {
    const auto left = std::max<std::int64_t>(until - now_ns(), 0);
    if (auto gathered = seen->gather(std::min<std::int64_t>(left, 100'000'000)); !gathered)
      return fail(gathered.error().text);
  } while (!bus->stop().came() && !seen->all().all_have_reported() && now_ns() < until);
  (wanted.json ? print_json : print_text)(seen->all().view(), bus->types(), wanted.all);
  return exit_ok;
}

} // namespace

int list_verb(int argc, char** argv) {
  options wanted;
  CLI::App app("Lists the nodes of a bus, the types that they publish and subscribe to, and their links.",
               "mycelium list");
  add_source_options(app, wanted.source);
  app.add_option("--wait", wanted.wait, "seconds to wait for nodes that have not reported yet")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_flag("--all", wanted.all, "also types that nobody publishes or subscribes to");
  app.add_flag("--json", wanted.json, "print JSON");
  if (const auto done = parse_with_bus(app, wanted.source, argc, argv))
    return *done;
  return run(wanted);
}

} // namespace mycelium::cli
