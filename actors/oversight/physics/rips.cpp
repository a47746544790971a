// The method is that of Ripser: cohomology, edges taken from the longest to the shortest, those of the minimal spanning
// tree left out, since they join components and make no hole.
#include "actors/oversight/physics/rips.hpp"

#include <algorithm>
#include <bit>
#include <numeric>
#include <unordered_map>

namespace mycelium::oversight {
namespace {

// Filtration order: an edge is its rank by length (then by its ends); a triangle is the rank of its longest edge, then
// the vertex opposite. Both orders are total, which makes the pairing unique.
using triangle = std::uint32_t;
using column = std::vector<triangle>; // a sum of triangles

struct edge {
  double length;
  std::uint32_t a;
  std::uint32_t b;
};

class filtration {
public:
  explicit filtration(const matrix& distances)
      : points_(std::uint32_t(distances.rows())), rank_(std::size_t{points_} * points_) {
    edges_.reserve(rank_.size() / 2);
    for (std::uint32_t b = 0; b < points_; ++b)
      for (std::uint32_t a = 0; a < b; ++a)
        edges_.push_back({distances(a, b), a, b});
    std::sort(edges_.begin(), edges_.end(), [](const edge& x, const edge& y) {
      return x.length != y.length ? x.length < y.length : x.b != y.b ? x.b < y.b : x.a < y.a;
    });
    for (std::size_t i = 0; i < edges_.size(); ++i)
      rank_of(edges_[i].a, edges_[i].b) = rank_of(edges_[i].b, edges_[i].a) = std::uint32_t(i);
    find_partners();
  }

  std::size_t edges() const noexcept { return edges_.size(); }
  const edge& at(std::size_t rank) const { return edges_[rank]; }
  double length(triangle t) const { return edges_[t / points_].length; }

  // Whether an edge and the first triangle that it is a side of come together: the edge is the triangle's longest.
  // Nothing else can be paired with either, and their hole has no length.
  bool has_partner(std::size_t rank) const { return partner_[rank] != none; }
  bool is_partner(triangle t) const { return partner_[t / points_] == t % points_; }
  std::size_t partner_of(triangle t) const { return t / points_; }

  // One more than the largest triangle.
  std::size_t triangles() const noexcept { return edges_.size() * points_; }

  // Tells add each triangle that an edge is a side of.
  template <class Add>
  void coboundary(std::size_t rank, Add add) const {
    const auto [length, a, b] = edges_[rank];
    for (std::uint32_t v = 0; v < points_; ++v) {
      if (v == a || v == b)
        continue;
      const auto with_a = rank_of(a, v);
      const auto with_b = rank_of(b, v);
      auto longest = std::uint32_t(rank);
      auto opposite = v;
      if (with_a > longest) {
        longest = with_a;
        opposite = b;
      }
      if (with_b > longest) {
        longest = with_b;
        opposite = a;
      }
      add(longest * points_ + opposite);
    }
  }

  std::vector<bool> spanning_tree() const {
    std::vector<std::uint32_t> root(points_, 0);
    std::iota(root.begin(), root.end(), 0u);
    const auto find = [&root](std::uint32_t at) {
      while (root[at] != at)
        at = root[at] = root[root[at]];
      return at;
    };
    std::vector<bool> in_tree(edges_.size());
    for (std::size_t i = 0; i < edges_.size(); ++i) {
      const auto a = find(edges_[i].a);
      const auto b = find(edges_[i].b);
      in_tree[i] = a != b;
      root[a] = b;
    }
    return in_tree;
  }

private:
  static constexpr std::uint32_t none = 0xffffffff;

  void find_partners() {
    partner_.assign(edges_.size(), none);
    for (std::size_t rank = 0; rank < edges_.size(); ++rank) {
      const auto* with_a = &rank_[std::size_t{edges_[rank].a} * points_];
      const auto* with_b = &rank_[std::size_t{edges_[rank].b} * points_];
      for (std::uint32_t v = 0; v < points_; ++v)
        if (with_a[v] < rank && with_b[v] < rank && v != edges_[rank].a && v != edges_[rank].b) {
          partner_[rank] = v;
          break;
        }
    }
  }

  std::uint32_t& rank_of(std::uint32_t a, std::uint32_t b) { return rank_[std::size_t{a} * points_ + b]; }
  std::uint32_t rank_of(std::uint32_t a, std::uint32_t b) const { return rank_[std::size_t{a} * points_ + b]; }

  std::uint32_t points_;
  std::vector<std::uint32_t> rank_;
  std::vector<edge> edges_;
  std::vector<std::uint32_t> partner_; // the vertex opposite in the triangle that comes with an edge
};

// A sum that is being made, a bit for each triangle; adding one twice takes it away. Its first triangle only ever moves
// on, since what is added begins with it.
class working_sum {
public:
  explicit working_sum(std::size_t triangles) : bits_(triangles / 64 + 1) {}

  void begin() noexcept { at_ = 0; }
  void flip(triangle t) noexcept { bits_[t / 64] ^= std::uint64_t{1} << t % 64; }
  // False if it is empty.
  bool first(triangle& out) noexcept {
    while (at_ < bits_.size() && bits_[at_] == 0)
      ++at_;
    if (at_ == bits_.size())
      return false;
    out = triangle(at_ * 64) + triangle(std::countr_zero(bits_[at_]));
    return true;
  }
  // What it has, which leaves it empty.
  column take() {
    column out;
    for (triangle t; first(t); flip(t))
      out.push_back(t);
    return out;
  }

private:
  std::vector<std::uint64_t> bits_;
  std::size_t at_ = 0; // before it all bits are 0
};

} // namespace

std::vector<bar> rips_holes(const matrix& distances) {
  const filtration all(distances);
  const auto in_tree = all.spanning_tree();
  std::unordered_map<triangle, column> reduced; // by their first triangle; without those that a partner has
  std::vector<bar> bars;
  working_sum sum(all.triangles());
  const auto flip = [&sum](triangle t) { sum.flip(t); };
  for (auto rank = all.edges(); rank-- > 0;) {
    if (in_tree[rank] || all.has_partner(rank))
      continue;
    sum.begin();
    all.coboundary(rank, flip);
    for (triangle first; sum.first(first);) {
      if (all.is_partner(first)) {
        all.coboundary(all.partner_of(first), flip);
      } else if (const auto same = reduced.find(first); same != reduced.end()) {
        std::for_each(same->second.begin(), same->second.end(), flip);
      } else {
        const bar found{all.at(rank).length, all.length(first)};
        if (found.length() > 0)
          bars.push_back(found);
        reduced.emplace(first, sum.take());
      }
    }
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
