#include "tools/benchmarks/samples.hpp"

#include <gtest/gtest.h>

namespace mycelium::bench {

namespace {

// 1, 2 ... count ticks, the largest first.
samples counted(std::size_t count) {
  samples taken(count);
  for (std::size_t i = count; i > 0; --i) {
    taken.add(1000, 1000 + i);
  }
  return taken;
}

double us(double of_ticks) { return of_ticks * the_clock().ns_per_tick * 1e-3; }

} // namespace

TEST(samples, percentile_is_the_nearest_rank) {
  samples taken = counted(1000);
  EXPECT_DOUBLE_EQ(taken.percentile_us(0.5), us(500));
  EXPECT_DOUBLE_EQ(taken.percentile_us(0.99), us(990));
  EXPECT_DOUBLE_EQ(taken.percentile_us(0.999), us(999));
  EXPECT_DOUBLE_EQ(taken.percentile_us(1.0), us(1000));
}

TEST(samples, one_sample_is_every_percentile) {
  samples taken = counted(1);
  EXPECT_DOUBLE_EQ(taken.percentile_us(0.5), us(1));
  EXPECT_DOUBLE_EQ(taken.percentile_us(0.99), us(1));
}

TEST(samples, time_that_runs_backward_is_counted) {
  samples taken(2);
  taken.add(10, 5);
  taken.add(5, 10);
  EXPECT_EQ(taken.backward(), 1u);
  EXPECT_DOUBLE_EQ(taken.percentile_us(0.5), 0.0);
}

TEST(samples, appended_ones_count) {
  samples taken = counted(10);
  taken.percentile_us(0.5);
  taken.append(counted(20));
  EXPECT_EQ(taken.count(), 30u);
  EXPECT_DOUBLE_EQ(taken.percentile_us(1.0), us(20));
}

TEST(samples, median_of_odd_even_and_none) {
  EXPECT_DOUBLE_EQ(median({3, 1, 2}), 2);
  EXPECT_DOUBLE_EQ(median({4, 1, 2, 3}), 2.5);
  EXPECT_DOUBLE_EQ(median({}), 0);
}

} // namespace mycelium::bench
