#include "tools/cli/http/metrics.hpp"

#include <array>
#include <cstdio>
#include <functional>

namespace mycelium::cli {
namespace {

using labels = std::vector<std::pair<const char*, std::string>>;

class writer {
public:
  explicit writer(metrics_format format) : open_metrics_(format == metrics_format::open_metrics) {}

  // One family: a sample for each row.
  template <class Rows>
  void family(const char* name, const char* type, const char* help, const Rows& rows, auto labels_of, auto value_of) {
    const bool counter = std::string_view(type) == "counter";
    const auto sample_name = std::string(name) + (counter ? "_total" : "");
    // The older format calls the family what its samples are called.
    const auto family_name = open_metrics_ ? std::string(name) : sample_name;
    text_ += "# HELP " + family_name + " " + help + "\n# TYPE " + family_name + " " + type + "\n";
    for (const auto& row : rows)
      sample(sample_name, labels_of(row), static_cast<double>(value_of(row)));
  }

  std::string finish() { return std::move(text_) + (open_metrics_ ? "# EOF\n" : ""); }

private:
  void sample(const std::string& name, const labels& of, double value) {
    text_ += name + "{";
    bool first = true;
    for (const auto& [key, text] : of) {
      text_ += std::string(first ? "" : ",") + key + "=\"" + escaped(text) + "\"";
      first = false;
    }
    std::array<char, 64> digits{};
    std::snprintf(digits.data(), digits.size(), "} %.17g\n", value);
    text_ += digits.data();
  }

  static std::string escaped(const std::string& text) {
    std::string out;
    for (const char c : text) {
      if (c == '\\' || c == '"')
        out += '\\';
      out += c == '\n' ? std::string("\\n") : std::string(1, c);
    }
    return out;
  }

