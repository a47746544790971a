#include "actors/oversight/config_json.hpp"

#include <gtest/gtest.h>

namespace mycelium::oversight {
namespace {

std::string complaint(std::string_view json) {
  const auto read = read_config(json);
  return read ? "" : read.error().text;
}

TEST(config_json, what_is_missing_takes_its_default) {
  const auto empty = *read_config("{}");
  EXPECT_EQ(write_config(empty), write_config({}));
  const auto some = *read_config(R"( {"hard_limit": 0.25, "window_size": 7, "deadline_ms": 1e2} )");
  EXPECT_EQ(some.hard_limit, .25);
  EXPECT_EQ(some.window_size, 7u);
  EXPECT_EQ(some.deadline_ms, 100);
  EXPECT_EQ(some.soft_limit, .7);
}

TEST(config_json, every_field_is_written_and_reads_back_as_itself) {
  backfire_config c{.coherence_threshold = 1.0 / 3,
                    .hard_limit = .1,
                    .soft_limit = .123456789012345678,
                    .w_logic = .7,
                    .w_fact = .3,
                    .window_size = 65536,
                    .window_threshold = 5e-324,
                    .trend_window = 2,
                    .trend_threshold = 1e300,
                    .history_window = 0,
                    .deadline_ms = .1 + .2,
                    .logit_entropy_limit = 2};
  const auto text = write_config(c);
  const auto again = *read_config(text);
  EXPECT_EQ(again.coherence_threshold, c.coherence_threshold);
  EXPECT_EQ(again.hard_limit, c.hard_limit);
  EXPECT_EQ(again.soft_limit, c.soft_limit);
  EXPECT_EQ(again.w_logic, c.w_logic);
  EXPECT_EQ(again.w_fact, c.w_fact);
  EXPECT_EQ(again.window_size, c.window_size);
  EXPECT_EQ(again.window_threshold, c.window_threshold);
  EXPECT_EQ(again.trend_window, c.trend_window);
  EXPECT_EQ(again.trend_threshold, c.trend_threshold);
  EXPECT_EQ(again.history_window, c.history_window);
  EXPECT_EQ(again.deadline_ms, c.deadline_ms);
  EXPECT_EQ(again.logit_entropy_limit, c.logit_entropy_limit);
  EXPECT_EQ(write_config(again), text);
}

TEST(config_json, an_unknown_or_repeated_field_is_refused) {
  EXPECT_TRUE(complaint(R"({"hard": 1})").starts_with("config error: unknown field \"hard\"; the fields are c"));
  EXPECT_EQ(complaint(R"({"hard_limit": 0.1, "hard_limit": 0.2})"), "config error: field \"hard_limit\" stands twice");
}

TEST(config_json, a_value_that_is_no_number_is_refused) {
  EXPECT_EQ(complaint(R"({"hard_limit": "0.5"})"), "config error: hard_limit must be a number, is a string");
  EXPECT_EQ(complaint(R"({"hard_limit": null})"), "config error: hard_limit must be a number, is null");
  EXPECT_EQ(complaint(R"({"hard_limit": true})"), "config error: hard_limit must be a number, is true");
  EXPECT_EQ(complaint(R"({"hard_limit": [0.5]})"), "config error: hard_limit must be a number, is an array");
  EXPECT_EQ(complaint(R"({"hard_limit": {}})"), "config error: hard_limit must be a number, is an object");
}

TEST(config_json, a_count_is_a_whole_number) {
  EXPECT_EQ(complaint(R"({"window_size": 2.5})"), "config error: window_size must be a whole number >= 0, is 2.5");
  EXPECT_EQ(complaint(R"({"window_size": -3})"), "config error: window_size must be a whole number >= 0, is -3");
  EXPECT_EQ(read_config(R"({"window_size": 8.0})")->window_size, 8u);
  // Beyond 32 bits it must not wrap around into the range.
  EXPECT_EQ(complaint(R"({"window_size": 4294967306})").substr(0, 49),
            "config error: window_size must be in [1, 65536], ");
  EXPECT_EQ(complaint(R"({"window_size": 1e300})").substr(0, 49), "config error: window_size must be in [1, 65536], ");
}

TEST(config_json, what_is_no_object_is_refused) {
  EXPECT_EQ(complaint("[]"), "config error: a JSON object with fields is wanted, not an array");
  EXPECT_EQ(complaint("1"), "config error: a JSON object with fields is wanted, not a number");
  EXPECT_EQ(complaint("\"x\""), "config error: a JSON object with fields is wanted, not a string");
  for (const char* broken : {"", "{", "{\"hard_limit\": }", "{} {}", "{\"hard_limit\": 1e999}", "{\"hard_limit\": NaN}",
                             "{\"\xff\": 1}", "\xef\xbb"})
    EXPECT_EQ(complaint(broken).substr(0, 37), "config error: this is no JSON: error ") << broken;
}

TEST(config_json, rules_of_the_fields_are_checked) {
  EXPECT_EQ(complaint(R"({"hard_limit": 1.5})"), "config error: hard_limit must be in [0, 1], is 1.5");
  EXPECT_EQ(complaint(R"({"w_fact": 0.5})"), "config error: w_logic + w_fact must be 1 within 1e-9, is 1.1");
}

TEST(config_json, a_long_name_is_cut_and_stays_ascii) {
  const auto text = complaint("{\"" + std::string(10000, 'x') + "\": 1}");
  EXPECT_LT(text.size(), 400u);
  const auto far = complaint("{\"\u00e4\u4e2d\": 1}");
  EXPECT_NE(far.find("\"\\u00e4\\u4e2d\""), std::string::npos) << far;
}

TEST(config_json, depth_takes_no_stack) {
  EXPECT_NE(complaint(std::string(1000000, '[')), "");
  std::string nested;
  for (int i = 0; i < 100000; ++i)
    nested += "{\"hard_limit\":";
  EXPECT_NE(complaint(nested), "");
}

} // namespace
} // namespace mycelium::oversight
