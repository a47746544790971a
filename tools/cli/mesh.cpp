#include "tools/cli/mesh.hpp"

#include "schema/report_type.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <tuple>

namespace mycelium::cli {
namespace {

std::string hex(std::uint64_t id) {
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(id));
  return text.data();
}

std::uint64_t number(const json& object, const char* key) { return object.at(key).get<std::uint64_t>(); }
std::string text(const json& object, const char* key) { return object.at(key).get<std::string>(); }

// A counter's growth a second. One that fell was begun anew: what it has is what it grew.
double rate(const json* before, const json& now, const char* key, double seconds) {
  if (before == nullptr || seconds <= 0)
    return 0;
  const auto from = number(*before, key);
  const auto to = number(now, key);
  return static_cast<double>(to >= from ? to - from : to) / seconds;
}

// The entry of the report before that has the same number under key.
const json* same(const json& before, const char* list, const char* key, std::uint64_t value) {
  if (before.is_null())
    return nullptr;
  for (const auto& each : before.at(list))
    if (number(each, key) == value)
      return &each;
  return nullptr;
}

} // namespace

void mesh::hear(const json& report, std::int64_t timestamp_ns) {
  auto& of = reports_[hex(number(report, "node"))];
  auto next = report;
  next["timestamp_ns"] = timestamp_ns;
  if (!of.now.is_null()) {
    const auto passed = timestamp_ns - of.now["timestamp_ns"].get<std::int64_t>();
    if (passed <= 0)
      return; // the node's clock was put back: the next one counts
    of.seconds = static_cast<double>(passed) / 1e9;
    of.before = std::move(of.now);
  }
  of.now = std::move(next);
}

void mesh::know(const json& neighbourhood) {
  self_ = text(neighbourhood, "node");
  known_.clear();
  for (const auto& each : neighbourhood.at("nodes"))
    known_[text(each, "node")] = {text(each, "name"), each.at("neighbours").get<std::vector<std::string>>(),
                                  each.at("wants").get<std::vector<std::uint16_t>>()};
  known_.erase(self_);
  std::erase_if(reports_, [this](const auto& each) { return !known_.contains(each.first); });
}

bool mesh::all_have_reported() const {
  return !known_.empty() &&
         std::ranges::all_of(known_, [this](const auto& each) { return reports_.contains(each.first); });
}

node_row mesh::row_of(const std::string& id, const neighbour& known) const {
  node_row row;
  row.id = id;
  row.name = known.name;
  row.neighbours = known.neighbours;
  std::erase(row.neighbours, self_);
  row.wants = known.wants;
  std::erase(row.wants, schema::report_type_id);
  const auto found = reports_.find(id);
  if (found == reports_.end())
    return row;
  const auto& [now, before, seconds] = found->second;
  const auto* earlier = before.is_null() ? nullptr : &before;
  row.reports = true;
  row.host = text(now, "host");
  row.version = text(now, "version");
  row.process = number(now, "process");
  row.uptime_s = static_cast<double>(number(now, "uptime_ns")) / 1e9;
  for (const auto& [key, to] :
       std::initializer_list<std::pair<const char*, std::uint64_t*>>{{"published", &row.published},
                                                                     {"published_bytes", &row.published_bytes},
                                                                     {"arrived", &row.arrived},
                                                                     {"arrived_bytes", &row.arrived_bytes},
                                                                     {"delivered", &row.delivered},
                                                                     {"dropped", &row.dropped},
                                                                     {"refused", &row.refused},
                                                                     {"handler_errors", &row.handler_errors},
                                                                     {"links_made", &row.links_made},
                                                                     {"links_cut", &row.links_cut},
                                                                     {"links_refused", &row.links_refused},
                                                                     {"repeated", &row.repeated},
                                                                     {"invalid", &row.invalid},
                                                                     {"missing", &row.missing},
                                                                     {"lost", &row.lost}})
    *to = number(now, key);
  row.published_per_s = rate(earlier, now, "published", seconds);
  row.published_bytes_per_s = rate(earlier, now, "published_bytes", seconds);
  row.arrived_per_s = rate(earlier, now, "arrived", seconds);
  row.delivered_per_s = rate(earlier, now, "delivered", seconds);
  row.dropped_per_s = rate(earlier, now, "dropped", seconds);
  return row;
}

