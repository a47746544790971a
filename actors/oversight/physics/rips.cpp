// The method is that of Ripser: cohomology, edges taken from the longest to the shortest, those of the minimal spanning
// tree left out, since they join components and make no hole.
#include "actors/oversight/physics/rips.hpp"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <unordered_map>

namespace mycelium::oversight {
namespace {

// Filtration order: an edge is its rank by length (then by its ends); a triangle is the rank of its longest edge, then
// the vertex opposite. Both orders are total, which makes the pairing unique.
using triangle = std::uint32_t;
using column = std::vector<triangle>; // a sum of triangles, ascending

struct edge {
  double length;
  int a;
  int b;
};

class filtration {
public:
  explicit filtration(const matrix& distances)
      : points_(int(distances.rows())), rank_(std::size_t(points_) * std::size_t(points_)) {
    for (int b = 0; b < points_; ++b)
      for (int a = 0; a < b; ++a)
        edges_.push_back({distances(a, b), a, b});
    std::stable_sort(edges_.begin(), edges_.end(), [](const edge& x, const edge& y) { return x.length < y.length; });
    for (std::size_t i = 0; i < edges_.size(); ++i)
      rank_of(edges_[i].a, edges_[i].b) = rank_of(edges_[i].b, edges_[i].a) = std::uint32_t(i);
  }

  std::size_t edges() const noexcept { return edges_.size(); }
  const edge& at(std::size_t rank) const { return edges_[rank]; }
  double length(triangle t) const { return edges_[t / unsigned(points_)].length; }

  // The triangles that an edge is a side of.
  column coboundary(std::size_t rank) {
    const auto [length, a, b] = edges_[rank];
    column out;
    for (int v = 0; v < points_; ++v) {
      if (v == a || v == b)
        continue;
      const auto with_a = rank_of(a, v);
      const auto with_b = rank_of(b, v);
      auto longest = std::uint32_t(rank);
      int opposite = v;
      if (with_a > longest) {
        longest = with_a;
        opposite = b;
      }
      if (with_b > longest) {
        longest = with_b;
        opposite = a;
      }
      out.push_back(longest * unsigned(points_) + unsigned(opposite));
    }
    std::sort(out.begin(), out.end());
    return out;
  }

  std::vector<bool> spanning_tree() const {
    std::vector<int> root(std::size_t(points_), 0);
    std::iota(root.begin(), root.end(), 0);
    const auto find = [&root](int at) {
      while (root[std::size_t(at)] != at)
        at = root[std::size_t(at)] = root[std::size_t(root[std::size_t(at)])];
      return at;
    };
    std::vector<bool> in_tree(edges_.size());
    for (std::size_t i = 0; i < edges_.size(); ++i) {
      const int a = find(edges_[i].a);
      const int b = find(edges_[i].b);
      in_tree[i] = a != b;
      root[std::size_t(a)] = b;
    }
    return in_tree;
  }

private:
  std::uint32_t& rank_of(int a, int b) { return rank_[std::size_t(a * points_ + b)]; }

  int points_;
  std::vector<std::uint32_t> rank_;
  std::vector<edge> edges_;
};

column sum(const column& x, const column& y) {
  column out;
  out.reserve(x.size() + y.size());
  std::set_symmetric_difference(x.begin(), x.end(), y.begin(), y.end(), std::back_inserter(out));
  return out;
}

} // namespace

std::vector<bar> rips_holes(const matrix& distances) {
  filtration all(distances);
  const auto in_tree = all.spanning_tree();
  std::unordered_map<triangle, column> reduced; // by their first triangle
  std::vector<bar> bars;
  for (auto rank = all.edges(); rank-- > 0;) {
    if (in_tree[rank])
      continue;
    auto rest = all.coboundary(rank);
    for (auto same = reduced.end(); !rest.empty(); rest = sum(rest, same->second))
      if (same = reduced.find(rest.front()); same == reduced.end())
        break;
    if (rest.empty()) // a hole that nothing fills: not in a full Rips complex, whose last edge fills all
      continue;
    const bar found{all.at(rank).length, all.length(rest.front())};
    if (found.length() > 0)
      bars.push_back(found);
    const auto first = rest.front();
    reduced.emplace(first, std::move(rest));
  }
  std::stable_sort(bars.begin(), bars.end(), [](const bar& x, const bar& y) { return x.length() > y.length(); });
  return bars;
}

matrix distances_between(const matrix& points) {
  matrix out(points.rows(), points.rows());
  for (Eigen::Index i = 0; i < points.rows(); ++i)
    for (Eigen::Index j = 0; j <= i; ++j)
      out(i, j) = out(j, i) = (points.row(i) - points.row(j)).norm();
  return out;
}

} // namespace mycelium::oversight
