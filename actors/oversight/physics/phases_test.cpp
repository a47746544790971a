// Random numbers, network and UPDE stepper against the golden figures, and what holds for every state.
#include "actors/oversight/physics/phases_testing.hpp"
#include "actors/oversight/physics/upde.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace mycelium::oversight {
namespace {

using namespace testing;

TEST(random, is_bit_exact) {
  random_source raw(42);
  EXPECT_EQ(raw.next(), 45454805674u);
  EXPECT_EQ(raw.next(), 11532217803599905471u);
  EXPECT_EQ(raw.next(), 10021416941527320954u);
  random_source normal(42);
  EXPECT_EQ(normal.normal(), -4.4475711850787309);
  EXPECT_EQ(normal.normal(), 0.60847685322122069);
  EXPECT_EQ(random_source(0).next(), random_source(0xDEADBEEFCAFEBABE).next());
}

TEST(network, has_the_golden_coupling) {
  const auto& k = standard_coupling();
  expect_close(k(0, 2), 0.24696523624231187);
  expect_close(k(0, 14), 0.0067480095692149670);
  expect_close(k.sum(), 30.362933699405794);
  EXPECT_EQ(k, k.transpose());
  EXPECT_TRUE(network{}.check());
}

TEST(network, a_coupling_that_is_none_is_refused) {
  network skew;
  skew.k(0, 1) += 1;
  EXPECT_FALSE(skew.check());
  network narrow;
  narrow.k = matrix::Zero(3, 3);
  EXPECT_FALSE(narrow.check());
}

TEST(phases, turns_and_wraps) {
  EXPECT_EQ(turned(-1e-30), 0.0);
  for (const double angle : {-1e9, -7.0, -0.1, 0.0, 3.0, 6.4, 1e9}) {
    EXPECT_GE(turned(angle), 0);
    EXPECT_LT(turned(angle), tau);
    EXPECT_LE(std::abs(wrapped(angle)), tau / 2);
  }
}

TEST(upde, makes_the_golden_step) {
  auto stepper = *upde_stepper::create({.noise_amplitude = 0});
  auto state = *stepper.create_state(ramp());
  expect_close(state.r_global, 0.018364102549815665, 1e-11); // a sum that cancels
  stepper.step(state);
  expect_close(state.dtheta_dt[0], 2.1027313632843692);
  expect_close(state.dtheta_dt[1], 251.94987264564423);
  expect_close(state.dtheta_dt[15], 0.40107031320541697);
  expect_close(state.r_global, 0.15221232545425517);
  EXPECT_EQ(state.step_count, 1u);
}

TEST(upde, agrees_with_the_sum_over_sines) {
  random_source random(7);
  for (int round = 0; round < 50; ++round) {
    const auto theta = random_phases(random);
    auto stepper = *upde_stepper::create({.field_pressure = 0.3});
    auto state = *stepper.create_state(theta);
    stepper.step(state);
    for (int n = 0; n < standard_size; ++n) {
      double slow = standard_omega()[n] + 0.3 * std::cos(theta[std::size_t(n)]);
      for (int m = 0; m < standard_size; ++m)
        slow += standard_coupling()(n, m) * std::sin(theta[std::size_t(m)] - theta[std::size_t(n)]);
      ASSERT_NEAR(state.dtheta_dt[n], slow, 1e-12);
    }
  }
}

// A hundred noisy steps, each written down as the formula has it.
TEST(upde, a_hundred_steps_agree_with_the_formula) {
  auto stepper = *upde_stepper::create({.seed = 77});
  auto state = *stepper.create_state(ramp());
  random_source random(77);
  std::vector<double> theta = ramp();
  for (int step = 0; step < 100; ++step) {
    auto next = theta;
    for (std::size_t n = 0; n < theta.size(); ++n) {
      double velocity = standard_omega()[Eigen::Index(n)] + 0.1 * std::cos(theta[n]);
      for (std::size_t m = 0; m < theta.size(); ++m)
        velocity += standard_coupling()(Eigen::Index(n), Eigen::Index(m)) * std::sin(theta[m] - theta[n]);
      next[n] = turned(theta[n] + velocity * 0.01 + 0.05 * std::sqrt(0.01) * random.normal());
    }
    theta = next;
    stepper.step(state);
  }
  for (std::size_t n = 0; n < theta.size(); ++n)
    EXPECT_NEAR(std::remainder(state.theta[Eigen::Index(n)] - theta[n], tau), 0, 1e-9);
  EXPECT_NEAR(state.r_global, order_parameter(Eigen::Map<const vector>(theta.data(), standard_size)), 1e-9);
}

TEST(upde, without_a_field_turning_all_phases_changes_no_velocity) {
  random_source random(41);
  for (int round = 0; round < 50; ++round) {
    auto stepper = *upde_stepper::create({.field_pressure = 0, .noise_amplitude = 0});
    const auto theta = random_phases(random);
    auto moved = theta;
    const double turn = tau * random.uniform();
    for (auto& each : moved)
      each += turn;
    auto one = *stepper.create_state(theta);
    auto two = *stepper.create_state(moved);
    stepper.step(one);
    stepper.step(two);
    ASSERT_LE((one.dtheta_dt - two.dtheta_dt).cwiseAbs().maxCoeff(), 1e-12);
    ASSERT_NEAR(one.r_global, two.r_global, 1e-13);
  }
}

TEST(upde, a_step_without_end_is_refused) {
  network fast;
  fast.omega[3] = 1e308;
  EXPECT_FALSE(upde_stepper::create({.dt = 10}, fast));
  EXPECT_FALSE(upde_stepper::create({.dt = 1e300, .noise_amplitude = 1e300}));
  auto stepper = *upde_stepper::create({.dt = 1, .noise_amplitude = 1e300}, fast);
  auto state = stepper.random_state();
  stepper.run(state, 100);
  EXPECT_TRUE(state.theta.allFinite());
  EXPECT_TRUE(std::isfinite(state.r_global));
}

TEST(upde, order_lies_between_0_and_1_and_phases_in_one_turn) {
  auto stepper = *upde_stepper::create({.noise_amplitude = 2, .seed = 3});
  auto state = stepper.random_state();
  for (int i = 0; i < 2000; ++i) {
    stepper.step(state);
    ASSERT_GE(state.r_global, 0);
    ASSERT_LE(state.r_global, 1);
    ASSERT_GE(state.theta.minCoeff(), 0);
    ASSERT_LT(state.theta.maxCoeff(), tau);
  }
}

TEST(upde, the_same_seed_gives_the_same_run_and_a_run_continues) {
  auto one = *upde_stepper::create({.seed = 9});
  auto two = *upde_stepper::create({.seed = 9});
  auto a = one.random_state();
  auto b = two.random_state();
  one.run(a, 100);
  two.run(b, 40);
  two.run(b, 60);
  EXPECT_EQ(a.theta, b.theta);
  EXPECT_EQ(a.step_count, 100u);
  EXPECT_NEAR(a.t, 1.0, 1e-12);
}

TEST(upde, phases_that_are_none_are_refused) {
  const auto stepper = *upde_stepper::create();
  EXPECT_NE(stepper.create_state(std::vector<double>(3)).error().text.find("theta length mismatch"), std::string::npos);
  auto theta = ramp();
  theta[3] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(stepper.create_state(theta).error().text, "input theta contains NaN or Inf");
  EXPECT_FALSE(upde_stepper::create({.dt = 0}));
}

} // namespace
} // namespace mycelium::oversight