void mesh::add_types(mesh_view& to, const node_row& node, const heard& report) const {
  for (const auto& now : report.now.at("types")) {
    type_row row;
    row.type_id = now.at("type_id").get<std::uint16_t>();
    const auto* before = same(report.before, "types", "type_id", row.type_id);
    row.node = node.id;
    row.node_name = node.name;
    row.type = types_.name_of(row.type_id);
    row.published = number(now, "published");
    row.published_bytes = number(now, "published_bytes");
    row.arrived = number(now, "arrived");
    row.arrived_bytes = number(now, "arrived_bytes");
    row.published_per_s = rate(before, now, "published", report.seconds);
    row.published_bytes_per_s = rate(before, now, "published_bytes", report.seconds);
    row.arrived_per_s = rate(before, now, "arrived", report.seconds);
    to.types.push_back(std::move(row));
  }
}

void mesh::add_subscriptions(mesh_view& to, const node_row& node, const heard& report) const {
  for (const auto& now : report.now.at("subscriptions")) {
    subscription_row row;
    row.type_id = now.at("type_id").get<std::uint16_t>();
    if (row.type_id == schema::report_type_id)
      continue;
    row.id = number(now, "id");
    const auto* before = same(report.before, "subscriptions", "id", row.id);
    row.node = node.id;
    row.node_name = node.name;
    row.name = text(now, "name");
    row.type = row.type_id == 0 ? "(all that it wants)" : types_.name_of(row.type_id); // a link's mailbox
    row.leads_away = now.at("leads_away").get<bool>();
    row.waiting = number(now, "waiting");
    row.capacity = number(now, "capacity");
    row.delivered = number(now, "delivered");
    row.dropped = number(now, "dropped");
    row.handler_errors = number(now, "handler_errors");
    row.delivered_per_s = rate(before, now, "delivered", report.seconds);
    row.dropped_per_s = rate(before, now, "dropped", report.seconds);
    to.subscriptions.push_back(std::move(row));
  }
}

void mesh::add_links(mesh_view& to, const node_row& node, const heard& report) const {
  for (const auto& now : report.now.at("links")) {
    link_row row;
    const auto other = number(now, "node");
    row.to = hex(other);
    if (row.to == self_)
      continue;
    row.to_name = text(now, "name");
    const bool gone = text(now, "address").empty() && !known_.contains(row.to);
    if (gone && number(now, "dropped") + number(now, "lost") == 0)
      continue; // what waits for its return stands among the subscriptions
    const auto* before = same(report.before, "links", "node", other);
    row.node = node.id;
    row.node_name = node.name;
    row.address = text(now, "address");
    for (const auto& [key, into] : std::initializer_list<std::pair<const char*, std::uint64_t*>>{
             {"sent", &row.sent},
             {"received", &row.received},
             {"sent_bytes", &row.sent_bytes},
             {"received_bytes", &row.received_bytes},
             {"sent_again", &row.sent_again},
             {"acknowledged", &row.acknowledged},
             {"waiting", &row.waiting},
             {"unacknowledged_bytes", &row.unacknowledged_bytes},
             {"credit", &row.credit},
             {"dropped", &row.dropped},
             {"lost", &row.lost}})
      *into = number(now, key);
    row.sent_per_s = rate(before, now, "sent", report.seconds);
    row.received_per_s = rate(before, now, "received", report.seconds);
    row.sent_bytes_per_s = rate(before, now, "sent_bytes", report.seconds);
    row.received_bytes_per_s = rate(before, now, "received_bytes", report.seconds);
    to.links.push_back(std::move(row));
  }
}

mesh_view mesh::view() const {
  mesh_view all;
  for (const auto& [id, known] : known_)
    all.nodes.push_back(row_of(id, known));
  std::ranges::sort(all.nodes,
                    [](const auto& a, const auto& b) { return std::tie(a.name, a.id) < std::tie(b.name, b.id); });
  for (const auto& node : all.nodes) {
    if (!node.reports)
      continue;
    const auto& report = reports_.at(node.id);
    add_types(all, node, report);
    add_subscriptions(all, node, report);
    add_links(all, node, report);
  }
  return all;
}

} // namespace mycelium::cli
