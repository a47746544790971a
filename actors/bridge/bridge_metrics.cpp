// A bridge's counters among those of its bus.
#include "actors/bridge/bridge.hpp"
#include "actors/runtime/callback_scope.hpp"

namespace mycelium::bridge {
namespace {

using runtime::metric;

std::string label_of(const neighbour_stats& who) {
  return "neighbour=\"" + runtime::escaped_label(who.name) + "\",node=\"" + text_of(who.node) + "\"";
}

void add_links(std::vector<metric>& to, const std::vector<neighbour_stats>& all) {
  for (const auto& each : all) {
    const auto add = [&, labels = label_of(each)](const char* name, const char* type, const char* help,
                                                  std::uint64_t value) {
      to.push_back({name, type, help, labels, value});
    };
    add("mycelium_link_up", "gauge", "Whether there is a connection to the neighbour.", each.where.empty() ? 0 : 1);
    add("mycelium_link_received", "counter", "Messages that came over the link of now.", each.in.messages_in);
    add("mycelium_link_received_bytes", "counter", "Bytes that came over the link of now.", each.in.bytes_in);
    add("mycelium_link_sent", "counter", "Messages sent to the neighbour, each once.", each.out.sent);
    add("mycelium_link_sent_bytes", "counter", "Bytes sent over the link of now.", each.in.bytes_out);
    add("mycelium_link_sent_again", "counter", "Messages sent once more after a link was cut.", each.out.sent_again);
    add("mycelium_link_acknowledged", "counter", "Messages that the neighbour acknowledged.", each.out.acknowledged);
    add("mycelium_link_dropped", "counter", "Messages for the neighbour that found no room.", each.out.dropped);
    add("mycelium_link_lost", "counter", "Messages on their way to a neighbour that came back as another.",
        each.out.lost);
    add("mycelium_link_waiting", "gauge", "Messages for the neighbour that were not sent yet.", each.out.waiting);
    add("mycelium_link_unacknowledged_bytes", "gauge", "Bytes on their way to the neighbour.",
        each.out.bytes_on_their_way);
    add("mycelium_link_credit_bytes", "gauge", "Bytes that may be sent before more is acknowledged.", each.credit);
  }
}

} // namespace

void bridge::add_metrics(std::vector<metric>& to) {
  if (runtime::innermost_callback != nullptr || runtime::on_pooled_worker)
    return; // its thread must not be waited for
  const auto now = stats();
  const auto add = [&](const char* name, const char* type, const char* help, std::uint64_t value) {
    to.push_back({name, type, help, {}, value});
  };
  std::uint64_t linked = 0;
  for (const auto& each : now.neighbours)
    linked += each.where.empty() ? 0 : 1;
  add("mycelium_bridge_links", "gauge", "Neighbours that are linked.", linked);
  add("mycelium_bridge_nodes", "gauge", "Other nodes that can be reached.", now.reachable);
  add("mycelium_bridge_links_made", "counter", "Links that came up.", now.links_made);
  add("mycelium_bridge_links_cut", "counter", "Links that ended after they had come up.", now.links_cut);
  add("mycelium_bridge_refused", "counter", "Connections that did not become links.", now.refused);
  add("mycelium_bridge_repeated", "counter", "Messages that came by two ways.", now.repeated);
  add("mycelium_bridge_invalid", "counter", "Messages from other nodes that the runtime did not take.", now.invalid);
  add("mycelium_bridge_missing", "counter", "Messages that a neighbour numbered and never sent.", now.missing);
  add("mycelium_bridge_lost_there", "counter", "Messages that neighbours dropped for this node.", now.lost_there);
  add("mycelium_bridge_lost", "counter", "Messages on their way to nodes that did not come back.", now.gone.lost);
  add_links(to, now.neighbours);
}

} // namespace mycelium::bridge
