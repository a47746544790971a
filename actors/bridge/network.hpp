// What a node knows of the others: who is linked with whom, and who wants which types. From it follows, for a message
// of any origin, to which neighbours it goes on: along the tree of shortest ways from its origin, which every node
// computes alike, so that a message crosses no link twice (as in MOSPF, RFC 1584). A node that is cut off stays where
// it was, for those who keep what is for it: absent. News reaches nodes one after another, and until all have heard it
// their trees differ; so the ways of before stay ways for a while. Pure; one thread at a time.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace mycelium::bridge {

using node_id = std::uint64_t;
std::string text_of(node_id node); // 16 hexadecimal digits

struct node_state {
  node_id id = 0;
  std::uint64_t version = 0;
  std::string name;
  std::vector<node_id> neighbours;         // sorted
  std::vector<std::uint16_t> wants;        // sorted
  std::vector<std::uint16_t> carries = {}; // those of them that only a gateway of the node wants; sorted
  std::vector<node_id> absent = {};        // neighbours whose link was cut, and who may come back; the latest first
};

class network {
public:
  static constexpr std::size_t max_nodes = 1024;
  static constexpr std::size_t max_neighbours = 1024;
  static constexpr std::size_t max_ways = 65536; // that are remembered

  network(node_id self, std::string name);

  const node_state& self() const { return nodes_.at(self_); }
  // A new version of what this node says of itself; false if nothing changed. A new neighbour has agreed to the link:
  // it counts as linked unless it says from now on that the link was cut.
  bool set_neighbours(std::vector<node_id> neighbours, std::vector<node_id> absent = {});
  bool set_wants(std::vector<std::uint16_t> wants, std::vector<std::uint16_t> carries = {});
  // What another node says; false if it is not news, or there is no room. News has to be told to all neighbours.
  bool learn(node_state state);
  // All that are known, oneself included.
  const std::map<node_id, node_state>& nodes() const { return nodes_; }
  // The order in which a new neighbour is told of them: oneself, then the nearest. So whoever it is told of can be
  // reached: a node that has left its place, and whose new one nobody knows yet, would be nowhere for a moment.
  std::vector<node_id> nearest_first() const;
  // Those that can be reached, oneself included; `kept`: those too that are cut off, and for whom something is kept.
  enum class over { links, kept };
  std::vector<node_id> reachable(over ways = over::links) const;
  // The types that somebody, be he absent, wants for more than to carry them into another system; sorted.
  std::vector<std::uint16_t> wanted() const;

  // The neighbours to which a message of this type and origin goes from here; sorted.
  const std::vector<node_id>& next(node_id origin, std::uint16_t type_id);
  // Is the neighbour one of them? Or, if it is linked, was it one when the nodes behind it were reached another way?
  bool leads_to(node_id neighbour, node_id origin, std::uint16_t type_id);
  // The types that this neighbour has to be sent, of whatever origin; sorted.
  std::vector<std::uint16_t> types_for(node_id neighbour);

  // Are there ways of before?
  bool has_earlier_ways() const { return !before_.empty() || !earlier_[0].empty() || !earlier_[1].empty(); }
  // Called twice, the ways that are earlier ones now are none.
  void age_earlier_ways();

private:
  // For one origin: by which neighbour of ours each node behind us is reached.
  using tree = std::unordered_map<node_id, node_id>;

  bool says(node_id who, node_id of, over ways) const;
  bool linked(node_id a, node_id b, over ways) const;
  // Calls visit(neighbour) for all to whom a node is linked, one by one in no order.
  template <class Visit>
  void for_each_linked(node_id node, over ways, Visit visit) const;
  void spread(std::vector<node_id>& order, over ways) const;
  struct growing;
  void grow(growing& what, over ways) const;
  const tree& tree_of(node_id origin);
  void note_earlier_ways(node_id origin, const growing& now);
  bool is_linked_neighbour(node_id node) const;
  using earlier_ways = std::set<std::pair<node_id, node_id>>; // a node, and the neighbour by which it was reached
  // Calls visit(state) for each node that was reached by this neighbour.
  template <class Visit>
  void for_each_reached_by(node_id neighbour, const earlier_ways& ways, Visit visit) const;
  bool make_room();
  void links_have_changed();
  void forget_ways();

  node_id self_;
  std::map<node_id, node_state> nodes_;
  std::map<node_id, std::uint64_t> agreed_; // of our neighbours, the versions that they had when they became that
  std::unordered_map<node_id, tree> trees_;
  std::unordered_map<node_id, tree> before_;               // of the last change, until a new one is grown
  std::array<std::map<node_id, earlier_ways>, 2> earlier_; // by origin; those of late, and older ones
  std::map<std::pair<node_id, std::uint16_t>, std::vector<node_id>> ways_;
};

} // namespace mycelium::bridge