  const bool open_metrics_;
  std::string text_;
};

labels of_node(const node_row& n) { return {{"node", n.id}, {"name", n.name}}; }
labels of_type(const type_row& t) {
  return {{"node", t.node}, {"name", t.node_name}, {"type_id", std::to_string(t.type_id)}, {"type", t.type}};
}
labels of_subscription(const subscription_row& s) {
  return {{"node", s.node},
          {"name", s.node_name},
          {"id", std::to_string(s.id)},
          {"subscription", s.name},
          {"type", s.type}};
}
labels of_link(const link_row& l) {
  return {{"node", l.node}, {"name", l.node_name}, {"to", l.to}, {"to_name", l.to_name}};
}

void write_nodes(writer& out, const std::vector<node_row>& nodes) {
  std::vector<node_row> reporting;
  for (const auto& each : nodes)
    if (each.reports)
      reporting.push_back(each);
  const auto add = [&](const char* name, const char* type, const char* help, auto value) {
    out.family(name, type, help, reporting, of_node, value);
  };
  out.family("mycelium_node_reports", "gauge", "Whether the node reports of itself.", nodes, of_node,
             [](const node_row& n) { return n.reports ? 1 : 0; });
  add("mycelium_node_uptime_seconds", "gauge", "Time since the node's bridge was opened.",
      [](const node_row& n) { return n.uptime_s; });
  add("mycelium_node_published", "counter", "Messages that threads of the node published.",
      [](const node_row& n) { return n.published; });
  add("mycelium_node_published_bytes", "counter", "Their payloads.",
      [](const node_row& n) { return n.published_bytes; });
  add("mycelium_node_arrived", "counter", "Messages that came from other nodes.",
      [](const node_row& n) { return n.arrived; });
  add("mycelium_node_arrived_bytes", "counter", "Their payloads.", [](const node_row& n) { return n.arrived_bytes; });
  add("mycelium_node_delivered", "counter", "Messages delivered to subscriptions of the node.",
      [](const node_row& n) { return n.delivered; });
  add("mycelium_node_dropped", "counter", "Messages dropped by subscriptions of the node.",
      [](const node_row& n) { return n.dropped; });
  add("mycelium_node_refused", "counter", "Publish calls that returned an error.",
      [](const node_row& n) { return n.refused; });
  add("mycelium_node_handler_errors", "counter", "Exceptions that left a callback.",
      [](const node_row& n) { return n.handler_errors; });
  add("mycelium_node_links_made", "counter", "Links that came up.", [](const node_row& n) { return n.links_made; });
  add("mycelium_node_links_cut", "counter", "Links that ended after they had come up.",
      [](const node_row& n) { return n.links_cut; });
  add("mycelium_node_links_refused", "counter", "Connections that did not become links.",
      [](const node_row& n) { return n.links_refused; });
  add("mycelium_node_repeated", "counter", "Messages that came by two ways.",
      [](const node_row& n) { return n.repeated; });
  add("mycelium_node_invalid", "counter", "Messages from other nodes that the runtime did not take.",
      [](const node_row& n) { return n.invalid; });
  add("mycelium_node_missing", "counter", "Messages that a neighbour numbered and never sent.",
      [](const node_row& n) { return n.missing; });
  add("mycelium_node_lost", "counter", "Messages on their way to nodes that did not come back.",
      [](const node_row& n) { return n.lost; });
}

void write_types(writer& out, const std::vector<type_row>& types) {
  const auto add = [&](const char* name, const char* help, auto value) {
    out.family(name, "counter", help, types, of_type, value);
  };
  add("mycelium_type_published", "Messages of the type published by the node itself.",
      [](const type_row& t) { return t.published; });
  add("mycelium_type_published_bytes", "Their payloads.", [](const type_row& t) { return t.published_bytes; });
  add("mycelium_type_arrived", "Messages of the type that came from other nodes.",
      [](const type_row& t) { return t.arrived; });
  add("mycelium_type_arrived_bytes", "Their payloads.", [](const type_row& t) { return t.arrived_bytes; });
}

void write_subscriptions(writer& out, const std::vector<subscription_row>& subscriptions) {
  const auto add = [&](const char* name, const char* type, const char* help, auto value) {
    out.family(name, type, help, subscriptions, of_subscription, value);
  };
  add("mycelium_queue_waiting", "gauge", "Messages in the mailbox.",
      [](const subscription_row& s) { return s.waiting; });
  add("mycelium_queue_capacity", "gauge", "Messages that have room in the mailbox.",
      [](const subscription_row& s) { return s.capacity; });
  add("mycelium_queue_delivered", "counter", "Messages delivered to the subscription.",
      [](const subscription_row& s) { return s.delivered; });
  add("mycelium_queue_dropped", "counter", "Messages dropped by the subscription.",
      [](const subscription_row& s) { return s.dropped; });
}

void write_links(writer& out, const std::vector<link_row>& links) {
  const auto add = [&](const char* name, const char* type, const char* help, auto value) {
    out.family(name, type, help, links, of_link, value);
  };
  add("mycelium_link_up", "gauge", "Whether there is a connection.",
      [](const link_row& l) { return l.address.empty() ? 0 : 1; });
  add("mycelium_link_sent", "counter", "Messages sent, each once.", [](const link_row& l) { return l.sent; });
  add("mycelium_link_sent_bytes", "counter", "Bytes sent over the connection of now.",
      [](const link_row& l) { return l.sent_bytes; });
  add("mycelium_link_sent_again", "counter", "Messages sent once more after a cut.",
      [](const link_row& l) { return l.sent_again; });
  add("mycelium_link_received", "counter", "Messages received over the connection of now.",
      [](const link_row& l) { return l.received; });
  add("mycelium_link_received_bytes", "counter", "Bytes received over the connection of now.",
      [](const link_row& l) { return l.received_bytes; });
  add("mycelium_link_acknowledged", "counter", "Messages that the neighbour acknowledged.",
      [](const link_row& l) { return l.acknowledged; });
  add("mycelium_link_waiting", "gauge", "Messages that were not sent yet.",
      [](const link_row& l) { return l.waiting; });
  add("mycelium_link_unacknowledged_bytes", "gauge", "Bytes on their way.",
      [](const link_row& l) { return l.unacknowledged_bytes; });
  add("mycelium_link_credit_bytes", "gauge", "Bytes that may be sent before more is acknowledged.",
      [](const link_row& l) { return l.credit; });
  add("mycelium_link_dropped", "counter", "Messages that found no room.", [](const link_row& l) { return l.dropped; });
  add("mycelium_link_lost", "counter", "Messages on their way to a neighbour that came back as another.",
      [](const link_row& l) { return l.lost; });
}

} // namespace

std::string write_metrics(const mesh_view& view, metrics_format format) {
  writer out(format);
  write_nodes(out, view.nodes);
  write_types(out, view.types);
  write_subscriptions(out, view.subscriptions);
  write_links(out, view.links);
  return out.finish();
}

} // namespace mycelium::cli
