#include "actors/oversight/allocation_count.hpp"
#include "actors/oversight/scorer.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <limits>
#include <random>
#include <stdexcept>
#include <thread>

namespace mycelium::oversight {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

coherence_scorer scorer(scorer_sources sources = {}, const backfire_config& config = {}) {
  auto made = coherence_scorer::create(config, std::move(sources));
  if (!made)
    throw std::invalid_argument(made.error().text);
  return std::move(*made);
}

// What the prompt is known for is always the same.
scorer_sources knowing(std::string text) {
  return {.nli = {},
          .knowledge = [text = std::move(text)](std::string_view, callback_answer& to) { to.text = text; },
          .store = nullptr};
}

scorer_sources believing(double score) {
  return {.nli = [score](std::string_view, std::string_view, callback_answer& to) { to.score = score; },
          .knowledge = {},
          .store = nullptr};
}

nlohmann::json evidence(const coherence_scorer& s) { return nlohmann::json::parse(s.evidence_json()); }

double logic(std::string_view prompt, std::string_view action) { return *scorer().logical_divergence(prompt, action); }

TEST(scorer, has_the_golden_figures) {
  EXPECT_EQ(logic("", "x"), .5);
  EXPECT_DOUBLE_EQ(logic("a b c", "a b c"), .2);
  EXPECT_EQ(logic("a", "b"), .5);
  EXPECT_DOUBLE_EQ(logic("What color is the sky?", "The sky is blue"), .38);
  const auto found = *scorer(believing(.1)).review("p", "a");
  EXPECT_DOUBLE_EQ(found.score, .74);
  EXPECT_TRUE(found.approved);
  EXPECT_FALSE(found.warning);
  EXPECT_EQ(found.fact_rule, rule::no_knowledge);
}

TEST(scorer, telling_phrases_decide) {
  EXPECT_EQ(logic("a b", "It is Consistent with Reality."), .1);
  EXPECT_EQ(logic("a b", "The OPPOSITE IS TRUE"), .9);
  EXPECT_EQ(logic("a b", "that depends on your perspective"), .5);
  EXPECT_EQ(logic("", "consistent with reality, though the opposite is true"), .1);
  auto s = scorer();
  static_cast<void>(s.review("a b", "The opposite is true"));
  EXPECT_EQ(evidence(s)["logic"]["phrase"], "opposite is true");
}

TEST(scorer, what_denies_its_prompt_diverges) {
  auto s = scorer();
  const auto found = *s.review("The sky is blue.", "The sky is not blue.");
  EXPECT_EQ(found.h_logical, .8);
  EXPECT_EQ(found.logic_rule, rule::negation);
  EXPECT_FALSE(found.approved);
  EXPECT_EQ(evidence(s)["logic"]["known_sentence"], "the sky is blue.");
  EXPECT_EQ(evidence(s)["logic"]["stated_sentence"], "the sky is not blue.");
}

TEST(scorer, words_in_common_with_the_facts_agree) {
  auto s = scorer(knowing("The sky is blue"));
  EXPECT_EQ(*s.factual_divergence("?", "The SKY, is blue!"), 0);
  EXPECT_EQ(*s.factual_divergence("?", "blue"), 0); // all of the action's words
  EXPECT_EQ(*s.factual_divergence("?", "grass grows"), 1);
  EXPECT_EQ(*s.factual_divergence("?", "the grass is green"), .5);
  EXPECT_EQ(*s.factual_divergence("?", "..."), .5);
  EXPECT_EQ(*scorer(knowing("?!")).factual_divergence("?", "x"), .5);
}

TEST(scorer, a_number_against_the_facts_diverges) {
  auto s = scorer(knowing("Mount Everest is 8,848 metres high"));
  const auto wrong = *s.review("How high is Everest?", "Everest is 9000 metres high.");
  EXPECT_GE(wrong.h_factual, .8);
  EXPECT_EQ(wrong.fact_rule, rule::number);
  const auto why = evidence(s)["fact"];
  EXPECT_EQ(why["rule"], "number");
  EXPECT_EQ(why["known_number"], "8,848");
  EXPECT_EQ(why["stated_number"], "9000");
  EXPECT_EQ(why["context"], "Mount Everest is 8,848 metres high");
  EXPECT_EQ(why["shared_words"], (nlohmann::json{"everest", "is", "metres", "high"}));
  EXPECT_LT(s.review("How high is Everest?", "Everest is 8848 metres high.")->h_factual, .5);
}

TEST(scorer, facts_of_a_store_are_named) {
  const auto store = std::make_shared<in_memory_knowledge>();
  ASSERT_EQ(*store->add("The sky is blue."), 1u);
  ASSERT_EQ(*store->add("Grass is green."), 2u);
  auto s = scorer({.nli = {}, .knowledge = {}, .store = store});
  EXPECT_EQ(s.review("What color is the grass?", "Grass is green")->h_factual, 0);
  EXPECT_EQ(evidence(s)["fact"]["facts"][0]["id"], 2);
  EXPECT_EQ(evidence(s)["fact"]["facts"].size(), 1u);
  EXPECT_EQ(s.review("Who are you?", "A kernel")->fact_rule, rule::no_knowledge);
  EXPECT_FALSE(evidence(s)["fact"].contains("context"));
}

TEST(scorer, an_nli_without_a_number_counts_as_neutral_and_is_recorded) {
  for (const double bad : {nan, std::numeric_limits<double>::infinity()}) {
    auto s = scorer(believing(bad));
    const auto found = *s.review("p", "a");
    EXPECT_EQ(found.h_logical, .5);
    EXPECT_EQ(found.logic_rule, rule::nli_failed);
    EXPECT_EQ(evidence(s)["logic"]["error"], "the score is not finite");
  }
  auto throwing = scorer({.nli = [](auto, auto, auto&) { throw std::runtime_error("no model"); },
                          .knowledge = [](auto, auto&) { throw 1; },
                          .store = nullptr});
  const auto found = *throwing.review("p", "a");
  EXPECT_EQ(found.logic_rule, rule::nli_failed);
  EXPECT_EQ(found.fact_rule, rule::knowledge_failed);
  EXPECT_EQ(found.score, .5);
  EXPECT_EQ(evidence(throwing)["logic"]["error"], "no model");
  auto silent = scorer({.nli = [](auto, auto, auto&) {}, .knowledge = [](auto, auto&) {}, .store = nullptr});
  const auto nothing = *silent.review("p", "a");
  EXPECT_EQ(nothing.logic_rule, rule::nli_failed);
  EXPECT_EQ(nothing.fact_rule, rule::no_knowledge);
  EXPECT_EQ(evidence(silent)["logic"]["error"], "there is no score");
}

TEST(scorer, an_nli_beyond_its_range_is_cut) {
  EXPECT_EQ(*scorer(believing(7)).logical_divergence("p", "a"), 1);
  EXPECT_EQ(*scorer(believing(-7)).logical_divergence("p", "a"), 0);
}

TEST(scorer, only_approved_scores_enter_the_history_and_it_is_bounded) {
  backfire_config c;
  c.history_window = 2;
  double belief = 0;
  auto s =
      scorer({.nli = [&](auto, auto, callback_answer& to) { to.score = belief; }, .knowledge = {}, .store = {}}, c);
  for (const double next : {0.0, 1.0, .1, .2}) {
    belief = next;
    static_cast<void>(s.review("p", "a"));
  }
  ASSERT_EQ(s.history().size(), 2u);
  EXPECT_DOUBLE_EQ(s.history()[0], .74);
  EXPECT_DOUBLE_EQ(s.history()[1], .68);
  static_cast<void>(s.divergence("p", "a"));
  EXPECT_DOUBLE_EQ(s.history()[1], .68);
  c.history_window = 0;
  auto none = scorer(believing(0), c);
  static_cast<void>(none.review("p", "a"));
  EXPECT_TRUE(none.history().empty());
}

TEST(scorer, thresholds_change_only_to_right_ones) {
  auto s = scorer(believing(.1));
  EXPECT_FALSE(s.set_soft_limit(.4)); // below the hard limit
  EXPECT_FALSE(s.set_threshold(nan));
  ASSERT_TRUE(s.set_soft_limit(.9));
  ASSERT_TRUE(s.set_threshold(.7));
  const auto found = *s.review("p", "a");
  EXPECT_TRUE(found.approved);
  EXPECT_TRUE(found.warning);
  ASSERT_TRUE(s.set_threshold(.75));
  EXPECT_FALSE(s.review("p", "a")->approved);
  EXPECT_FALSE(s.review("p", "a")->warning);
}

TEST(scorer, texts_that_are_too_large_are_refused) {
  auto s = scorer();
  const std::string large(coherence_scorer::largest_text + 1, 'x');
  EXPECT_FALSE(s.review(large, "a"));
  EXPECT_FALSE(s.factual_divergence("p", large));
  EXPECT_EQ(s.evidence_json(), "{}");
  EXPECT_EQ(scorer(knowing(large)).review("p", "a")->fact_rule, rule::knowledge_failed);
}

TEST(scorer, divergence_is_the_weighted_sum_of_its_parts) {
  backfire_config c;
  c.w_logic = .25;
  c.w_fact = .75;
  auto s = scorer(knowing("the sky is blue"), c);
  const double h = *s.divergence("a b", "a sky");
  EXPECT_DOUBLE_EQ(h, .25 * *s.logical_divergence("a b", "a sky") + .75 * *s.factual_divergence("a b", "a sky"));
  EXPECT_DOUBLE_EQ(s.review("a b", "a sky")->score, 1 - h);
}

// Any texts: figures in their ranges, the same every time, and evidence that is JSON.
TEST(scorer, any_texts_have_a_score_in_its_range) {
  std::mt19937_64 random(3);
  const std::vector<std::string> parts{"the ", "sky ",   "is ",      "not ", "blue. ", "8848 ", "-3,5",
                                       "n't ", "\xff",   "?",        "東京", "ÄÖ ",    "\n",    "no ",
                                       "'t",   "1.2.3 ", "perhaps ", "a ",   "\0",     ""};
  const auto text = [&] {
    std::string out;
    for (auto count = random() % 12; count > 0; --count)
      out += parts[random() % parts.size()];
    return out;
  };
  for (int round = 0; round < 20000; ++round) {
    const auto prompt = text();
    const auto action = text();
    auto s = scorer(knowing(text()));
    const auto found = *s.review(prompt, action);
    ASSERT_TRUE(found.score >= 0 && found.score <= 1);
    ASSERT_TRUE(found.h_logical >= .1 && found.h_logical <= .9);
    ASSERT_TRUE(found.h_factual >= 0 && found.h_factual <= 1);
    ASSERT_EQ(s.review(prompt, action)->score, found.score);
    ASSERT_TRUE(nlohmann::json::accept(s.evidence_json()));
  }
}

TEST(scorer, a_review_without_callbacks_allocates_nothing_once_warm) {
  auto s = scorer();
  const std::string_view prompt = "What color is the sky on a day that is not cloudy, please tell me?";
  const std::string_view action = "The sky is blue, and so are its mirrors on the water below";
  for (int i = 0; i < 10; ++i)
    static_cast<void>(s.review(prompt.substr(0, 40), action));
  const auto before = testing::allocation_count();
  for (int i = 0; i < 1000; ++i)
    ASSERT_TRUE(s.review(prompt.substr(0, 40), action));
  EXPECT_EQ(testing::allocation_count(), before);
}

TEST(scorer, a_store_may_change_while_scorers_use_it) {
  const auto store = std::make_shared<in_memory_knowledge>();
  std::thread writer([&] {
    for (int i = 0; i < 2000; ++i) {
      const auto id = *store->add("the sky is blue " + std::to_string(i));
      if (i % 2 == 0)
        store->remove(id);
    }
  });
  auto s = scorer({.nli = {}, .knowledge = {}, .store = store});
  for (int i = 0; i < 500; ++i)
    ASSERT_TRUE(s.review("sky", "the sky is blue"));
  writer.join();
  EXPECT_EQ(store->size(), 1000u);
}

} // namespace
} // namespace mycelium::oversight
