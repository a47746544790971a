// PGBO engine and L16 controller against their golden figures, and their rules on any input.
#include "actors/oversight/physics/l16.hpp"
#include "actors/oversight/physics/pgbo.hpp"
#include "actors/oversight/physics/phases_testing.hpp"

#include <gtest/gtest.h>

#include <numeric>

namespace mycelium::oversight {
namespace {

using namespace testing;

TEST(pgbo, has_the_golden_values) {
  auto engine = *pgbo_engine::create({.n = 4});
  EXPECT_EQ(engine.compute(std::vector{.1, .2, .3, .4}, .01)->u_norm, 0);
  const auto found = *engine.compute(std::vector{.5, .1, .7, .2}, .01);
  expect_close(found.u_mu[0], 5.6475139225535802);
  expect_close(found.u_mu[1], -1.4118784806383888);
  expect_close(found.u_mu[2], 5.6475139225535802);
  expect_close(found.u_mu[3], -2.8237569612767777);
  expect_close(found.u_norm, 8.5881215193616054);
  expect_close(found.h_frob, 22.126749369396563);
}

TEST(pgbo, velocity_stays_below_its_cap_and_the_tensor_symmetric) {
  auto engine = *pgbo_engine::create({.traceless = true});
  random_source random(11);
  for (int i = 0; i < 500; ++i) {
    const auto found = *engine.compute(random_phases(random), 1e-6);
    ASSERT_LT(found.u_norm, 10.0);
    ASSERT_EQ(found.h_munu, found.h_munu.transpose());
    ASSERT_NEAR(found.h_trace, 0, 1e-12);
  }
}

TEST(pgbo, velocity_stays_below_its_cap_however_short_the_time) {
  for (const double dt : {1e-12, 1e-100, 1e-307}) {
    auto engine = *pgbo_engine::create();
    random_source random(43);
    for (int i = 0; i < 20; ++i) {
      const auto found = *engine.compute(random_phases(random), dt);
      ASSERT_LT(found.u_norm, 10.0) << dt;
      ASSERT_TRUE(found.h_munu.allFinite());
    }
  }
  auto engine = *pgbo_engine::create({.n = 2});
  ASSERT_TRUE(engine.compute(std::vector{0.0, 0.0}, 5e-324));
  EXPECT_FALSE(engine.compute(std::vector{1.0, 0.0}, 5e-324)); // a velocity that is no number
}

TEST(pgbo, the_boundary_pulls_from_the_first_call_and_reset_forgets) {
  auto engine = *pgbo_engine::create({.n = 2});
  ASSERT_TRUE(engine.set_boundary_potential(std::vector{1.0, 0.0}));
  const auto first = *engine.compute(std::vector{0.0, 0.0}, .01);
  EXPECT_LT(first.u_mu[0], 0);
  ASSERT_TRUE(engine.compute(std::vector{1.0, 1.0}, .01));
  engine.reset();
  EXPECT_EQ(engine.compute(std::vector{2.0, 2.0}, .01)->u_mu, first.u_mu);
}

TEST(l16, a_cost_raises_its_weight_within_bounds) {
  auto controller = *l16_controller::create();
  const auto theta = ramp();
  l16_input in{.r_global = .5, .c7 = 2, .dt = .1};
  const auto first = *controller.step(theta, in);
  expect_close(first.lambda7, .3 * 2 + .03 * .2);
  EXPECT_EQ(first.lambda8, 0.01);
  for (int i = 0; i < 1000; ++i) {
    in.c7 = 100;
    const auto found = *controller.step(theta, in);
    ASSERT_LE(found.lambda7, 10);
  }
}

TEST(l16, an_error_that_keeps_rising_is_refused) {
  auto controller = *l16_controller::create();
  l16_output found;
  for (int i = 0; i <= 5; ++i) {
    found = *controller.step(ramp(), {.r_global = .9 - .1 * i, .plv = .7, .dt = .1});
    EXPECT_EQ(found.refusal, i == 5);
  }
  EXPECT_EQ(found.lr_z_scale, .5);
  EXPECT_EQ(found.tau_d_scale, 1.5);
  EXPECT_FALSE(found.lyapunov_stable);
  EXPECT_NEAR(found.dh_rec_dt, 1, 1e-12);
  EXPECT_TRUE(found.gate_open);
  found = *controller.step(ramp(), {.r_global = .9, .dt = .1});
  EXPECT_FALSE(found.refusal);
  EXPECT_EQ(found.lr_z_scale, 1);
}

// Any inputs: every output as its rule has it.
TEST(l16, any_inputs_give_what_the_rules_say) {
  random_source random(47);
  for (int round = 0; round < 30; ++round) {
    auto controller = *l16_controller::create({.n = 3, .plv_window = 4, .h_rec_window = 3});
    std::vector<double> plv;
    std::vector<double> h;
    double i7 = 0;
    double i_nu = 0;
    for (int step = 0; step < 60; ++step) {
      const l16_input in{.r_global = random.uniform(),
                         .plv = random.uniform(),
                         .c7 = 20 * random.normal(),
                         .c8 = random.normal(),
                         .c10 = random.uniform(),
                         .p_h1 = random.uniform(),
                         .h_frob = 30 * random.uniform(),
                         .dt = .01 + 5 * random.uniform()};
      const auto found = *controller.step(random_phases(random, 3), in);
      i7 = std::clamp(i7 + in.c7 * in.dt, -10.0, 10.0);
      i_nu = std::clamp(i_nu + (.5 - in.r_global) * in.dt, -10.0, 10.0);
      ASSERT_DOUBLE_EQ(found.lambda7, std::clamp(.3 * in.c7 + .03 * i7, .01, 10.0));
      ASSERT_DOUBLE_EQ(found.nu_star, std::clamp(.5 * (.5 - in.r_global) + .05 * i_nu, .01, 10.0));
      for (const double each : {found.lambda8, found.lambda10})
        ASSERT_TRUE(each >= .01 && each <= 10);

      plv.push_back(in.plv);
      const auto counted = std::min<std::size_t>(plv.size(), 4);
      const double mean = std::accumulate(plv.end() - std::ptrdiff_t(counted), plv.end(), 0.0) / double(counted);
      ASSERT_DOUBLE_EQ(found.avg_plv, mean);
      ASSERT_EQ(found.gate_open, found.avg_plv > .6);

      h.push_back(1 - in.r_global + std::max(.72 - in.p_h1, 0.0));
      ASSERT_DOUBLE_EQ(found.h_rec, h.back());
      const auto last = std::vector(h.end() - std::ptrdiff_t(std::min<std::size_t>(h.size(), 4)), h.end());
      const bool rises = last.size() == 4 && last[0] < last[1] && last[1] < last[2] && last[2] < last[3];
      ASSERT_EQ(found.refusal, rises);
      ASSERT_EQ(found.lr_z_scale, rises ? .5 : 1);
      ASSERT_EQ(found.tau_d_scale, rises ? 1.5 : 1);
      // Least squares by the normal equations.
      double sx = 0, sy = 0, sxx = 0, sxy = 0;
      for (std::size_t x = 0; x < last.size(); ++x) {
        sx += double(x);
        sy += last[x];
        sxx += double(x) * double(x);
        sxy += double(x) * last[x];
      }
      const auto count = double(last.size());
      const double slope = last.size() < 2 ? 0 : (count * sxy - sx * sy) / (count * sxx - sx * sx);
      ASSERT_NEAR(found.dh_rec_dt, slope / in.dt, 1e-9);
      ASSERT_EQ(found.lyapunov_stable, found.dh_rec_dt <= 0);
    }
  }
}

TEST(l16, the_costs_are_held_at_zero_and_the_order_at_one_half) {
  auto controller = *l16_controller::create();
  const auto too_ordered = *controller.step(ramp(), {.r_global = .9, .dt = .1});
  EXPECT_EQ(too_ordered.nu_star, .01);
  controller.reset();
  const auto too_loose = *controller.step(ramp(), {.r_global = .1, .dt = .1});
  expect_close(too_loose.nu_star, .5 * .4 + .05 * .04);
}

TEST(l16, the_full_error_is_zero_only_on_the_reference) {
  auto controller = *l16_controller::create({.n = 2});
  const matrix v = matrix::Identity(2, 2);
  const matrix phi = matrix::Zero(2, 2);
  const std::vector<double> theta{1.0, 1.0};
  const l16_input in{.r_global = 1, .p_h1 = 1};
  EXPECT_EQ(controller.step(theta, in, {&v, &v})->h_rec, 0);
  EXPECT_NEAR(controller.step(theta, in, {&v, &phi})->h_rec, 2, 1e-15);
}

} // namespace
} // namespace mycelium::oversight
