#include "actors/oversight/allocation_count.hpp"
#include "actors/oversight/stream.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace mycelium::oversight {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

stream begun(const backfire_config& config = {}, const stream_options& options = {},
             std::shared_ptr<interlock> lock = nullptr) {
  auto begun = stream::begin(config, options, std::move(lock));
  if (!begun)
    throw std::invalid_argument(begun.error().text);
  return std::move(*begun);
}

// Pushes until the stream halts or the scores are used up.
verdict pushed(stream& s, const std::vector<double>& scores, std::string_view token = "word ") {
  verdict last;
  for (const double score : scores)
    if (last = s.push(token, score); last.action == action::halt)
      break;
  return last;
}

std::string reason(const verdict& v) { return reason_text(v.kind, v.measured, v.limit); }

// A config in which only what a test sets can fire.
backfire_config patient() {
  backfire_config c;
  c.hard_limit = 0;
  c.window_threshold = 0;
  c.trend_threshold = 2;
  return c;
}

TEST(stream, the_example_of_a_falling_trend) {
  auto s = begun();
  const auto last = pushed(s, {.9, .85, .8, .77, .74, .7});
  EXPECT_EQ(last.index, 4u);
  EXPECT_EQ(reason(last), "downward_trend (0.1600 > 0.15)");
  EXPECT_EQ(last.released, 4u);
  const auto whole = s.finish();
  EXPECT_TRUE(whole.halted);
  EXPECT_EQ(whole.halt_index, 4);
  EXPECT_EQ(whole.tokens, 5u);
  EXPECT_EQ(whole.minimum, .74);
  EXPECT_EQ(whole.average, (((.9 + .85) + .8) + .77 + .74) / 5);
}

TEST(stream, the_hard_limit_is_strict_and_stops_the_kernel) {
  const auto lock = std::make_shared<interlock>();
  auto at_limit = begun({}, {}, lock);
  EXPECT_EQ(at_limit.push("a", .5).action, action::warn);
  EXPECT_EQ(reason(at_limit.push("b", .1)), "hard_limit (0.1000 < 0.5)");
  EXPECT_FALSE(lock->active());
  auto next = begun({}, {}, lock);
  const auto refused = next.push("a", .9);
  EXPECT_EQ(reason(refused), "kernel_inactive");
  EXPECT_EQ(refused.index, 0u);
  EXPECT_EQ(refused.released, 0u);
  lock->reactivate();
  EXPECT_EQ(begun({}, {}, lock).push("a", .9).action, action::release);
}

TEST(stream, a_full_window_below_its_mean_halts_and_leaves_the_kernel_active) {
  backfire_config c;
  c.window_size = 4;
  c.window_threshold = .6;
  const auto lock = std::make_shared<interlock>();
  auto s = begun(c, {}, lock);
  const auto last = pushed(s, {.7, .6, .6, .58, .58, .6});
  EXPECT_EQ(last.index, 4u);
  EXPECT_EQ(reason(last), "window_avg (0.5900 < 0.6)");
  EXPECT_TRUE(lock->active());
}

TEST(stream, a_window_full_of_its_threshold_is_not_below_it) {
  auto c = patient();
  for (const double threshold : {.55, .1, .3, .7, 1.0 / 3, .999}) {
    c.window_threshold = threshold;
    auto s = begun(c);
    EXPECT_NE(pushed(s, std::vector<double>(1000, threshold)).action, action::halt) << threshold;
  }
}

TEST(stream, window_sums_do_not_drift) {
  auto c = patient();
  c.window_size = 3;
  c.window_threshold = .5;
  auto s = begun(c);
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> high(.6, 1);
  for (int i = 0; i < 1000000; ++i)
    ASSERT_EQ(s.push("x", high(random)).kind, halt_kind::none);
  EXPECT_NE(pushed(s, {.5, .5, .5}).action, action::halt);
  EXPECT_EQ(pushed(s, {std::nextafter(.5, 0.0)}).kind, halt_kind::window_average);
}

