// The energy of phases against its golden figures, and against its formula for any phases.
#include "actors/oversight/physics/phases_testing.hpp"
#include "actors/oversight/physics/sec.hpp"

#include <gtest/gtest.h>

namespace mycelium::oversight {
namespace {

using namespace testing;

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

} // namespace
} // namespace mycelium::oversight
