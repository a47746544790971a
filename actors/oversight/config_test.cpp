#include "actors/oversight/config.hpp"
#include "actors/oversight/number_text.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace mycelium::oversight {
namespace {

template <class Change>
std::string complaint(Change change) {
  backfire_config c;
  change(c);
  const auto right = c.check();
  return right ? "" : right.error().text;
}

TEST(config, defaults_are_right) {
  EXPECT_TRUE(backfire_config{}.check());
  EXPECT_TRUE(stream_options{}.check());
}

TEST(config, complaints_name_field_rule_and_value) {
  EXPECT_EQ(complaint([](auto& c) { c.hard_limit = 1.5; }), "config error: hard_limit must be in [0, 1], is 1.5");
  EXPECT_EQ(complaint([](auto& c) { c.soft_limit = .4; }),
            "config error: soft_limit must be >= hard_limit (0.5), is 0.4");
  EXPECT_EQ(complaint([](auto& c) { c.w_logic = .7; }), "config error: w_logic + w_fact must be 1 within 1e-9, is 1.1");
  EXPECT_EQ(complaint([](auto& c) { c.window_size = 0; }), "config error: window_size must be in [1, 65536], is 0");
  EXPECT_EQ(complaint([](auto& c) { c.trend_window = 1; }), "config error: trend_window must be in [2, 65536], is 1");
  EXPECT_EQ(complaint([](auto& c) { c.deadline_ms = 0; }), "config error: deadline_ms must be finite and > 0, is 0");
}

TEST(config, the_first_wrong_field_in_the_order_of_the_table_is_named) {
  EXPECT_NE(complaint([](auto& c) {
              c.deadline_ms = -1;
              c.window_threshold = 2;
              c.coherence_threshold = -1;
            }).find("coherence_threshold"),
            std::string::npos);
}

TEST(config, what_is_not_finite_is_refused_in_every_field) {
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()})
    for (const auto field :
         {&backfire_config::coherence_threshold, &backfire_config::hard_limit, &backfire_config::soft_limit,
          &backfire_config::w_logic, &backfire_config::w_fact, &backfire_config::window_threshold,
          &backfire_config::trend_threshold, &backfire_config::deadline_ms, &backfire_config::logit_entropy_limit})
      EXPECT_NE(complaint([&](auto& c) { c.*field = bad; }), "");
}

TEST(number_text, is_fixed_and_short) {
  EXPECT_EQ(four_decimals(.16), "0.1600");
  EXPECT_EQ(shortest(1), "1");
  EXPECT_EQ(shortest(.15), "0.15");
  EXPECT_EQ(shortest(.00001), "0.00001");
  EXPECT_EQ(shortest(1e22), "10000000000000000000000");
}

} // namespace
} // namespace mycelium::oversight
