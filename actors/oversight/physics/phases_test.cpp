// The oscillators' engines against the golden figures, and what holds for every state.
#include "actors/oversight/physics/l16.hpp"
#include "actors/oversight/physics/pgbo.hpp"
#include "actors/oversight/physics/sec.hpp"
#include "actors/oversight/physics/upde.hpp"

#include <gtest/gtest.h>

#include <iomanip>
#include <limits>
#include <numeric>

namespace mycelium::oversight {
namespace {

void expect_close(double found, double golden, double relative = 1e-12) {
  EXPECT_LE(std::abs(found - golden), relative * std::abs(golden)) << std::setprecision(17) << found << " " << golden;
}

std::vector<double> ramp(double step = 0.4) {
  std::vector<double> theta;
  for (int i = 0; i < standard_size; ++i)
    theta.push_back(step * i);
  return theta;
}

std::vector<double> random_phases(random_source& random, int n = standard_size) {
  std::vector<double> theta(static_cast<std::size_t>(n));
  for (auto& each : theta)
    each = tau * random.uniform();
  return theta;
}

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

TEST(sec, has_the_golden_values) {
  const auto sec = *sec_functional::create();
  expect_close(sec.largest(), 60.725867398811587);
  expect_close(sec.critical_coupling(), 96.980045887269753);
  const auto found = *sec.evaluate(ramp());
  expect_close(found.v, 19.680136668532857);
  expect_close(found.coherence_score, .67591839340415905);
  expect_close(found.v_coupling, 19.680134684382448);
  // ln 16 - S cancels to 2e-4: what is left of its digits.
  expect_close(found.v_entropy, 1.9841504098083718e-6, 1e-9);
}

TEST(sec, the_natural_advance_costs_nothing_however_many_turns_it_makes) {
  const auto sec = *sec_functional::create();
  auto now = ramp();
  for (int i = 0; i < standard_size; ++i)
    now[std::size_t(i)] = turned(now[std::size_t(i)] + standard_omega()[i] * 0.05);
  EXPECT_NEAR(sec.evaluate(now, ramp(), 0.05)->v_frequency, 0, 1e-18);
}

TEST(sec, turning_all_phases_changes_no_coupling_energy) {
  const auto sec = *sec_functional::create();
  random_source random(5);
  for (int round = 0; round < 100; ++round) {
    auto theta = random_phases(random);
    const auto before = *sec.evaluate(theta);
    const double turn = tau * random.uniform();
    for (auto& each : theta)
      each += turn;
    const auto after = *sec.evaluate(theta);
    ASSERT_NEAR(before.v_coupling, after.v_coupling, 1e-11);
    ASSERT_NEAR(before.r_global, after.r_global, 1e-13);
    ASSERT_GE(before.coherence_score, 0);
    ASSERT_LE(before.coherence_score, 1);
  }
}

// V as the formula has it, for any network and with phases any number of turns away.
TEST(sec, any_phases_have_the_energy_of_the_formula) {
  random_source random(13);
  for (const int n : {2, 7, 16, 20, 33}) {
    network net{vector::Zero(n), matrix::Zero(n, n)};
    for (int i = 0; i < n; ++i) {
      net.omega[i] = 10 * random.normal();
      for (int j = 0; j < i; ++j)
        net.k(i, j) = net.k(j, i) = random.uniform();
    }
    const auto sec = *sec_functional::create(.3, .7, net);
    for (const double reach : {1.0, 1e3, 1e9}) {
      std::vector<double> now;
      std::vector<double> before;
      for (int i = 0; i < n; ++i) {
        now.push_back(reach * random.normal());
        before.push_back(now.back() - .2 * random.uniform());
      }
      double coupling = 0;
      double frequency = 0;
      for (int i = 0; i < n; ++i) {
        const double seen = now[std::size_t(i)] - before[std::size_t(i)];
        const double advance = seen - tau * std::round((seen - net.omega[i] * .05) / tau);
        frequency += .3 * std::pow(advance / .05 - net.omega[i], 2);
        for (int j = 0; j < n; ++j)
          coupling += net.k(i, j) * (1 - std::cos(now[std::size_t(i)] - now[std::size_t(j)]));
      }
      const int points = std::max(n, 16);
      std::vector<double> density;
      for (int k = 0; k < points; ++k) {
        density.push_back(0);
        for (const double each : now)
          density.back() += std::exp(2 * std::cos(tau * k / points - each));
      }
      double sum = 0;
      for (const double each : density)
        sum += each;
      double entropy = std::log(points);
      for (const double each : density)
        entropy += each / sum * std::log(each / sum);
      const auto found = *sec.evaluate(now, before, .05);
      ASSERT_NEAR(found.v_coupling, coupling, 1e-12 * reach + 1e-12 * coupling);
      ASSERT_NEAR(found.v_frequency, frequency, 1e-12 * frequency);
      ASSERT_NEAR(found.v_entropy, .7 * entropy, 1e-13 * reach + 1e-13);
      ASSERT_NEAR(found.v, found.v_coupling + found.v_frequency + found.v_entropy, 1e-12 * found.v);
      ASSERT_GE(found.coherence_score, 0);
      ASSERT_LE(found.coherence_score, 1);
      const auto earlier = *sec.evaluate(before);
      ASSERT_NEAR(found.dv_dt, (found.v_coupling + found.v_entropy - earlier.v_coupling - earlier.v_entropy) / .05,
                  1e-10 * reach);
    }
  }
}

TEST(sec, agreement_is_full_coherence_of_the_coupling) {
  const auto found = *(*sec_functional::create()).evaluate(std::vector<double>(standard_size, 1.0));
  EXPECT_EQ(found.v_coupling, 0);
  EXPECT_NEAR(found.r_global, 1, 1e-15);
}

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
