#include "actors/oversight/physics/random.hpp"
#include "actors/oversight/physics/rips.hpp"
#include "actors/oversight/physics/tcbo.hpp"

#include <Eigen/Geometry>
#include <gtest/gtest.h>

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
