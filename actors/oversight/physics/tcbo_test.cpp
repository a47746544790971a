#include "actors/oversight/physics/random.hpp"
#include "actors/oversight/physics/rips.hpp"
#include "actors/oversight/physics/tcbo.hpp"

#include <Eigen/Geometry>
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <set>

namespace mycelium::oversight {
namespace {

matrix circle(int points, double radius) {
  matrix out(points, 2);
  for (int i = 0; i < points; ++i)
    out.row(i) << radius * std::cos(tau * i / points), radius * std::sin(tau * i / points);
  return out;
}

std::vector<bar> holes(const matrix& points) { return rips_holes(distances_between(points)); }

TEST(rips, a_square_has_one_hole_from_its_side_to_its_diagonal) {
  matrix square(4, 2);
  square << 0, 0, 1, 0, 1, 1, 0, 1;
  const auto found = holes(square);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_DOUBLE_EQ(found[0].birth, 1);
  EXPECT_DOUBLE_EQ(found[0].death, std::sqrt(2));
}

TEST(rips, a_triangle_and_a_line_have_none) {
  matrix triangle(3, 2);
  triangle << 0, 0, 1, 0, 0, 2;
  EXPECT_TRUE(holes(triangle).empty());
  matrix line(10, 1);
  for (int i = 0; i < 10; ++i)
    line(i, 0) = i * i;
  EXPECT_TRUE(holes(line).empty());
}

// A regular n-gon's hole is born at its side and filled when three vertices a third of the way apart are joined.
TEST(rips, a_circle_has_one_hole_of_known_length) {
  for (const double radius : {0.1, 1.0, 25.0})
    for (const int points : {6, 9, 24, 48}) {
      const auto found = holes(circle(points, radius));
      ASSERT_EQ(found.size(), 1u) << points;
      EXPECT_NEAR(found[0].birth, 2 * radius * std::sin(tau / 2 / points), 1e-12 * radius);
      EXPECT_NEAR(found[0].death, std::sqrt(3) * radius, 1e-12 * radius);
    }
}

TEST(rips, two_circles_have_two_holes_and_moving_them_changes_nothing) {
  matrix both(48, 2);
  both << circle(24, 1), (circle(24, 2).rowwise() + Eigen::RowVector2d(10, 0));
  const auto found = holes(both);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_NEAR(found[0].death, 2 * std::sqrt(3), 1e-12);
  EXPECT_NEAR(found[1].death, std::sqrt(3), 1e-12);
  const Eigen::Rotation2Dd turn(0.7);
  const matrix turned = (both * turn.toRotationMatrix().transpose()).rowwise() + Eigen::RowVector2d(3, -8);
  const auto again = holes(turned);
  ASSERT_GE(again.size(), 2u);
  EXPECT_NEAR(again[0].length(), found[0].length(), 1e-12);
}

TEST(rips, a_torus_has_two_long_holes) {
  matrix torus(144, 4); // flat, in four dimensions: two circles of radius 1
  for (int i = 0; i < 12; ++i)
    for (int j = 0; j < 12; ++j)
      torus.row(12 * i + j) << std::cos(tau * i / 12), std::sin(tau * i / 12), std::cos(tau * j / 12),
          std::sin(tau * j / 12);
  const auto found = holes(torus);
  ASSERT_GE(found.size(), 2u);
  EXPECT_GT(found[1].length(), 1.0);
  EXPECT_NEAR(found[0].length(), found[1].length(), 1e-12);
  for (std::size_t i = 2; i < found.size(); ++i)
    EXPECT_LT(found[i].length(), 0.5);
}

TEST(rips, noise_has_only_short_holes) {
  random_source random(17);
  matrix cloud(60, 3);
  for (auto& each : cloud.reshaped())
    each = random.uniform();
  for (const auto& each : holes(cloud)) {
    ASSERT_GT(each.length(), 0);
    ASSERT_LT(each.length(), 0.3);
  }
}

// By the definition: every simplex up to tetrahedra has a column of the boundary matrix, which is reduced from the
// left.
std::vector<bar> holes_by_definition(const matrix& distances) {
  const int n = int(distances.rows());
  struct simplex {
    double diameter;
    std::vector<int> vertices;
  };
  std::vector<simplex> all;
  for (unsigned set = 1; set < 1u << n; ++set) {
    simplex each{0, {}};
    for (int v = 0; v < n; ++v)
      if ((set >> v & 1) != 0)
        each.vertices.push_back(v);
    if (each.vertices.size() > 3)
      continue;
    for (const int a : each.vertices)
      for (const int b : each.vertices)
        each.diameter = std::max(each.diameter, distances(a, b));
    all.push_back(each);
  }
  std::stable_sort(all.begin(), all.end(), [](const simplex& x, const simplex& y) {
    return x.diameter != y.diameter ? x.diameter < y.diameter : x.vertices.size() < y.vertices.size();
  });
  std::map<std::vector<int>, std::size_t> place;
  for (std::size_t i = 0; i < all.size(); ++i)
    place[all[i].vertices] = i;
  std::map<std::size_t, std::set<std::size_t>> reduced; // by the last simplex of a boundary
  std::vector<bar> bars;
  for (const auto& each : all) {
    std::set<std::size_t> boundary;
    for (std::size_t left = 0; left < each.vertices.size() && each.vertices.size() > 1; ++left) {
      auto face = each.vertices;
      face.erase(face.begin() + std::ptrdiff_t(left));
      boundary.insert(place.at(face));
    }
    while (!boundary.empty() && reduced.count(*boundary.rbegin()) != 0)
      for (const auto i : std::set(reduced[*boundary.rbegin()]))
        if (!boundary.insert(i).second)
          boundary.erase(i);
    if (boundary.empty())
      continue;
    const auto last = *boundary.rbegin();
    if (each.vertices.size() == 3 && each.diameter > all[last].diameter)
      bars.push_back({all[last].diameter, each.diameter});
    reduced[last] = std::move(boundary);
  }
  std::stable_sort(bars.begin(), bars.end(), [](const bar& x, const bar& y) { return x.length() > y.length(); });
  return bars;
}

TEST(rips, any_cloud_has_the_holes_of_the_definition) {
  random_source random(29);
  std::size_t holes_seen = 0;
  for (int round = 0; round < 200; ++round) {
    matrix cloud(3 + round % 9, 2);
    // Some on a grid, whose distances are often equal; some apart from each other.
    for (auto& each : cloud.reshaped())
      each = round % 2 == 0 ? random.uniform() : std::floor(random.uniform() * 4);
    const auto distances = distances_between(cloud);
    const auto found = rips_holes(distances);
    const auto golden = holes_by_definition(distances);
    ASSERT_EQ(found.size(), golden.size()) << round;
    std::multiset<std::pair<double, double>> a;
    std::multiset<std::pair<double, double>> b;
    for (std::size_t i = 0; i < found.size(); ++i) {
      a.emplace(found[i].birth, found[i].death);
      b.emplace(golden[i].birth, golden[i].death);
    }
    ASSERT_EQ(a, b) << round;
    holes_seen += found.size();
  }
  EXPECT_GT(holes_seen, 50u);
}

// The observer's cloud, made as its description says.
TEST(tcbo, its_cloud_is_the_delay_embedding_on_the_circle) {
  for (const int delay : {1, 2}) {
    auto observer = *tcbo_observer::create({.n = 2, .window_size = 20, .embed_dim = 3, .tau_delay = delay});
    random_source random(31);
    std::vector<std::array<double, 2>> samples;
    for (int t = 0; t < 55; ++t) {
      samples.push_back({0.3 * t + 0.2 * random.normal(), 0.5 * t + 0.2 * random.normal()});
      const auto found = *observer.push_and_compute(samples.back());
      if (t < 19)
        continue;
      matrix cloud(20 - 2 * delay, 12);
      for (int row = 0; row < cloud.rows(); ++row)
        for (int d = 0; d < 3; ++d)
          for (int i = 0; i < 2; ++i) {
            const double phase = samples[std::size_t(t - 19 + row + d * delay)][std::size_t(i)];
            cloud(row, 4 * d + 2 * i) = std::cos(phase) / std::sqrt(6);
            cloud(row, 4 * d + 2 * i + 1) = std::sin(phase) / std::sqrt(6);
          }
      const auto golden = holes(cloud);
      const double longest = golden.empty() || golden[0].length() <= .05 ? 0 : golden[0].length();
      ASSERT_NEAR(found.s_h1, longest, 1e-12) << t;
    }
  }
}

TEST(tcbo, a_result_is_kept_until_the_next_push_and_reset_forgets_the_window) {
  auto observer = *tcbo_observer::create({.n = 1, .window_size = 5});
  random_source random(37);
  for (int t = 0; t < 5; ++t)
    ASSERT_TRUE(observer.push(std::vector{tau * random.uniform()}));
  const auto found = observer.compute();
  EXPECT_EQ(observer.compute(true).p_h1, found.p_h1);
  EXPECT_GT(found.p_h1, 0);
  observer.reset();
  EXPECT_EQ(observer.samples(), 0);
  for (int t = 0; t < 4; ++t)
    EXPECT_EQ(observer.push_and_compute(std::vector{1.0 * t}, true)->p_h1, 0);
  EXPECT_GT(observer.push_and_compute(std::vector{4.0})->p_h1, 0);
}

TEST(tcbo, a_rotation_closes_its_loop_and_rest_does_not) {
  auto observer = *tcbo_observer::create();
  tcbo_result found;
  for (int t = 0; t < 50; ++t) {
    EXPECT_EQ(found.p_h1, 0) << "the window is not full";
    found = *observer.push_and_compute(std::vector<double>(16, tau * t / 24));
  }
  EXPECT_NEAR(found.s_h1, std::sqrt(3) - 2 * std::sin(tau / 48), 1e-9);
  EXPECT_TRUE(found.is_conscious);
  observer.reset();
  EXPECT_EQ(observer.compute().p_h1, 0);
  for (int t = 0; t < 50; ++t)
    found = *observer.push_and_compute(std::vector<double>(16, 1.0));
  EXPECT_EQ(found.s_h1, 0);
  EXPECT_FALSE(found.is_conscious);
}

TEST(tcbo, turning_every_oscillator_changes_nothing) {
  auto one = *tcbo_observer::create({.n = 3});
  auto two = *tcbo_observer::create({.n = 3});
  random_source random(23);
  std::vector<double> theta{0, 1, 2};
  for (int t = 0; t < 60; ++t) {
    for (std::size_t i = 0; i < 3; ++i)
      theta[i] += 0.2 + 0.1 * random.normal();
    const auto a = *one.push_and_compute(theta);
    const auto b = *two.push_and_compute(std::vector{theta[0] + 1, theta[1] - 2, theta[2] + 50});
    ASSERT_NEAR(a.s_h1, b.s_h1, 1e-9);
  }
}

TEST(tcbo, windows_that_leave_no_points_are_refused) {
  EXPECT_FALSE(tcbo_observer::create({.window_size = 4}));
  EXPECT_TRUE(tcbo_observer::create({.window_size = 5}));
}

TEST(tcbo_controller, pushes_up_to_its_bound_and_lets_go) {
  auto controller = *tcbo_controller::create();
  double kappa = 0;
  for (int i = 0; i < 10000; ++i)
    kappa = *controller.step(0, .1);
  EXPECT_EQ(kappa, 5);
  for (int i = 0; i < 10000; ++i)
    kappa = *controller.step(1, .1);
  EXPECT_EQ(kappa, 0);
}

} // namespace
} // namespace mycelium::oversight
