// A message is new once, in whatever order its source's messages come.
#include "actors/bridge/seen.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <numeric>
#include <random>

namespace mycelium::bridge {
namespace {

using older = seen_messages::older;
const seen_messages::source from{1, 2, 1001};
constexpr std::uint64_t window = seen_messages::window;

TEST(seen_messages, are_new_once) {
  seen_messages seen;
  for (std::uint64_t sequence = 1; sequence <= 500'000; ++sequence)
    ASSERT_TRUE(seen.add(from, sequence, older::forgotten)) << sequence;
  for (std::uint64_t sequence = 1; sequence <= 500'000; ++sequence)
    ASSERT_FALSE(seen.add(from, sequence, older::forgotten)) << sequence;
}

TEST(seen_messages, are_new_once_in_any_order) {
  std::vector<std::uint64_t> sequences(20'000);
  std::iota(sequences.begin(), sequences.end(), 7);
  std::ranges::shuffle(sequences, std::mt19937(1));
  seen_messages seen;
  for (const auto sequence : sequences)
    ASSERT_TRUE(seen.add(from, sequence, older::forgotten)) << sequence;
  for (const auto sequence : sequences)
    ASSERT_FALSE(seen.add(from, sequence, older::forgotten)) << sequence;
}

// Two ways, of which the new one is far ahead.
TEST(seen_messages, may_come_late_within_the_window) {
  constexpr std::uint64_t ahead = 64 * window - 1;
  seen_messages seen;
  for (std::uint64_t sequence = 1; sequence <= 1000; ++sequence) {
    ASSERT_TRUE(seen.add(from, sequence + ahead, older::forgotten)) << sequence;
    ASSERT_TRUE(seen.add(from, sequence, older::forgotten)) << sequence;
  }
  for (std::uint64_t sequence = 1; sequence <= 1000; ++sequence)
    ASSERT_FALSE(seen.add(from, sequence, older::forgotten)) << sequence;
}

// Sequences of one type have gaps: a publisher numbers what it publishes of all types.
TEST(seen_messages, are_counted_by_messages_and_not_by_numbers) {
  seen_messages seen;
  for (std::uint64_t sequence = 2'000'000; sequence < 2'000'000 + 1000 * window; sequence += 1000)
    ASSERT_TRUE(seen.add(from, sequence, older::forgotten));
  EXPECT_TRUE(seen.add(from, 2'000'500, older::forgotten));
  EXPECT_TRUE(seen.add(from, 1'999'000, older::forgotten)); // the first came by a way that was shorter
  for (std::uint64_t sequence = 20'000'000; sequence < 20'000'000 + 2000 * window; sequence += 1000)
    ASSERT_TRUE(seen.add(from, sequence, older::forgotten));
  EXPECT_FALSE(seen.add(from, 1'998'000, older::forgotten)); // nobody knows
}

TEST(seen_messages, that_were_left_by_another_process_are_new_however_old) {
  seen_messages seen;
  for (std::uint64_t sequence = 5000; sequence < 500'000; sequence += 50)
    ASSERT_TRUE(seen.add(from, sequence, older::may_be_left));
  for (const std::uint64_t sequence : {4999, 7, 8})
    EXPECT_TRUE(seen.add(from, sequence, older::may_be_left)) << sequence;
  for (const std::uint64_t sequence : {7, 8, 4999, 5000, 9950})
    EXPECT_FALSE(seen.add(from, sequence, older::may_be_left)) << sequence;
}

TEST(seen_messages, of_other_sources_are_other_messages) {
  seen_messages seen;
  EXPECT_TRUE(seen.add({1, 2, 1001}, 1, older::forgotten));
  EXPECT_TRUE(seen.add({1, 2, 1002}, 1, older::forgotten));
  EXPECT_TRUE(seen.add({1, 3, 1001}, 1, older::forgotten));
  EXPECT_TRUE(seen.add({2, 2, 1001}, 1, older::forgotten));
  EXPECT_FALSE(seen.add({1, 2, 1001}, 1, older::forgotten));
}

TEST(seen_messages, are_remembered_of_so_many_sources_only) {
  seen_messages seen;
  for (std::uint64_t origin = 1; origin <= 3 * seen_messages::most_sources; ++origin)
    ASSERT_TRUE(seen.add({origin, 1, 1}, 1, older::forgotten));
  EXPECT_LE(seen.sources(), seen_messages::most_sources);
}

// What comes between is remembered all the same.
TEST(seen_messages, of_many_sources_are_remembered_fewer_of_each) {
  seen_messages seen;
  constexpr std::uint64_t sources = seen_messages::most_blocks / window / 2 + 1;
  for (std::uint64_t sequence = 64; sequence < 64 * 2 * window; sequence += 64)
    for (std::uint64_t origin = 1; origin <= sources; ++origin)
      ASSERT_TRUE(seen.add({origin, 1, 1}, sequence, older::forgotten));
  for (std::uint64_t sequence = 64 * (2 * window - 400); sequence < 64 * 2 * window; sequence += 64)
    for (std::uint64_t origin = 1; origin <= sources; ++origin)
      ASSERT_FALSE(seen.add({origin, 1, 1}, sequence, older::forgotten)) << sequence;
}

} // namespace
} // namespace mycelium::bridge
