#include "actors/runtime/block_pool.hpp"

#include <cstring>
#include <gtest/gtest.h>
#include <set>
#include <thread>
#include <vector>

namespace pool = mycelium::runtime::block_pool;

TEST(block_pool, every_size_fits_its_class_and_wastes_at_most_a_quarter_above_256_bytes) {
  for (std::size_t bytes = 1; bytes <= (std::size_t{1} << 20); bytes += bytes < 5000 ? 1 : 997) {
    const int c = pool::class_of(bytes);
    ASSERT_GE(c, 0) << bytes;
    ASSERT_LT(c, pool::class_count) << bytes;
    ASSERT_GE(pool::class_bytes(c), bytes);
    if (c > 0) {
      ASSERT_LT(pool::class_bytes(c - 1), bytes);
    }
    if (bytes > 256) {
      ASSERT_LE(pool::class_bytes(c), bytes + bytes / 4 + 1) << bytes;
    }
  }
  EXPECT_EQ(pool::class_of((std::size_t{1} << 20) + 1), pool::unpooled);
}

TEST(block_pool, living_blocks_are_distinct_aligned_and_as_long_as_asked_for) {
  std::set<void*> seen;
  std::vector<std::pair<void*, int>> blocks;
  for (std::size_t bytes : {1u, 64u, 65u, 200u, 1000u, 70000u, 1u << 20, (1u << 20) + 1}) {
    for (int i = 0; i < 200; ++i) {
      const int c = pool::class_of(bytes);
      void* block = pool::take(bytes, c);
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % 64, 0u);
      EXPECT_TRUE(seen.insert(block).second);
      std::memset(block, 0xab, bytes);
      blocks.emplace_back(block, c);
    }
  }
  for (auto [block, c] : blocks)
    pool::give(block, c);
}

TEST(block_pool, blocks_that_one_thread_takes_and_another_gives_are_used_again) {
  constexpr std::size_t rounds = 200, per_round = 500;
  const int c = pool::class_of(128);
  std::set<void*> seen;
  for (std::size_t r = 0; r < rounds; ++r) {
    std::vector<void*> blocks(per_round);
    for (auto& b : blocks)
      b = pool::take(128, c);
    seen.insert(blocks.begin(), blocks.end());
    std::thread([&] {
      for (auto* b : blocks)
        pool::give(b, c);
    }).join();
  }
  // 100,000 takes; without the way back through the depot each would be a new block.
  EXPECT_LT(seen.size(), 4 * per_round);
}

TEST(block_pool, the_depot_keeps_a_bounded_amount) {
  const int c = pool::class_of(1 << 20);
  std::vector<void*> blocks(100); // 100 MiB
  for (auto& b : blocks)
    b = pool::take(1 << 20, c);
  for (auto* b : blocks)
    pool::give(b, c);
  EXPECT_LE(pool::depot_bytes(), std::size_t{200} << 20);
  std::size_t of_class = 0;
  for (auto& b : blocks) {
    b = pool::take(1 << 20, c);
    ++of_class;
  }
  for (auto* b : blocks)
    pool::give(b, c);
  EXPECT_EQ(of_class, blocks.size());
}
