// All nodes of a bus: what they report of themselves, with rates from two reports of one node, and what the bridge of
// this process knows of nodes that do not report. This process's own node is left out: it only looks on.
#pragma once

#include "tools/cli/bus_types.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace mycelium::cli {

using json_payload::json;

struct node_row {
  std::string id; // 16 hexadecimal digits
  std::string name;
  std::string host;
  std::string version;
  std::uint64_t process = 0;
  bool reports = false; // else only name, neighbours and wants are known
  double uptime_s = 0;
  std::uint64_t published = 0, published_bytes = 0, arrived = 0, arrived_bytes = 0;
  std::uint64_t delivered = 0, dropped = 0, refused = 0, handler_errors = 0;
  std::uint64_t links_made = 0, links_cut = 0, links_refused = 0, repeated = 0, invalid = 0, missing = 0, lost = 0;
  double published_per_s = 0, published_bytes_per_s = 0, arrived_per_s = 0, delivered_per_s = 0, dropped_per_s = 0;
  std::vector<std::string> neighbours; // ids
  std::vector<std::uint16_t> wants;    // types that its subscribers want
};

struct type_row {
  std::string node, node_name;
  std::uint16_t type_id = 0;
  std::string type;
  std::uint64_t published = 0, published_bytes = 0, arrived = 0, arrived_bytes = 0;
  double published_per_s = 0, published_bytes_per_s = 0, arrived_per_s = 0;
};

struct subscription_row {
  std::string node, node_name;
  std::uint64_t id = 0;
  std::string name;
  std::uint16_t type_id = 0;
  std::string type;
  bool leads_away = false;
  std::uint64_t waiting = 0, capacity = 0, delivered = 0, dropped = 0, handler_errors = 0;
  double delivered_per_s = 0, dropped_per_s = 0;
};

struct link_row {
  std::string node, node_name, to, to_name, address; // address: empty while there is no connection
  std::uint64_t sent = 0, received = 0, sent_bytes = 0, received_bytes = 0, sent_again = 0, acknowledged = 0;
  std::uint64_t waiting = 0, unacknowledged_bytes = 0, credit = 0, dropped = 0, lost = 0;
  double sent_per_s = 0, received_per_s = 0, sent_bytes_per_s = 0, received_bytes_per_s = 0;
};

struct mesh_view {
  std::vector<node_row> nodes; // by name, then id; as are the others
  std::vector<type_row> types;
  std::vector<subscription_row> subscriptions;
  std::vector<link_row> links;
};

class mesh {
public:
  explicit mesh(const bus_types& types) : types_(types) {}

  // A NodeReport, and when it was published by its node's clock.
  void hear(const json& report, std::int64_t timestamp_ns);
  // mycelium_bridge_json of this process. Nodes that cannot be reached any more are forgotten.
  void know(const json& neighbourhood);
  // Has every node reported that says it wants or publishes anything? Some never do.
  bool all_have_reported() const;
  mesh_view view() const;

private:
  struct heard {
    json now, before;   // before: null until there are two
    double seconds = 0; // between them
  };
  struct neighbour {
    std::string name;
    std::vector<std::string> neighbours;
    std::vector<std::uint16_t> wants;
  };
  node_row row_of(const std::string& id, const neighbour& known) const;
  void add_types(mesh_view& to, const node_row& node, const heard& report) const;
  void add_subscriptions(mesh_view& to, const node_row& node, const heard& report) const;
  void add_links(mesh_view& to, const node_row& node, const heard& report) const;

  const bus_types& types_;
  std::string self_;
  std::map<std::string, heard> reports_;
  std::map<std::string, neighbour> known_;
};

json as_json(const mesh_view& view);

} // namespace mycelium::cli
