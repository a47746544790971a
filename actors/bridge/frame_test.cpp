#include "actors/bridge/frame.hpp"

#include "actors/bridge/crc32c.hpp"
#include "actors/bridge/hmac.hpp"
#include "schema/sha256.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>
#include <string>

namespace mycelium::bridge {
namespace {

bytes as_bytes(std::string_view text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }

frame full_frame(std::string_view payload) {
  frame what;
  what.header.type_id = 1001;
  what.header.flags = flag_request;
  what.header.sequence = 7;
  what.header.correlation = 99;
  what.header.priority = 3;
  what.header.hops = 2;
  what.envelope = {.origin = 5, .publisher_id = 6, .sequence = 8, .timestamp_ns = -1};
  what.key = 11;
  what.trace.emplace();
  what.trace->trace_id[0] = 1;
  what.trace->span_id[7] = 2;
  what.trace->flags = 1;
  what.payload = as_bytes(payload);
  return what;
}

void feed(frame_reader& reader, bytes all) {
  auto room = reader.room(all.size());
  std::ranges::copy(all, room.begin());
  reader.filled(all.size());
}

TEST(crc32c, is_that_of_rfc_3720) {
  EXPECT_EQ(crc32c(as_bytes("123456789")), 0xe3069283u);
  EXPECT_EQ(crc32c(byte_buffer(32, 0)), 0x8a9136aau);
  EXPECT_EQ(crc32c(byte_buffer(32, 0xff)), 0x62a8ab43u);
  EXPECT_EQ(crc32c(as_bytes("6789"), crc32c(as_bytes("12345"))), 0xe3069283u);
}

TEST(hmac, is_that_of_rfc_4231) {
  EXPECT_EQ(schema::hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(
      schema::hex(hmac_sha256(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First")),
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  EXPECT_TRUE(equal_in_constant_time(as_bytes("abc"), as_bytes("abc")));
  EXPECT_FALSE(equal_in_constant_time(as_bytes("abc"), as_bytes("abd")));
  EXPECT_FALSE(equal_in_constant_time(as_bytes("abc"), as_bytes("ab")));
}

TEST(frames, come_back_with_everything_that_was_in_them) {
  for (const std::string payload : {"", "x", "sixteen bytes...", "seventeen bytes.."}) {
    byte_buffer out;
    append_frame(out, full_frame(payload));
    EXPECT_EQ(out.size() % 16, 0u);
    frame_reader reader(1 << 20);
    feed(reader, out);
    const auto read = reader.next();
    ASSERT_TRUE(read && *read);
    const auto& got = **read;
    EXPECT_EQ(got.header.type_id, 1001);
    EXPECT_TRUE(got.is_request());
    EXPECT_EQ(got.header.sequence, 7u);
    EXPECT_EQ(got.header.correlation, 99u);
    EXPECT_EQ(got.header.priority, 3);
    EXPECT_EQ(got.header.hops, 2);
    EXPECT_EQ(got.envelope.origin, 5u);
    EXPECT_EQ(got.envelope.publisher_id, 6u);
    EXPECT_EQ(got.envelope.sequence, 8u);
    EXPECT_EQ(got.envelope.timestamp_ns, -1);
    EXPECT_EQ(got.key, 11u);
    ASSERT_TRUE(got.trace);
    EXPECT_EQ(got.trace->trace_id[0], 1);
    EXPECT_EQ(got.trace->span_id[7], 2);
    EXPECT_EQ(got.trace->flags, 1);
    EXPECT_EQ(std::string(got.payload.begin(), got.payload.end()), payload);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(got.payload.data()) % 16, 0u);
    EXPECT_FALSE(*reader.next());
  }
}

TEST(frames, are_cut_out_of_a_stream_however_it_comes) {
  byte_buffer out;
  for (int i = 0; i < 100; ++i)
    append_frame(out, full_frame(std::string(std::size_t(i) * 7, char('a' + i % 26))));
  std::mt19937 random(1);
  frame_reader reader(1 << 20);
  std::size_t fed = 0;
  int count = 0;
  while (fed < out.size()) {
    const auto piece = std::min<std::size_t>(out.size() - fed, random() % 200 + 1);
    feed(reader, bytes(out).subspan(fed, piece));
    fed += piece;
    for (;;) {
      auto next = reader.next();
      ASSERT_TRUE(next);
      if (!*next)
        break;
      EXPECT_EQ((*next)->payload.size(), std::size_t(count) * 7);
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>((*next)->payload.data()) % 16, 0u);
      ++count;
    }
  }
  EXPECT_EQ(count, 100);
  EXPECT_EQ(reader.unread(), 0u);
}

TEST(frames, with_any_bit_changed_are_refused_or_wait_for_more) {
  byte_buffer good;
  append_frame(good, full_frame("sixteen bytes..."));
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    auto bad = good;
    bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ (1u << (bit % 8)));
    frame_reader reader(1 << 20);
    feed(reader, bad);
    const auto next = reader.next();
    EXPECT_FALSE(next && *next) << "bit " << bit;
  }
}

TEST(frames, that_are_too_long_are_refused_by_their_header_alone) {
  frame_header header;
  header.length = 1 << 20;
  header.type_id = 1;
  frame_reader reader((1 << 20) - 1);
  feed(reader, {reinterpret_cast<const std::uint8_t*>(&header), sizeof header});
  EXPECT_FALSE(reader.next());
}

TEST(frames, take_memory_for_what_has_come_not_for_what_they_promise) {
  frame_header header;
  header.length = 1u << 30;
  header.type_id = 1;
  frame_reader reader(1u << 31);
  feed(reader, {reinterpret_cast<const std::uint8_t*>(&header), sizeof header});
  ASSERT_TRUE(reader.next());
  EXPECT_LT(reader.room(1024).size(), 1u << 16);
}

TEST(frames, of_random_bytes_never_do_harm) {
  std::mt19937 random(2);
  for (int round = 0; round < 2000; ++round) {
    frame_reader reader(4096);
    byte_buffer noise(random() % 300);
    for (auto& each : noise)
      each = static_cast<std::uint8_t>(random());
    if (noise.size() > 8) { // believable enough to come further
      noise[2] = noise[3] = 0;
      noise[1] = 0;
    }
    feed(reader, noise);
    for (auto next = reader.next(); next && *next; next = reader.next()) {
    }
  }
}

} // namespace
} // namespace mycelium::bridge
