#include "actors/oversight/physics/ssgf.hpp"

#include <gtest/gtest.h>

namespace mycelium::oversight {
namespace {

void expect_close(double found, double golden) { EXPECT_LE(std::abs(found - golden), 1e-12 * std::abs(golden)); }

vector random_vector(random_source& random, Eigen::Index size, double scale) {
  vector out(size);
  for (auto& each : out)
    each = scale * (random.uniform() - 0.5);
  return out;
}

TEST(ssgf, begins_at_the_golden_state) {
  const auto engine = *ssgf_engine::create();
  expect_close(engine.z()[0], -.49999999753589008);
  expect_close(engine.z()[1], .12516277981195145);
  expect_close(engine.theta()[0], 5.6373784963976314);
  expect_close(engine.theta()[1], 4.9227487476075682);
  expect_close(engine.w()(0, 1), .47407698511040841);
  expect_close(engine.pairs().lambda[1], .99282093902183011);
  expect_close(engine.pairs().lambda[15], 1.1563650361999533);
}

TEST(ssgf, the_gradient_is_that_of_finite_differences) {
  for (const Eigen::Index n : {3, 5, 9, 16}) {
    random_source random(31 + std::uint64_t(n));
    const auto pairs_count = n * (n - 1) / 2;
    const vector z = random_vector(random, pairs_count, 3);
    const auto reference = laplacian_eigenpairs(weights_of(random_vector(random, pairs_count, 3), n));
    const cost_setting at{reference.v, random_vector(random, n, 6), 0.3, 0.1, 2};
    const auto here = laplacian_eigenpairs(weights_of(z, n));
    const auto total = [&](const vector& where) {
      const auto w = weights_of(where, n);
      return costs_of(w, laplacian_eigenpairs(w, &here.v), at).total();
    };
    const vector exact = cost_gradient(z, weights_of(z, n), here, at);
    for (Eigen::Index k = 0; k < z.size(); ++k) {
      const double h = 1e-5;
      vector up = z;
      vector down = z;
      up[k] += h;
      down[k] -= h;
      ASSERT_NEAR(exact[k], (total(up) - total(down)) / (2 * h), 1e-6 * std::max(1.0, exact.cwiseAbs().maxCoeff()))
          << n << " oscillators, parameter " << k;
    }
  }
}

TEST(ssgf, weights_stay_symmetric_eigenvalues_ordered_and_order_between_0_and_1) {
  auto engine = *ssgf_engine::create({.lr_z = 0.5, .noise_amp = 1, .seed = 4});
  for (int i = 0; i < 200; ++i) {
    const auto step = engine.outer_step();
    const auto& lambda = engine.pairs().lambda;
    ASSERT_GE(step.r_global, 0);
    ASSERT_LE(step.r_global, 1);
    ASSERT_TRUE(std::isfinite(step.u_total));
    ASSERT_EQ(engine.w(), engine.w().transpose());
    ASSERT_EQ(engine.w().diagonal(), vector::Zero(16));
    ASSERT_GT((engine.w() + matrix::Identity(16, 16)).minCoeff(), 0);
    ASSERT_TRUE(std::is_sorted(lambda.begin(), lambda.end()));
    ASSERT_NEAR(lambda[0], 0, 1e-12);
    ASSERT_LE(lambda[15], 2 + 1e-12);
  }
}

TEST(ssgf, any_learning_rate_and_noise_leave_it_finite) {
  for (const double lr : {1e3, 1e12, 1e300})
    for (const double noise : {0.0, 1e300}) {
      auto engine = *ssgf_engine::create({.lr_z = lr, .noise_amp = noise, .seed = 5});
      for (int i = 0; i < 50; ++i) {
        const auto step = engine.outer_step();
        ASSERT_TRUE(std::isfinite(step.u_total)) << lr << " " << noise << " " << i;
        ASSERT_TRUE(engine.z().allFinite());
        ASSERT_TRUE(engine.theta().allFinite());
        ASSERT_GT((engine.w() + matrix::Identity(16, 16)).minCoeff(), 0);
      }
    }
}

TEST(ssgf, eigenvectors_solve_the_laplacian_and_keep_their_sign) {
  random_source random(8);
  const matrix w = weights_of(random_vector(random, 120, 2), 16);
  const auto pairs = laplacian_eigenpairs(w);
  const vector roots = w.rowwise().sum().array().rsqrt();
  const matrix laplacian = matrix::Identity(16, 16) - matrix(roots.asDiagonal() * w * roots.asDiagonal());
  EXPECT_LT((laplacian * pairs.v - pairs.v * pairs.lambda.asDiagonal()).norm(), 1e-12);
  const matrix flipped = -pairs.v;
  EXPECT_EQ(laplacian_eigenpairs(w, &flipped).v, flipped);
}

TEST(ssgf, a_still_setting_costs_less_and_less) {
  random_source random(12);
  vector z = random_vector(random, 120, 2);
  const cost_setting at{laplacian_eigenpairs(standard_coupling()).v, random_vector(random, 16, 6), 0.3, 0.8, 1};
  auto pairs = laplacian_eigenpairs(weights_of(z, 16));
  double before = costs_of(weights_of(z, 16), pairs, at).total();
  for (int i = 0; i < 100; ++i) {
    z -= 0.01 * cost_gradient(z, weights_of(z, 16), pairs, at);
    pairs = laplacian_eigenpairs(weights_of(z, 16), &pairs.v);
    const double now = costs_of(weights_of(z, 16), pairs, at).total();
    ASSERT_LT(now, before) << "step " << i;
    before = now;
  }
}

TEST(ssgf, the_same_seed_gives_the_same_run) {
  auto one = *ssgf_engine::create({.seed = 5});
  auto two = *ssgf_engine::create({.seed = 5});
  auto other = *ssgf_engine::create({.seed = 6});
  one.run(30);
  two.run(30);
  other.run(30);
  EXPECT_EQ(one.z(), two.z());
  EXPECT_EQ(one.theta(), two.theta());
  EXPECT_NE(one.z(), other.z());
  EXPECT_EQ(one.step_count(), 30u);
}

TEST(ssgf, the_log_is_bounded) {
  auto engine = *ssgf_engine::create({.n_micro = 1});
  engine.run(ssgf_engine::log_size + 10);
  EXPECT_EQ(engine.log().size(), ssgf_engine::log_size);
  EXPECT_EQ(engine.log().front().step, 11u);
}

TEST(ssgf, a_known_loop_costs_less_than_an_unknown_one) {
  auto without = *ssgf_engine::create();
  auto with = *ssgf_engine::create();
  ASSERT_TRUE(with.set_tcbo_p_h1(.9));
  EXPECT_FALSE(with.set_tcbo_p_h1(1.1));
  const auto a = without.outer_step();
  const auto b = with.outer_step();
  EXPECT_DOUBLE_EQ(a.costs.c4, .72 * .72);
  EXPECT_EQ(b.costs.c4, 0);
  EXPECT_LT(b.u_total, a.u_total);
}

TEST(ssgf, sounds_lie_in_their_ranges) {
  auto engine = *ssgf_engine::create({.noise_amp = 5});
  for (int i = 0; i < 100; ++i) {
    engine.outer_step();
    const auto sound = engine.audio();
    ASSERT_GE(sound.beat_hz, .5);
    ASSERT_LE(sound.beat_hz, 40);
    ASSERT_GE(sound.pulse_hz, 1);
    ASSERT_LE(sound.pulse_hz, 20);
    ASSERT_GE(sound.spectral_gap, 0);
    ASSERT_EQ(sound.brainwave_band == std::string("gamma"), sound.beat_hz >= 30);
  }
}

} // namespace
} // namespace mycelium::oversight
