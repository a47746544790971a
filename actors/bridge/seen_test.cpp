// A message is new once, in whatever order its source's messages come.
#include "actors/bridge/seen.hpp"

#include <gtest/gtest.h>

namespace mycelium::bridge {
namespace {

using older = seen_messages::older;
const seen_messages::source from{1, 2, 1001};

TEST(seen_messages, are_new_once) {
  seen_messages seen;
  for (std::uint64_t sequence = 1; sequence <= 5000; ++sequence)
    ASSERT_TRUE(seen.add(from, sequence, older::have_come)) << sequence;
  for (std::uint64_t sequence = 1; sequence <= 5000; ++sequence)
    ASSERT_FALSE(seen.add(from, sequence, older::have_come)) << sequence;
}

TEST(seen_messages, may_come_late_within_the_window) {
  seen_messages seen;
  ASSERT_TRUE(seen.add(from, 1, older::have_come));
  for (std::uint64_t sequence = 3; sequence < 3 + seen_messages::window - 1; ++sequence)
    ASSERT_TRUE(seen.add(from, sequence, older::have_come));
  EXPECT_TRUE(seen.add(from, 2, older::have_come));
  EXPECT_FALSE(seen.add(from, 2, older::have_come));
}

// Sequences of one type have gaps: a publisher numbers what it publishes of all types.
TEST(seen_messages, are_counted_by_messages_and_not_by_numbers) {
  seen_messages seen;
  for (std::uint64_t sequence = 2'000'000; sequence < 2'000'000 + 1000 * seen_messages::window; sequence += 1000)
    ASSERT_TRUE(seen.add(from, sequence, older::have_come));
  EXPECT_TRUE(seen.add(from, 2'000'500, older::have_come));
  EXPECT_FALSE(seen.add(from, 1'999'000, older::have_come)); // before the first
}

TEST(seen_messages, of_a_gateway_may_begin_with_the_second) {
  seen_messages seen;
  EXPECT_TRUE(seen.add(from, 9, older::may_come));
  EXPECT_TRUE(seen.add(from, 8, older::may_come));
  EXPECT_FALSE(seen.add(from, 9, older::may_come));
  EXPECT_FALSE(seen.add(from, 8, older::have_come));
}

TEST(seen_messages, that_were_left_by_another_process_are_new_however_old) {
  seen_messages seen;
  for (std::uint64_t sequence = 5000; sequence < 10'000; ++sequence)
    ASSERT_TRUE(seen.add(from, sequence, older::may_be_left));
  for (const std::uint64_t sequence : {4999, 7, 8})
    EXPECT_TRUE(seen.add(from, sequence, older::may_be_left)) << sequence;
  for (const std::uint64_t sequence : {7, 8, 4999, 5000, 9999})
    EXPECT_FALSE(seen.add(from, sequence, older::may_be_left)) << sequence;
}

TEST(seen_messages, of_other_sources_are_other_messages) {
  seen_messages seen;
  EXPECT_TRUE(seen.add({1, 2, 1001}, 1, older::have_come));
  EXPECT_TRUE(seen.add({1, 2, 1002}, 1, older::have_come));
  EXPECT_TRUE(seen.add({1, 3, 1001}, 1, older::have_come));
  EXPECT_TRUE(seen.add({2, 2, 1001}, 1, older::have_come));
  EXPECT_FALSE(seen.add({1, 2, 1001}, 1, older::have_come));
}

TEST(seen_messages, are_remembered_of_so_many_sources_only) {
  seen_messages seen;
  for (std::uint64_t origin = 1; origin <= 3 * seen_messages::most_sources; ++origin)
    ASSERT_TRUE(seen.add({origin, 1, 1}, 1, older::have_come));
  EXPECT_LE(seen.sources(), seen_messages::most_sources);
}

} // namespace
} // namespace mycelium::bridge
