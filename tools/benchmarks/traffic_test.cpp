// The audit must catch what it is there for; otherwise no number of ours would mean anything.
#include "tools/benchmarks/traffic.hpp"

#include <gtest/gtest.h>

namespace mycelium::bench {

namespace {

constexpr std::size_t size = 100; // no multiple of 8: the last word is short

struct wire {
  stream out{0, size};
  audit in{2, size, nullptr};
  std::vector<std::uint8_t> message = std::vector<std::uint8_t>(size);

  void write() { out.write_next(message.data()); }
  void deliver() { in.receive(message.data(), message.size()); }
  void carry(int count) {
    in.expect(0, static_cast<std::uint64_t>(count));
    for (int i = 0; i < count; ++i) {
      write();
      deliver();
    }
  }
};

} // namespace

TEST(audit, is_content_with_everything_once_and_in_order) {
  wire w;
  w.carry(3000); // some of them sampled
  EXPECT_EQ(w.in.complaint(), "");
}

TEST(audit, catches_a_loss) {
  wire w;
  w.carry(10);
  w.in.expect(0, 1);
  EXPECT_EQ(w.in.complaint(), "1 lost of publisher 0");
}

TEST(audit, catches_a_repetition) {
  wire w;
  w.carry(10);
  w.deliver();
  EXPECT_EQ(w.in.complaint(), "1 too many of publisher 0; 1 out of order of publisher 0");
}

TEST(audit, catches_a_swap) {
  wire w;
  w.in.expect(0, 2);
  w.write();
  const auto first = w.message;
  w.write();
  w.deliver();
  w.message = first;
  w.deliver();
  EXPECT_EQ(w.in.complaint(), "2 out of order of publisher 0");
}

TEST(audit, catches_a_changed_header_in_every_message) {
  wire w;
  w.carry(5);
  w.in.expect(0, 1);
  w.write();
  w.message[offsetof(header, check)] ^= 1;
  w.deliver();
  EXPECT_EQ(w.in.complaint(), "1 damaged of publisher 0");
}

TEST(audit, catches_any_changed_byte_of_a_sampled_message) {
  for (std::size_t at = sizeof(header); at < size; ++at) {
    wire w;
    w.in.expect(0, 1);
    w.write(); // the first is sampled
    w.message[at] ^= 0x80;
    w.deliver();
    EXPECT_EQ(w.in.complaint(), "1 damaged of publisher 0") << "byte " << at;
  }
}

TEST(audit, catches_a_strange_size_and_a_strange_publisher) {
  wire w;
  w.write();
  w.in.receive(w.message.data(), size - 1);
  stream stranger(7, size);
  stranger.write_next(w.message.data());
  w.deliver();
  EXPECT_EQ(w.in.complaint(), "2 of unknown origin or wrong size");
}

TEST(finish_line, ends_with_the_last_arrival_only) {
  finish_line line;
  line.expect(2);
  line.arrive();
  EXPECT_FALSE(line.wait(0));
  line.arrive();
  EXPECT_TRUE(line.wait(0));
}

} // namespace mycelium::bench
