#include "actors/oversight/knowledge.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace mycelium::oversight {
namespace {

std::vector<std::uint64_t> ids(const std::vector<found_fact>& found) {
  std::vector<std::uint64_t> out;
  for (const auto& each : found)
    out.push_back(each.id);
  return out;
}

using list = std::vector<std::uint64_t>;

TEST(knowledge, the_fact_that_shares_rare_words_is_best) {
  in_memory_knowledge store;
  ASSERT_TRUE(store.add("The sky is blue."));
  ASSERT_TRUE(store.add("The sea is blue and deep."));
  ASSERT_TRUE(store.add("Grass is green."));
  EXPECT_EQ(ids(store.find("Is the sky blue?", 10)), (list{1, 2}));
  EXPECT_EQ(ids(store.find("Is the sky blue?", 1)), list{1});
  EXPECT_EQ(ids(store.find("green sea", 10)), (list{3, 2})); // as rare, in a shorter fact
  EXPECT_EQ(store.find("nothing here", 10).size(), 0u);
  EXPECT_EQ(store.find("", 10).size(), 0u);
}

TEST(knowledge, scores_are_those_of_the_formula) {
  in_memory_knowledge store;
  ASSERT_TRUE(store.add("red red blue"));
  ASSERT_TRUE(store.add("blue"));
  const auto found = store.find("red", 1);
  ASSERT_EQ(found.size(), 1u);
  const double rarity = std::log(1 + (2 - 1 + .5) / (1 + .5));
  EXPECT_DOUBLE_EQ(found[0].score, rarity * 2 * 2.2 / (2 + 1.2 * (.25 + .75 * 3 / 2)));
}

// Every fact's sum, word by word, without an index.
TEST(knowledge, any_query_has_the_scores_of_the_formula) {
  std::mt19937_64 random(19);
  const auto word = [&] { return std::string(3, static_cast<char>('b' + random() % 12)); };
  for (int round = 0; round < 100; ++round) {
    in_memory_knowledge store;
    std::vector<std::vector<std::string>> facts;
    double length = 0;
    for (auto count = random() % 20 + 1; count > 0; --count) {
      facts.emplace_back();
      std::string text;
      for (auto words = random() % 8 + 1; words > 0; --words) {
        facts.back().push_back(word());
        text += facts.back().back() + " ";
      }
      length += double(facts.back().size());
      ASSERT_TRUE(store.add(text));
    }
    const std::vector<std::string> query{word(), word(), word()};
    std::map<std::uint64_t, double> scores;
    for (std::size_t q = 0; q < query.size(); ++q) {
      if (std::count(query.begin(), query.begin() + std::ptrdiff_t(q), query[q]) > 0)
        continue;
      const auto times = [&](const auto& fact) { return double(std::count(fact.begin(), fact.end(), query[q])); };
      const auto with = double(std::count_if(facts.begin(), facts.end(), [&](const auto& f) { return times(f) > 0; }));
      const auto n = double(facts.size());
      for (std::size_t i = 0; i < facts.size(); ++i)
        if (const double f = times(facts[i]); f > 0)
          scores[i + 1] += std::log(1 + (n - with + .5) / (with + .5)) * f * 2.2 /
                           (f + 1.2 * (.25 + .75 * double(facts[i].size()) * n / length));
    }
    const auto found = store.find(query[0] + " " + query[1] + ", " + query[2], 100);
    ASSERT_EQ(found.size(), scores.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      ASSERT_NEAR(found[i].score, scores.at(found[i].id), 1e-12);
    }
    ASSERT_TRUE(std::is_sorted(found.begin(), found.end(), [](auto& x, auto& y) { return x.score > y.score; }));
  }
}

TEST(knowledge, function_words_count_only_alone) {
  in_memory_knowledge store;
  ASSERT_TRUE(store.add("To be or not to be"));
  EXPECT_EQ(store.find("Who is the king?", 9).size(), 0u);
  EXPECT_EQ(ids(store.find("to be", 9)), list{1});
}

TEST(knowledge, equals_come_in_the_order_of_their_ids) {
  in_memory_knowledge store;
  for (int i = 0; i < 20; ++i)
    ASSERT_TRUE(store.add("same words"));
  const auto found = ids(store.find("words", 100));
  ASSERT_EQ(found.size(), 20u);
  EXPECT_TRUE(std::is_sorted(found.begin(), found.end()));
}

TEST(knowledge, a_removed_fact_leaves_nothing) {
  std::mt19937_64 random(11);
  const std::vector<std::string> words{"red", "blue", "green", "sea", "sky", "Äther", "42"};
  const auto text = [&] {
    std::string out;
    for (auto count = random() % 9; count > 0; --count)
      out += words[random() % words.size()] + " ";
    return out;
  };
  for (int round = 0; round < 50; ++round) {
    in_memory_knowledge all;
    in_memory_knowledge kept;
    std::map<std::uint64_t, std::uint64_t> same; // id in all -> in kept
    list doomed;
    for (int i = 0; i < 30; ++i) {
      const auto fact = text();
      const auto id = *all.add(fact);
      if (random() % 2 == 0)
        same[id] = *kept.add(fact);
      else
        doomed.push_back(id);
    }
    for (const auto id : doomed) {
      ASSERT_TRUE(all.remove(id));
      ASSERT_FALSE(all.remove(id));
      ASSERT_FALSE(all.text(id));
    }
    ASSERT_EQ(all.size(), kept.size());
    for (const auto& query : words) {
      const auto a = all.find(query + " sky", 100);
      const auto b = kept.find(query + " sky", 100);
      ASSERT_EQ(a.size(), b.size());
      for (std::size_t i = 0; i < a.size(); ++i) {
        ASSERT_EQ(same.at(a[i].id), b[i].id);
        ASSERT_EQ(a[i].score, b[i].score); // to the bit
      }
    }
  }
}

TEST(knowledge, a_context_is_the_best_fact_and_those_near_it) {
  in_memory_knowledge store;
  for (const char* fact : {"The sky is blue.", "The sky is blue, too.", "sky blue", "Blue sky.", "The deep blue sea."})
    ASSERT_TRUE(store.add(fact));
  std::string text;
  std::vector<found_fact> used;
  ASSERT_TRUE(store.context("blue sky?", text, &used));
  ASSERT_EQ(used.size(), 3u);
  EXPECT_EQ(ids(used), (list{3, 4, 1}));
  EXPECT_EQ(text, "sky blue\nBlue sky.\nThe sky is blue.");
  ASSERT_TRUE(store.context("the sea", text, &used));
  EXPECT_EQ(text, "The deep blue sea.");
  EXPECT_FALSE(store.context("mountain", text, &used));
  EXPECT_EQ(text, "");
}

TEST(knowledge, a_fact_that_is_too_large_is_refused_and_one_without_words_is_never_found) {
  in_memory_knowledge store;
  EXPECT_FALSE(store.add(std::string(in_memory_knowledge::largest_fact + 1, 'x')));
  EXPECT_EQ(*store.add("?!"), 1u);
  EXPECT_EQ(store.find("?!", 9).size(), 0u);
  EXPECT_EQ(*store.text(1), "?!");
}

} // namespace
} // namespace mycelium::oversight
