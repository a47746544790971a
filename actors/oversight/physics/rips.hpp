// Holes of a point cloud: the first persistent homology (over Z/2) of its Vietoris-Rips filtration.
#pragma once

#include "actors/oversight/physics/phases.hpp"

#include <vector>

namespace mycelium::oversight {

struct bar {
  double birth = 0; // distance at which a hole appears, and at which triangles have filled it
  double death = 0;

  double length() const noexcept { return death - birth; }
};

// The bars of positive length, longest first, of a symmetric matrix of distances. At most 256 points.
std::vector<bar> rips_holes(const matrix& distances);
matrix distances_between(const matrix& points); // one point a row

} // namespace mycelium::oversight
