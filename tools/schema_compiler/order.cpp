#include "tools/schema_compiler/order.hpp"

#include <algorithm>

namespace mycelium::schema_compiler {
namespace {

using schema::base_type;

// What a declaration names, last first: objects, then enums, as reaches() counts them.
std::vector<std::size_t> references(const schema::declarations& all, std::size_t node) {
  std::vector<std::size_t> out;
  const auto refer = [&](const schema::type& type) {
    if (type.index >= 0)
      out.push_back(static_cast<std::size_t>(type.index) + (type.item() == base_type::object ? 0 : all.objects.size()));
  };
  if (node < all.objects.size()) {
    for (const auto& field : all.objects[node].fields)
      if (!field.deprecated)
        refer(field.type);
  } else {
    for (const auto& value : all.enums[node - all.objects.size()].values)
      refer(value.member);
  }
  std::reverse(out.begin(), out.end());
  return out;
}

// Depth first without recursion: a schema may be a chain of any length.
std::vector<std::size_t> dependencies_first(const schema::declarations& all) {
  struct visit {
    std::size_t node;
    std::vector<std::size_t> next;
  };
  std::vector<bool> seen(all.objects.size() + all.enums.size());
  std::vector<std::size_t> out;
  for (std::size_t start = 0; start < seen.size(); ++start) {
    if (seen[start])
      continue;
    seen[start] = true;
    std::vector<visit> path;
    path.push_back({start, references(all, start)});
    while (!path.empty()) {
      auto& top = path.back();
      if (top.next.empty()) {
        out.push_back(top.node);
        path.pop_back();
        continue;
      }
      const auto next = top.next.back();
      top.next.pop_back();
      if (!seen[next]) {
        seen[next] = true;
        path.push_back({next, references(all, next)});
      }
    }
  }
  return out;
}

std::vector<std::size_t> objects_first_to_last(const schema::declarations& all, bool structs) {
  auto order = dependencies_first(all);
  std::erase_if(order,
                [&](std::size_t node) { return node >= all.objects.size() || all.objects[node].is_struct != structs; });
  return order;
}

// As an encoder sees it: structs stand in the table, yet take their place among the offsets.
std::size_t slot_size(const field& field, bool union_type) {
  if (union_type)
    return 1;
  const bool number = field.type.holds == container::one && field.type.kind == value_kind::scalar;
  return number ? field.type.size : 4;
}

} // namespace

std::vector<std::size_t> struct_order(const schema::declarations& all) { return objects_first_to_last(all, true); }
std::vector<std::size_t> table_order(const schema::declarations& all) { return objects_first_to_last(all, false); }

bool reaches(const schema::declarations& all, std::size_t from, std::size_t target) {
  std::vector<bool> seen(all.objects.size() + all.enums.size());
  std::vector<std::size_t> found = {from};
  seen[from] = true;
  for (std::size_t i = 0; i < found.size() && !seen[target]; ++i)
    for (const auto next : references(all, found[i]))
      if (!seen[next]) {
        seen[next] = true;
        found.push_back(next);
      }
  return seen[target];
}

std::vector<slot_write> write_order(const std::vector<field>& fields) {
  std::vector<slot_write> out;
  for (const std::size_t size : {8u, 4u, 2u, 1u})
    for (std::size_t i = fields.size(); i-- > 0;) {
      if (slot_size(fields[i], false) == size)
        out.push_back({i, false});
      if (fields[i].type.kind == value_kind::union_value && slot_size(fields[i], true) == size)
        out.push_back({i, true});
    }
  return out;
}

} // namespace mycelium::schema_compiler