TEST(stream, checks_fire_in_their_order) {
  backfire_config c;
  c.window_size = 1;
  c.window_threshold = .9;
  c.trend_window = 2;
  c.trend_threshold = .1;
  const observation bad{.scored = true, .score = .2, .latency_ms = 99, .has_entropy = true, .entropy = 9};
  const auto kind_of = [&](const observation& o) {
    auto s = begun(c);
    s.push("a", 1.0);
    return s.push("b", o).kind;
  };
  auto o = bad;
  EXPECT_EQ(kind_of(o), halt_kind::hard_limit);
  o.score = .8;
  EXPECT_EQ(kind_of(o), halt_kind::window_average);
  c.window_threshold = .5;
  EXPECT_EQ(kind_of(o), halt_kind::downward_trend);
  o.score = 1;
  EXPECT_EQ(kind_of(o), halt_kind::entropy);
  o.entropy = 1.2;
  EXPECT_EQ(kind_of(o), halt_kind::deadline);
  o.latency_ms = 50;
  EXPECT_EQ(kind_of(o), halt_kind::none);
}

TEST(stream, what_is_not_a_number_is_over_every_limit) {
  auto s = begun(patient());
  EXPECT_EQ(s.push("a", {.scored = true, .score = 1, .has_entropy = true, .entropy = nan}).kind, halt_kind::entropy);
  auto t = begun(patient());
  EXPECT_EQ(t.push("a", {.scored = true, .score = 1, .latency_ms = nan}).kind, halt_kind::deadline);
}

TEST(stream, a_score_that_is_none_halts_whatever_the_limit) {
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double score : {nan, infinity, -infinity}) {
    auto strict = begun();
    EXPECT_EQ(reason(strict.push("a", score)), "hard_limit (0.0000 < 0.5)");
    auto open = begun(patient());
    EXPECT_EQ(reason(open.push("a", score)), "invalid_score");
    EXPECT_EQ(open.error(), "the score is not finite");
    EXPECT_EQ(open.summary().minimum, 0);
  }
  auto raised = begun(patient());
  raised.push("a", .9);
  const auto last = raised.push("b", {.error = "ValueError: no"});
  EXPECT_EQ(last.action, action::halt);
  EXPECT_EQ(last.released, 1u);
  EXPECT_EQ(raised.error(), "ValueError: no");
}

TEST(stream, a_token_that_should_have_been_scored_and_was_not_halts) {
  stream_options o;
  o.score_every = 3;
  auto s = begun(patient(), o);
  for (int i = 0; i < 9; ++i) {
    EXPECT_EQ(s.wants_score(), i % 3 == 0);
    EXPECT_EQ(s.push("a", {.scored = i % 3 == 0, .score = .9}).action, action::release);
  }
  EXPECT_EQ(s.push("a", observation{}).kind, halt_kind::invalid_score);
  EXPECT_EQ(s.summary().scored, 4u);
}

TEST(stream, after_a_halt_nothing_passes) {
  auto s = begun();
  const auto halted = s.push("a", .1);
  const auto again = s.push("b", .9);
  EXPECT_EQ(again.action, action::halt);
  EXPECT_EQ(again.index, halted.index);
  EXPECT_EQ(s.finish().tokens, 1u);
}

TEST(stream, drift_checks_fire_where_they_are_enabled) {
  stream_options o;
  o.ewma = true;
  o.ewma_weight = .5;
  o.ewma_limit = .6;
  auto s = begun(patient(), o);
  EXPECT_EQ(reason(pushed(s, {.8, .6, .4})), "ewma (0.5500 < 0.6)");
  stream_options q;
  q.cusum = true;
  q.cusum_limit = .25;
  auto t = begun(patient(), q);
  const auto last = pushed(t, {1, .6, .6, .6, .6});
  EXPECT_EQ(last.index, 3u);
  EXPECT_EQ(reason(last), "cusum (0.3000 > 0.25)");
}

