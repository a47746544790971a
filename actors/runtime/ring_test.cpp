#include "actors/runtime/ring.hpp"

#include <gtest/gtest.h>
#include <memory>
#include <thread>
#include <vector>

using mycelium::runtime::message;
using mycelium::runtime::message_ptr;
using mycelium::runtime::ring;

namespace {

message* numbered(std::uint64_t publisher, std::uint64_t sequence) {
  auto* m = message::make(1, 0, false);
  m->publisher_id = publisher;
  m->sequence = sequence;
  return m;
}

} // namespace

TEST(ring, holds_exactly_its_capacity_and_keeps_order_over_many_laps) {
  ring r(8);
  for (std::uint64_t lap = 0; lap < 100; ++lap) {
    for (std::uint64_t i = 0; i < 8; ++i)
      ASSERT_TRUE(r.push(numbered(1, lap * 8 + i)));
    const message_ptr over(numbered(1, 999));
    ASSERT_FALSE(r.push(over.get()));
    for (std::uint64_t i = 0; i < 8; ++i) {
      const message_ptr m(lap % 2 ? r.pop() : r.pop_shared());
      ASSERT_TRUE(m);
      ASSERT_EQ(m->sequence, lap * 8 + i);
    }
    ASSERT_EQ(r.pop(), nullptr);
    ASSERT_TRUE(r.empty());
  }
  EXPECT_EQ(r.pushed(), 800u);
  EXPECT_EQ(r.popped(), 800u);
}

TEST(ring, keeps_the_order_of_each_of_several_producers_and_loses_nothing) {
  constexpr std::uint64_t producers = 3, each = 20000;
  ring r(64);
  std::vector<std::thread> threads;
  for (std::uint64_t p = 0; p < producers; ++p)
    threads.emplace_back([&r, p] {
      for (std::uint64_t i = 0; i < each; ++i) {
        const auto* m = numbered(p, i);
        while (!r.push(m))
          std::this_thread::yield();
      }
    });
  std::vector<std::uint64_t> next(producers, 0);
  for (std::uint64_t got = 0; got < producers * each;) {
    const message_ptr m(r.pop());
    if (!m) {
      std::this_thread::yield();
      continue;
    }
    ASSERT_EQ(m->sequence, next[m->publisher_id]++);
    ++got;
  }
  for (auto& t : threads)
    t.join();
  EXPECT_TRUE(r.empty());
}

TEST(ring, producers_that_drop_the_oldest_and_the_consumer_share_what_is_popped) {
  constexpr std::uint64_t producers = 2, each = 20000;
  ring r(4);
  std::atomic<std::uint64_t> dropped{0};
  std::atomic<int> running{producers};
  std::vector<std::thread> threads;
  for (std::uint64_t p = 0; p < producers; ++p)
    threads.emplace_back([&, p] {
      for (std::uint64_t i = 0; i < each; ++i) {
        const auto* m = numbered(p, i);
        while (!r.push(m))
          if (const message_ptr oldest(r.pop_shared()); oldest)
            ++dropped;
      }
      --running;
    });
  std::uint64_t delivered = 0;
  std::vector<std::uint64_t> next(producers, 0);
  while (running > 0 || !r.empty()) {
    const message_ptr m(r.pop_shared());
    if (!m)
      continue;
    ASSERT_GE(m->sequence, next[m->publisher_id]);
    next[m->publisher_id] = m->sequence + 1;
    ++delivered;
  }
  for (auto& t : threads)
    t.join();
  EXPECT_EQ(delivered + dropped, producers * each);
}
