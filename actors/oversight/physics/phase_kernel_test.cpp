// The oscillators' inner loops: exact enough, and the same to the bit whatever instructions the processor has.
#include "actors/oversight/physics/oscillators.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <limits>

namespace mycelium::oversight {
namespace {

using array = std::vector<double>;

// Angles of every size, the multiples of pi / 2 among them, where sines and cosines cross 0.
array angles() {
  array out;
  for (int i = -2000; i <= 2000; ++i)
    for (const double step : {tau / 4, 0.1, 1e-3, 522.9})
      out.push_back(i * step);
  for (double tiny = 1; tiny > 1e-300; tiny /= 7)
    out.insert(out.end(), {tiny, -tiny, tau - tiny, tau / 2 + tiny});
  random_source random(1);
  while (out.size() % phase_padding != 0 || out.size() < 60000)
    out.push_back((random.uniform() - 0.5) * 2 * farthest_phase);
  return out;
}

array uniforms(std::uint64_t seed, std::size_t count) {
  random_source random(seed);
  array out(count);
  for (auto& each : out)
    each = random.uniform();
  return out;
}

bool same(const array& a, const array& b) { return std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0; }

TEST(phase_kernel, sines_and_cosines_are_those_of_the_angle) {
  const auto angle = angles();
  array sine(angle.size());
  array cosine(angle.size());
  best_phase_kernel().sincos(angle.data(), sine.data(), cosine.data(), angle.size());
  for (std::size_t i = 0; i < angle.size(); ++i) {
    const double s = double(std::sin(static_cast<long double>(angle[i])));
    const double c = double(std::cos(static_cast<long double>(angle[i])));
    ASSERT_LE(std::abs(sine[i] - s), 3e-16 * std::abs(s)) << angle[i];
    ASSERT_LE(std::abs(cosine[i] - c), 3e-16 * std::abs(c)) << angle[i];
  }
}

TEST(phase_kernel, normals_are_those_of_the_source) {
  constexpr std::size_t count = 65536;
  random_source random(42);
  array first(count);
  array second(count);
  for (std::size_t i = 0; i < count; ++i) {
    first[i] = random.uniform();
    second[i] = random.uniform();
  }
  array found(count);
  best_phase_kernel().normals(first.data(), second.data(), 1, found.data(), count);
  random_source again(42);
  for (const double each : found) {
    const double golden = again.normal();
    ASSERT_LE(std::abs(each - golden), 1e-14 * std::max(std::abs(golden), 1e-2));
  }
}

TEST(phase_kernel, normals_at_the_ends_of_the_range_are_finite) {
  array first(phase_padding, std::nextafter(1.0, 0.0));
  first[0] = 0;
  first[1] = 0x1p-53;
  first[2] = 0.5;
  const array second(phase_padding, 0.0);
  array found(phase_padding);
  best_phase_kernel().normals(first.data(), second.data(), 1, found.data(), phase_padding);
  for (std::size_t i = 0; i < phase_padding; ++i)
    ASSERT_NEAR(found[i], std::sqrt(-2 * std::log(std::max(first[i], 1e-300))), 1e-13) << first[i];
}

TEST(phase_kernel, exponentials_are_those_of_the_number) {
  random_source random(6);
  array x(65536);
  for (auto& each : x)
    each = (random.uniform() - 0.5) * (random.uniform() < 0.5 ? 8 : 1400);
  x[0] = 0;
  array found(x.size());
  best_phase_kernel().exponential(x.data(), found.data(), x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double golden = double(std::exp(static_cast<long double>(x[i])));
    ASSERT_LE(std::abs(found[i] - golden), 4e-16 * golden) << x[i];
  }
  EXPECT_EQ(found[0], 1);
}

TEST(phase_kernel, all_agree_to_the_bit) {
  const auto kernels = phase_kernels();
  ASSERT_GE(kernels.size(), 1u);
  const auto& plain = *kernels.front();
  const auto angle = angles();
  const auto first = uniforms(2, angle.size());
  const auto second = uniforms(3, angle.size());
  const auto results = [&](const phase_kernel& kernel) {
    std::array<array, 4> out;
    out.fill(array(angle.size()));
    kernel.sincos(angle.data(), out[0].data(), out[1].data(), angle.size());
    kernel.normals(first.data(), second.data(), 0.3, out[2].data(), angle.size());
    kernel.exponential(out[2].data(), out[3].data(), angle.size());
    return out;
  };
  const auto golden = results(plain);
  for (const auto* kernel : kernels) {
    const auto found = results(*kernel);
    for (std::size_t i = 0; i < found.size(); ++i)
      EXPECT_TRUE(same(found[i], golden[i])) << kernel->name << " " << i;
    for (std::size_t n = 0; n < 100; ++n)
      ASSERT_EQ(kernel->order(golden[0].data(), golden[1].data(), n + 1),
                plain.order(golden[0].data(), golden[1].data(), n + 1))
          << kernel->name;
  }
}

// Any number of oscillators, near and far, with noise and without.
network random_network(random_source& random, int n) {
  network out{vector::Zero(n), matrix::Zero(n, n)};
  for (int i = 0; i < n; ++i) {
    out.omega[i] = 100 * random.normal();
    for (int j = 0; j < i; ++j)
      out.k(i, j) = out.k(j, i) = random.normal();
  }
  return out;
}

TEST(phase_kernel, all_run_the_same_oscillators_alike) {
  for (const int n : {2, 3, 15, 16, 17, 33, 64}) {
    random_source seed{std::uint64_t(n)};
    const auto net = random_network(seed, n);
    array begin(static_cast<std::size_t>(n));
    for (auto& each : begin)
      each = 10 * seed.normal();
    begin[0] = 1e9;
    std::vector<array> ends;
    for (const auto* kernel : phase_kernels()) {
      oscillators all(net, *kernel);
      random_source random(5);
      all.place(begin);
      for (int i = 0; i < 200; ++i)
        all.step(0.1, 0.01, i % 3 == 0 ? 0 : 0.02, random);
      ends.emplace_back(all.theta().begin(), all.theta().end());
      ends.back().push_back(all.order());
    }
    for (const auto& each : ends)
      EXPECT_TRUE(same(each, ends.front())) << n;
  }
}

// One step, written down as the formula has it.
TEST(phase_kernel, a_step_is_that_of_the_formula) {
  for (const int n : {2, 5, 16, 40}) {
    random_source seed(std::uint64_t(100 + n));
    const auto net = random_network(seed, n);
    for (const double reach : {1.0, 1e4, 1e12}) {
      array theta(static_cast<std::size_t>(n));
      for (auto& each : theta)
        each = reach * seed.normal();
      oscillators all(net);
      random_source random(9);
      random_source same_random(9);
      all.place(theta);
      all.step(0.3, 0.001, 0.05, random);
      for (int i = 0; i < n; ++i) {
        const auto at = std::size_t(i);
        double velocity = net.omega[i] + 0.3 * std::cos(theta[at]);
        for (int j = 0; j < n; ++j)
          velocity += net.k(i, j) * std::sin(theta[std::size_t(j)] - theta[at]);
        // The difference of two far phases has lost digits that they still have alone.
        ASSERT_NEAR(all.velocity()[at], velocity, 1e-11 * std::max(reach, 1.0)) << reach;
        const double next = turned(theta[at] + all.velocity()[at] * 0.001 + 0.05 * same_random.normal());
        ASSERT_NEAR(std::remainder(all.theta()[at] - next, tau), 0, 1e-12);
      }
    }
  }
}

TEST(phase_kernel, phases_that_are_flung_far_come_back_into_the_turn) {
  network net{vector::Constant(2, 1e12), matrix::Zero(2, 2)};
  net.omega[1] = -1e12;
  oscillators all(net);
  random_source random(1);
  for (int i = 0; i < 100; ++i) {
    all.step(0, 0.01, 0, random);
    for (const double each : all.theta()) {
      ASSERT_GE(each, 0);
      ASSERT_LT(each, tau);
    }
  }
}

TEST(phase_kernel, standing_still_takes_the_random_numbers_too) {
  oscillators all{network{}};
  random_source one(3);
  random_source two(3);
  all.step(0.1, 0.01, 0, one);
  for (int i = 0; i < 2 * standard_size; ++i)
    two.next();
  EXPECT_EQ(one.next(), two.next());
}

} // namespace
} // namespace mycelium::oversight