TEST(stream, a_soft_halt_finishes_the_sentence) {
  auto c = patient();
  c.window_size = 1;
  c.window_threshold = .5;
  stream_options o;
  o.soft_halt = true;
  auto s = begun(c, o);
  EXPECT_EQ(s.push("The ", 1.0).action, action::release);
  EXPECT_EQ(s.push("sky ", .4).action, action::finish);
  EXPECT_EQ(s.push("is ", 1.0).action, action::finish);
  EXPECT_EQ(s.push("blue.", 1.0).action, action::finish);
  const auto last = s.push(" And", 1.0);
  EXPECT_EQ(last.action, action::halt);
  EXPECT_EQ(last.released, 4u);
  EXPECT_EQ(s.finish().halt_index, 1);
  EXPECT_EQ(s.finish().kind, halt_kind::window_average);
}

TEST(stream, a_soft_halt_is_hard_between_sentences_under_the_hard_limit_and_after_its_tokens) {
  auto c = patient();
  c.hard_limit = .2;
  c.window_size = 1;
  c.window_threshold = .5;
  stream_options o;
  o.soft_halt = true;
  auto between = begun(c, o);
  between.push("Done.\" ", 1.0);
  EXPECT_EQ(between.push("Next", .4).action, action::halt);
  auto hard = begun(c, o);
  hard.push("The ", 1.0);
  EXPECT_EQ(hard.push("sky ", .4).action, action::finish);
  EXPECT_EQ(hard.push("is ", .1).kind, halt_kind::hard_limit);
  auto endless = begun(c, o);
  endless.push("The ", 1.0);
  for (int i = 0; i < 50; ++i)
    ASSERT_EQ(endless.push("very ", .4).action, action::finish);
  EXPECT_EQ(endless.push("very ", .4).action, action::halt);
  EXPECT_EQ(endless.finish().released, 51u);
}

TEST(stream, whole_sentences_are_released_at_their_end) {
  stream_options o;
  o.whole_sentences = true;
  auto s = begun({}, o);
  EXPECT_EQ(s.push("One ", .9).released, 0u);
  EXPECT_EQ(s.push("two.", .9).released, 2u);
  EXPECT_EQ(s.push(" Three", .9).released, 2u);
  EXPECT_EQ(s.finish().released, 3u);
  auto t = begun({}, o);
  t.push("One. ", .9);
  t.push("Two ", .9);
  EXPECT_EQ(t.push("bad ", .1).released, 1u);
  EXPECT_EQ(t.finish().released, 1u);
}

TEST(stream, evidence_is_the_newest_scores) {
  stream_options o;
  o.evidence_size = 3;
  auto s = begun({}, o);
  sample seen[8];
  EXPECT_EQ(s.evidence(seen, 8), 0u);
  pushed(s, {.9, .9, .8, .7, .1});
  ASSERT_EQ(s.evidence(seen, 8), 3u);
  EXPECT_EQ(seen[0].index, 2u);
  EXPECT_EQ(seen[2].score, .1);
  EXPECT_EQ(s.evidence(seen, 1), 1u);
  EXPECT_EQ(seen[0].index, 4u);
}

TEST(stream, a_push_allocates_nothing) {
  stream_options o;
  o.soft_halt = o.whole_sentences = o.ewma = o.cusum = true;
  auto c = patient();
  auto s = begun(c, o);
  const auto before = testing::allocation_count();
  for (int i = 0; i < 100000; ++i)
    s.push(i % 7 == 0 ? "end. " : "a word that is longer than any small string would be ", .9);
  s.push("b", {.error = "a text that is longer than any small string would be, and so it goes on and on"});
  sample seen[16];
  s.evidence(seen, 16);
  s.finish();
  EXPECT_EQ(testing::allocation_count(), before);
  EXPECT_GT(before, 0u) << "the counter is not in use";
}

TEST(stream, one_interlock_stops_ten_thousand_streams) {
  const auto lock = std::make_shared<interlock>();
  std::vector<stream> all;
  for (int i = 0; i < 10000; ++i)
    all.push_back(begun({}, {}, lock));
  for (auto& each : all)
    ASSERT_EQ(each.push("a", .9).action, action::release);
  lock->stop();
  for (auto& each : all)
    ASSERT_EQ(each.push("a", .9).kind, halt_kind::kernel_inactive);
}

} // namespace
} // namespace mycelium::oversight
