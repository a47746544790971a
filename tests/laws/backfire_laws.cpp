// Oversight through the C interface: bad arguments are a status, old structs take defaults, and halts are no errors.
#include "backfire.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace mycelium::laws {
namespace {

struct destroy {
  void operator()(BackfireStream* stream) const { backfire_stream_destroy(stream); }
  void operator()(BackfireInterlock* lock) const { backfire_interlock_destroy(lock); }
};
using stream = std::unique_ptr<BackfireStream, destroy>;
using interlock = std::unique_ptr<BackfireInterlock, destroy>;

stream begun(const BackfireConfig* config = nullptr, const BackfireOptions* options = nullptr,
             BackfireInterlock* lock = nullptr) {
  BackfireStream* out = nullptr;
  EXPECT_EQ(backfire_stream_begin(config, options, lock, &out), BACKFIRE_SUCCESS) << backfire_last_error();
  return stream(out);
}

BackfireVerdict pushed(const stream& s, double score) {
  BackfireVerdict out{};
  out.struct_size = sizeof out;
  EXPECT_EQ(backfire_stream_push(s.get(), "a", 1, score, &out), BACKFIRE_SUCCESS);
  return out;
}

TEST(backfire_laws, a_required_pointer_that_is_null_is_a_status) {
  const auto s = begun();
  BackfireVerdict verdict{};
  verdict.struct_size = sizeof verdict;
  BackfireObservation seen{};
  seen.struct_size = sizeof seen;
  BackfireSession session{};
  std::size_t count = 0;
  char text[8];
  const std::int32_t null = BACKFIRE_ERROR_NULL;
  EXPECT_EQ(backfire_stream_begin(nullptr, nullptr, nullptr, nullptr), null);
  EXPECT_EQ(backfire_stream_push(nullptr, "a", 1, 1, &verdict), null);
  EXPECT_EQ(backfire_stream_push(s.get(), nullptr, 1, 1, &verdict), null);
  EXPECT_EQ(backfire_stream_push(s.get(), "a", 1, 1, nullptr), null);
  EXPECT_EQ(backfire_stream_observe(nullptr, "a", 1, &seen, &verdict), null);
  EXPECT_EQ(backfire_stream_observe(s.get(), "a", 1, nullptr, &verdict), null);
  EXPECT_EQ(backfire_stream_observe(s.get(), "a", 1, &seen, nullptr), null);
  EXPECT_EQ(backfire_stream_wants_score(nullptr), null);
  EXPECT_EQ(backfire_stream_finish(nullptr, &session), null);
  EXPECT_EQ(backfire_stream_summary(nullptr, &session), null);
  EXPECT_EQ(backfire_stream_summary(s.get(), nullptr), null);
  EXPECT_EQ(backfire_stream_evidence(nullptr, nullptr, 0, &count), null);
  EXPECT_EQ(backfire_stream_evidence(s.get(), nullptr, 1, &count), null);
  EXPECT_EQ(backfire_stream_evidence(s.get(), nullptr, 0, nullptr), null);
  EXPECT_EQ(backfire_stream_error(nullptr, text, sizeof text, nullptr), null);
  EXPECT_EQ(backfire_stream_error(s.get(), nullptr, 1, nullptr), null);
  EXPECT_EQ(backfire_config_check(nullptr), null);
  EXPECT_EQ(backfire_interlock_stop(nullptr), null);
  EXPECT_EQ(backfire_interlock_reactivate(nullptr), null);
  EXPECT_EQ(backfire_interlock_is_active(nullptr), null);
  EXPECT_STREQ(backfire_last_error(), "interlock is NULL");
  backfire_stream_destroy(nullptr);
  backfire_interlock_destroy(nullptr);
  backfire_config_init(nullptr);
  backfire_options_init(nullptr);
}

TEST(backfire_laws, a_struct_without_its_size_is_refused_and_nothing_is_counted) {
  const auto s = begun();
  BackfireVerdict verdict{};
  EXPECT_EQ(backfire_stream_push(s.get(), "a", 1, 1, &verdict), BACKFIRE_ERROR_INVALID_ARGUMENT);
  verdict.struct_size = sizeof verdict;
  BackfireObservation seen{};
  EXPECT_EQ(backfire_stream_observe(s.get(), "a", 1, &seen, &verdict), BACKFIRE_ERROR_INVALID_ARGUMENT);
  BackfireConfig config{};
  EXPECT_EQ(backfire_config_check(&config), BACKFIRE_ERROR_INVALID_ARGUMENT);
  BackfireStream* out = s.get();
  EXPECT_EQ(backfire_stream_begin(&config, nullptr, nullptr, &out), BACKFIRE_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(out, nullptr);
  EXPECT_EQ(pushed(s, 1).index, 0u);
}

TEST(backfire_laws, what_an_older_struct_does_not_have_takes_its_default) {
  BackfireConfig config;
  std::memset(&config, 0xff, sizeof config);
  config.struct_size = offsetof(BackfireConfig, soft_limit);
  config.coherence_threshold = .6;
  config.hard_limit = .2;
  EXPECT_EQ(backfire_config_check(&config), BACKFIRE_SUCCESS) << backfire_last_error();
  EXPECT_EQ(pushed(begun(&config), .3).action, BACKFIRE_WARN);
}

TEST(backfire_laws, a_verdict_is_written_no_further_than_its_struct) {
  const auto s = begun();
  BackfireVerdict verdict;
  std::memset(&verdict, 0x5a, sizeof verdict);
  verdict.struct_size = offsetof(BackfireVerdict, measured);
  ASSERT_EQ(backfire_stream_push(s.get(), "a", 1, .9, &verdict), BACKFIRE_SUCCESS);
  EXPECT_EQ(verdict.score, .9);
  EXPECT_EQ(verdict.released, 0x5a5a5a5a5a5a5a5a);
}

TEST(backfire_laws, a_wrong_config_names_field_rule_and_value) {
  BackfireConfig config;
  backfire_config_init(&config);
  config.hard_limit = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(backfire_config_check(&config), BACKFIRE_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(backfire_last_error(), "config error: hard_limit must be in [0, 1], is nan");
  BackfireOptions options;
  backfire_options_init(&options);
  options.score_every = 0;
  BackfireStream* out = nullptr;
  EXPECT_EQ(backfire_stream_begin(nullptr, &options, nullptr, &out), BACKFIRE_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(backfire_last_error(), "config error: score_every must be in [1, 65536], is 0");
}

TEST(backfire_laws, defaults_are_those_of_the_table) {
  BackfireConfig c;
  backfire_config_init(&c);
  EXPECT_EQ(c.struct_size, sizeof c);
  EXPECT_EQ(std::vector({c.coherence_threshold, c.hard_limit, c.soft_limit, c.w_logic, c.w_fact, c.window_threshold,
                         c.trend_threshold, c.deadline_ms, c.logit_entropy_limit}),
            std::vector({.6, .5, .7, .6, .4, .55, .15, 50., 1.2}));
  EXPECT_EQ(std::vector({c.window_size, c.trend_window, c.history_window}), (std::vector<std::uint32_t>{10, 5, 5}));
}

TEST(backfire_laws, a_stream_outlives_the_interlock_that_it_was_given) {
  interlock lock(backfire_interlock_create());
  const auto s = begun(nullptr, nullptr, lock.get());
  EXPECT_EQ(pushed(s, .9).action, BACKFIRE_RELEASE);
  lock.reset();
  EXPECT_EQ(pushed(s, .9).action, BACKFIRE_RELEASE);
  EXPECT_EQ(pushed(s, .1).kind, BACKFIRE_HALT_HARD_LIMIT);
}

TEST(backfire_laws, a_stop_from_another_thread_halts_every_stream) {
  const interlock lock(backfire_interlock_create());
  const auto one = begun(nullptr, nullptr, lock.get());
  const auto two = begun(nullptr, nullptr, lock.get());
  EXPECT_EQ(pushed(one, .9).action, BACKFIRE_RELEASE);
  std::thread([&] { backfire_interlock_stop(lock.get()); }).join();
  EXPECT_EQ(pushed(one, .9).kind, BACKFIRE_HALT_KERNEL_INACTIVE);
  EXPECT_EQ(pushed(two, .9).kind, BACKFIRE_HALT_KERNEL_INACTIVE);
}

TEST(backfire_laws, a_text_is_cut_to_its_buffer_and_its_length_told) {
  char text[5] = "";
  std::size_t length = 0;
  EXPECT_EQ(backfire_reason_text(BACKFIRE_HALT_HARD_LIMIT, .1, .5, text, sizeof text, &length), BACKFIRE_SUCCESS);
  EXPECT_STREQ(text, "hard");
  EXPECT_EQ(length, std::string("hard_limit (0.1000 < 0.5)").size());
  EXPECT_EQ(backfire_reason_text(99, 0, 0, text, sizeof text, &length), BACKFIRE_ERROR_INVALID_ARGUMENT);
}

} // namespace
} // namespace mycelium::laws
