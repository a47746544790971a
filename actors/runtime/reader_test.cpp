#include "actors/runtime/reader.hpp"

#include <gtest/gtest.h>
#include <memory>
#include <thread>
#include <vector>

using namespace mycelium::runtime;

TEST(reader, what_a_writer_unpublished_is_not_read_after_it_waited) {
  struct value {
    std::atomic<bool> alive{true};
  };
  std::atomic<value*> current{new value};
  std::atomic<bool> stop{false};
  std::atomic<int> reads_of_the_dead{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i)
    readers.emplace_back([&] {
      while (!stop) {
        const read_guard guard;
        if (!current.load(std::memory_order_seq_cst)->alive.load(std::memory_order_relaxed))
          ++reads_of_the_dead;
      }
    });
  for (int i = 0; i < 300; ++i) {
    std::unique_ptr<value> old(current.exchange(new value, std::memory_order_seq_cst));
    wait_for_readers();
    old->alive = false;
  }
  stop = true;
  for (auto& t : readers)
    t.join();
  delete current.load();
  EXPECT_EQ(reads_of_the_dead, 0);
}

TEST(reader, guards_nest_and_only_the_outermost_counts) {
  const read_guard outer;
  const auto turn = this_reader->turn.load();
  EXPECT_EQ(turn % 2, 1u);
  {
    const read_guard inner;
    EXPECT_EQ(this_reader->turn.load(), turn);
  }
  EXPECT_EQ(this_reader->turn.load(), turn) << "the inner guard must not lower the flag";
}

TEST(reader, a_slot_is_used_again_when_its_thread_has_ended) {
  reader_slot* first = nullptr;
  reader_slot* second = nullptr;
  std::thread([&] { first = (read_guard(), this_reader); }).join();
  std::thread([&] { second = (read_guard(), this_reader); }).join();
  EXPECT_EQ(first, second);
}
