// The state of a bus for programs: the lines of `mycelium top --json`, and /api/state.json.
#include "tools/cli/mesh.hpp"

namespace mycelium::cli {
namespace {

json of(const node_row& n) {
  json row{{"node", n.id}, {"name", n.name}, {"reports", n.reports}, {"neighbours", n.neighbours}, {"wants", n.wants}};
  if (!n.reports)
    return row;
  row.update({{"host", n.host},
              {"process", n.process},
              {"version", n.version},
              {"uptime_s", n.uptime_s},
              {"published", n.published},
              {"published_per_s", n.published_per_s},
              {"published_bytes", n.published_bytes},
              {"published_bytes_per_s", n.published_bytes_per_s},
              {"arrived", n.arrived},
              {"arrived_per_s", n.arrived_per_s},
              {"arrived_bytes", n.arrived_bytes},
              {"delivered", n.delivered},
              {"delivered_per_s", n.delivered_per_s},
              {"dropped", n.dropped},
              {"dropped_per_s", n.dropped_per_s},
              {"refused", n.refused},
              {"handler_errors", n.handler_errors},
              {"links_made", n.links_made},
              {"links_cut", n.links_cut},
              {"links_refused", n.links_refused},
              {"repeated", n.repeated},
              {"invalid", n.invalid},
              {"missing", n.missing},
              {"lost", n.lost}});
  return row;
}

json of(const type_row& t) {
  return {{"node", t.node},
          {"name", t.node_name},
          {"type_id", t.type_id},
          {"type", t.type},
          {"published", t.published},
          {"published_per_s", t.published_per_s},
          {"published_bytes", t.published_bytes},
          {"published_bytes_per_s", t.published_bytes_per_s},
          {"arrived", t.arrived},
          {"arrived_per_s", t.arrived_per_s},
          {"arrived_bytes", t.arrived_bytes}};
}

json of(const subscription_row& s) {
  return {{"node", s.node},
          {"name", s.node_name},
          {"id", s.id},
          {"subscription", s.name},
          {"type_id", s.type_id},
          {"type", s.type},
          {"leads_away", s.leads_away},
          {"waiting", s.waiting},
          {"capacity", s.capacity},
          {"delivered", s.delivered},
          {"delivered_per_s", s.delivered_per_s},
          {"dropped", s.dropped},
          {"dropped_per_s", s.dropped_per_s},
          {"handler_errors", s.handler_errors}};
}

json of(const link_row& l) {
  return {{"node", l.node},
          {"name", l.node_name},
          {"to", l.to},
          {"to_name", l.to_name},
          {"address", l.address},
          {"up", !l.address.empty()},
          {"sent", l.sent},
          {"sent_per_s", l.sent_per_s},
          {"sent_bytes", l.sent_bytes},
          {"sent_bytes_per_s", l.sent_bytes_per_s},
          {"received", l.received},
          {"received_per_s", l.received_per_s},
          {"received_bytes", l.received_bytes},
          {"received_bytes_per_s", l.received_bytes_per_s},
          {"sent_again", l.sent_again},
          {"acknowledged", l.acknowledged},
          {"waiting", l.waiting},
          {"unacknowledged_bytes", l.unacknowledged_bytes},
          {"credit", l.credit},
          {"dropped", l.dropped},
          {"lost", l.lost}};
}

template <class Rows>
json list(const Rows& rows) {
  auto all = json::array();
  for (const auto& each : rows)
    all.push_back(of(each));
  return all;
}

} // namespace

json as_json(const mesh_view& view) {
  return {{"nodes", list(view.nodes)},
          {"links", list(view.links)},
          {"types", list(view.types)},
          {"subscriptions", list(view.subscriptions)}};
}

} // namespace mycelium::cli
