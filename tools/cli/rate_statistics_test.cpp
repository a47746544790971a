#include "tools/cli/rate_statistics.hpp"

#include <gtest/gtest.h>

namespace mycelium::cli {
namespace {

TEST(spread, of_nothing_is_zero) {
  const spread none;
  EXPECT_EQ(none.count(), 0u);
  EXPECT_EQ(none.mean(), 0);
  EXPECT_EQ(none.deviation(), 0);
  EXPECT_EQ(none.quantile(0.5), 0);
}

TEST(spread, has_mean_extremes_deviation_and_quantiles) {
  spread all;
  for (const double value : {2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0})
    all.add(value);
  EXPECT_EQ(all.count(), 8u);
  EXPECT_DOUBLE_EQ(all.sum(), 40);
  EXPECT_DOUBLE_EQ(all.mean(), 5);
  EXPECT_DOUBLE_EQ(all.deviation(), 2);
  EXPECT_EQ(all.least(), 2);
  EXPECT_EQ(all.most(), 9);
  EXPECT_EQ(all.quantile(0), 2);
  EXPECT_EQ(all.quantile(0.5), 4);
  EXPECT_EQ(all.quantile(0.99), 9);
  EXPECT_EQ(all.quantile(1), 9);
}

TEST(spread, takes_negative_values) {
  spread all;
  all.add(-3);
  all.add(-1);
  EXPECT_EQ(all.least(), -3);
  EXPECT_EQ(all.most(), -1);
  EXPECT_DOUBLE_EQ(all.deviation(), 1);
}

TEST(spread, forgets_old_values_for_quantiles_only) {
  spread all;
  for (int i = 0; i < 1'000'001; ++i)
    all.add(i == 0 ? -1 : 1);
  EXPECT_EQ(all.quantile(0), 1);
  EXPECT_EQ(all.least(), -1);
  EXPECT_EQ(all.count(), 1'000'001u);
}

TEST(flow, the_first_message_has_no_interval) {
  flow all;
  all.add(0, false, 10, 0.001);
  all.add(0.5, true, 30, 0.003);
  EXPECT_EQ(all.intervals_s.count(), 1u);
  EXPECT_DOUBLE_EQ(all.intervals_s.mean(), 0.5);
  EXPECT_DOUBLE_EQ(all.bytes.mean(), 20);
  EXPECT_DOUBLE_EQ(all.delays_s.most(), 0.003);
}

} // namespace
} // namespace mycelium::cli
