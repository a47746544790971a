#include "actors/runtime/turnstile.hpp"

#include <atomic>
#include <gtest/gtest.h>
#include <thread>
#include <vector>

using mycelium::runtime::turnstile;

TEST(turnstile, waits_for_those_who_were_inside_and_for_no_others) {
  turnstile t;
  EXPECT_TRUE(t.is_empty());
  const auto early = t.enter();
  ASSERT_TRUE(t.turn());
  EXPECT_FALSE(t.have_left());
  const auto late = t.enter();
  t.leave(early);
  EXPECT_TRUE(t.have_left());
  EXPECT_FALSE(t.is_empty());
  t.leave(late);
  EXPECT_TRUE(t.is_empty());
}

TEST(turnstile, does_not_turn_while_somebody_is_waited_for) {
  turnstile t;
  const auto early = t.enter();
  ASSERT_TRUE(t.turn());
  const auto late = t.enter();
  EXPECT_FALSE(t.turn());
  t.leave(late);
  EXPECT_FALSE(t.turn());
  EXPECT_FALSE(t.have_left());
  t.leave(early);
  EXPECT_TRUE(t.turn());
  EXPECT_TRUE(t.have_left());
}

TEST(turnstile, counts_everybody_while_it_turns) {
  turnstile t;
  constexpr int each = 50'000;
  std::atomic<int> busy{3};
  std::vector<std::jthread> threads;
  for (int i = 0; i < 3; ++i)
    threads.emplace_back([&] {
      for (int n = 0; n < each; ++n)
        t.leave(t.enter());
      --busy;
    });
  int turns = 0;
  do
    turns += t.turn() ? 1 : 0;
  while (busy != 0);
  EXPECT_GT(turns, 0);
  EXPECT_TRUE(t.is_empty());
}
