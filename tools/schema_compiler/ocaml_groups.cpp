#include "tools/schema_compiler/ocaml_groups.hpp"

#include <algorithm>

namespace mycelium::schema_compiler {
namespace {

// Tarjan's strongly connected components: they come out in the order that is wanted. Nodes are tables, then unions.
class components {
public:
  explicit components(const model& from)
      : from_(from), places_(from.tables.size() + from.unions.size(), not_seen), lowest_(places_),
        open_(places_.size()) {}

  std::vector<ocaml_group> find() {
    for (std::size_t node = 0; node < places_.size(); ++node)
      if (places_[node] == not_seen)
        visit(node);
    return std::move(groups_);
  }

private:
  static constexpr std::size_t not_seen = no_index;

  std::vector<std::size_t> targets(std::size_t node) const {
    std::vector<std::size_t> out;
    if (node >= from_.tables.size()) {
      for (const auto& member : from_.unions[node - from_.tables.size()].members)
        out.push_back(member.table);
      return out;
    }
    for (const auto& field : from_.tables[node].fields) {
      if (field.type.kind == value_kind::table)
        out.push_back(field.type.index);
      else if (field.type.kind == value_kind::union_value)
        out.push_back(from_.tables.size() + field.type.index);
    }
    return out;
  }

  void visit(std::size_t node) {
    places_[node] = lowest_[node] = seen_++;
    open_[node] = true;
    stack_.push_back(node);
    const auto to = targets(node);
    for (const auto target : to) {
      if (places_[target] == not_seen)
        visit(target);
      if (open_[target])
        lowest_[node] = std::min(lowest_[node], lowest_[target]);
    }
    if (lowest_[node] == places_[node])
      close(node, std::find(to.begin(), to.end(), node) != to.end());
  }

  void close(std::size_t root, bool refers_to_itself) {
    const auto first = std::find(stack_.begin(), stack_.end(), root);
    std::vector<std::size_t> members(first, stack_.end());
    stack_.erase(first, stack_.end());
    std::sort(members.begin(), members.end());
    ocaml_group group;
    group.recursive = members.size() > 1 || refers_to_itself;
    for (const auto each : members) {
      open_[each] = false;
      const bool is_union = each >= from_.tables.size();
      group.nodes.push_back({is_union, is_union ? each - from_.tables.size() : each});
    }
    groups_.push_back(std::move(group));
  }

  const model& from_;
  std::vector<std::size_t> places_; // in the order of visits
  std::vector<std::size_t> lowest_; // place that a node reaches through nodes that are open
  std::vector<bool> open_;          // on the stack
  std::vector<std::size_t> stack_;
  std::size_t seen_ = 0;
  std::vector<ocaml_group> groups_;
};

} // namespace

std::vector<ocaml_group> ocaml_groups(const model& from) { return components(from).find(); }

} // namespace mycelium::schema_compiler
