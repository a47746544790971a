#include "schema/from_text.hpp"
#include "schema/golden/stock.hpp"
#include "schema/payload_plan.hpp"
#include "schema/registry.hpp"

#include <flatbuffers/flatbuffers.h>
#include <gtest/gtest.h>

#include <chrono>
#include <random>

namespace mycelium::schema {
namespace {

using payload = std::vector<std::uint8_t>;

const schema_set& golden_set() {
  static const auto set = *schema_set::load(testing::file_content(MYCELIUM_GOLDEN_BFBS));
  return *set;
}

const schema_set& set_of(const std::string& type) {
  return type.starts_with("mycelium.golden") ? golden_set() : *schema_set::built_in();
}

std::uint16_t id_of(const std::string& type) {
  for (const auto& each : set_of(type).types())
    if (each.name == type)
      return each.type_id;
  throw std::invalid_argument(type);
}

const std::vector<golden::vector>& vectors() {
  static const auto all = golden::read_vectors(MYCELIUM_SOURCE_FOLDER "/schema/golden/vectors.json");
  return all;
}

result<void> check(const std::string& type, const payload& bytes, verify_level level = verify_level::full) {
  return set_of(type).verify(id_of(type), bytes, level);
}

std::shared_ptr<const schema_set> set_from(const std::string& text) {
  return *schema_set::load(testing::bfbs_from_text(text));
}

// A payload put together by hand, from 32-bit and 16-bit words.
class raw {
public:
  raw& u16(unsigned value) {
    bytes_.push_back(static_cast<std::uint8_t>(value));
    bytes_.push_back(static_cast<std::uint8_t>(value >> 8));
    return *this;
  }
  raw& u32(std::uint32_t value) { return u16(value & 0xffff).u16(value >> 16); }
  raw& text(std::string_view value) {
    bytes_.insert(bytes_.end(), value.begin(), value.end());
    return *this;
  }
  const payload& bytes() const { return bytes_; }

private:
  payload bytes_;
};

TEST(payload_check, accepts_every_golden_vector) {
  for (const auto& each : vectors())
    for (const auto level : {verify_level::none, verify_level::size, verify_level::full}) {
      const auto checked = check(each.type, golden::from_hex(each.bytes), level);
      EXPECT_TRUE(checked) << each.name << ": " << checked.error().text;
    }
}

TEST(payload_check, refuses_every_golden_vector_cut_short) {
  for (const auto& each : vectors()) {
    const auto whole = golden::from_hex(each.bytes);
    // Up to three bytes of padding may stand at the end.
    for (std::size_t size = 0; size + 4 < whole.size(); ++size)
      EXPECT_FALSE(check(each.type, payload(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size))))
          << each.name << " cut to " << size;
  }
}

TEST(payload_check, level_size_looks_at_the_root_only) {
  const std::string type = "mycelium.examples.TextMessage";
  for (const auto& bytes : {payload{}, payload(7, 0), payload(8, 0), payload(64, 0), payload(64, 0xff)})
    EXPECT_FALSE(check(type, bytes, verify_level::size)) << bytes.size();
  // Field 0, a string, leads out of the payload: full sees it, size does not.
  const auto bytes = raw().u32(12).u16(0).u16(6).u16(8).u16(4).u32(6).u32(1000).bytes();
  EXPECT_TRUE(check(type, bytes, verify_level::size)) << check(type, bytes, verify_level::size).error().text;
  EXPECT_EQ(check(type, bytes).error().code, status::invalid_payload);
}

TEST(payload_check, unknown_type_is_a_status_of_its_own) {
  EXPECT_EQ(golden_set().verify(1, payload(16), verify_level::full).error().code, status::unknown_type);
}

TEST(payload_check, says_what_is_wrong_and_where) {
  const auto checked = check("mycelium.examples.TextMessage", payload(3));
  ASSERT_FALSE(checked);
  EXPECT_NE(checked.error().text.find("3 bytes"), std::string::npos);
  EXPECT_NE(checked.error().text.find("mycelium.examples.TextMessage"), std::string::npos);
}

TEST(payload_check, required_field_must_be_there) {
  const auto empty_table = raw().u32(8).u16(4).u16(4).u32(4).bytes();
  EXPECT_TRUE(check("mycelium.golden.Empty", empty_table));
  EXPECT_TRUE(check("mycelium.golden.Scalars", empty_table));
  EXPECT_FALSE(check("mycelium.golden.Strings", empty_table));
}

TEST(payload_check, union_has_both_type_and_value_or_neither) {
  // vtable: title, main_type, main. Table: offset, main (a Circle), main_type.
  const auto drawing = [](unsigned type_at, unsigned value_at, std::uint32_t type) {
    return raw()
        .u32(16)
        .u16(10)
        .u16(12)
        .u16(0)
        .u16(type_at)
        .u16(value_at)
        .u16(0)
        .u32(12)
        .u32(16)
        .u32(type) // the table
        .u16(4)
        .u16(4)
        .u32(0) // the Circle's vtable, and room
        .u32(8) // the Circle
        .bytes();
  };
  const std::string type = "mycelium.golden.Drawing";
  EXPECT_TRUE(check(type, drawing(8, 4, 1))) << check(type, drawing(8, 4, 1)).error().text;
  EXPECT_TRUE(check(type, drawing(0, 0, 0)));
  EXPECT_TRUE(check(type, drawing(8, 4, 200))) << "a member that a newer schema may have added";
  EXPECT_FALSE(check(type, drawing(8, 4, 0)));
  EXPECT_FALSE(check(type, drawing(8, 0, 1)));
  EXPECT_FALSE(check(type, drawing(0, 4, 1)));
  EXPECT_FALSE(check(type, drawing(12, 4, 1))) << "the type outside its table";
}

TEST(payload_check, unions_of_structs_strings_and_in_vectors) {
  const auto set = set_from("struct S { x: int; } table T { y: string; } union U { S, T, text: string }"
                            "table M (type_id: 2000) { one: U; many: [U]; }");
  flatbuffers::FlatBufferBuilder out;
  const auto text = out.CreateString("a string in a union");
  const auto start_of_table = out.StartTable();
  const auto table = flatbuffers::Offset<void>(out.EndTable(start_of_table));
  out.Align(4);
  const auto structure = flatbuffers::Offset<void>(out.PushElement<std::int32_t>(7));
  const auto values = out.CreateVector(std::vector<flatbuffers::Offset<void>>{structure, table, text.Union()});
  const auto types = out.CreateVector(std::vector<std::uint8_t>{1, 2, 3});
  const auto start = out.StartTable();
  out.AddOffset(10, values);
  out.AddOffset(8, types);
  out.AddOffset(6, text.Union());
  out.AddElement<std::uint8_t>(4, 3, 0);
  out.Finish(flatbuffers::Offset<void>(out.EndTable(start)));
  payload bytes(out.GetBufferPointer(), out.GetBufferPointer() + out.GetSize());
  EXPECT_TRUE(set->verify(2000, bytes, verify_level::full))
      << set->verify(2000, bytes, verify_level::full).error().text;
  // Every byte, wrong in every bit: no answer matters here but that there is one.
  for (std::size_t i = 0; i < bytes.size(); ++i)
    for (int bit = 0; bit < 8; ++bit) {
      auto bent = bytes;
      bent[i] = static_cast<std::uint8_t>(bent[i] ^ (1 << bit));
      static_cast<void>(set->verify(2000, bent, verify_level::full));
    }
}

TEST(payload_check, elements_have_to_be_aligned_for_readers_in_place) {
  int misaligned = 0;
  // A vector of eight bytes, aligned as bytes are, that says it holds one uint64. What stands before the vector moves
  // it.
  for (std::size_t shift = 0; shift < 8; ++shift) {
    flatbuffers::FlatBufferBuilder out;
    const auto needed = out.CreateVector(std::vector<std::uint8_t>(shift, 0));
    out.StartVector(8, 1);
    out.PushBytes(reinterpret_cast<const std::uint8_t*>("12345678"), 8);
    out.EndVector(1);
    const auto words = flatbuffers::Offset<void>(out.GetSize());
    out.Align(8);
    const auto start = out.StartTable();
    out.AddOffset(30, needed);
    out.AddOffset(20, words);
    out.Finish(flatbuffers::Offset<void>(out.EndTable(start)));
    const payload bytes(out.GetBufferPointer(), out.GetBufferPointer() + out.GetSize());
    const auto content = std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()).find("12345678");
    EXPECT_EQ(static_cast<bool>(check("mycelium.golden.Vectors", bytes)), content % 8 == 0) << shift;
    misaligned += content % 8 != 0;
  }
  EXPECT_GT(misaligned, 0);
}

TEST(payload_check, nesting_beyond_64_is_refused) {
  const auto chain = [](int length) {
    flatbuffers::FlatBufferBuilder out;
    flatbuffers::Offset<void> next;
    for (int i = 0; i < length; ++i) {
      const auto start = out.StartTable();
      out.AddOffset(8, next);
      next = out.EndTable(start);
    }
    out.Finish(next);
    return payload(out.GetBufferPointer(), out.GetBufferPointer() + out.GetSize());
  };
  EXPECT_TRUE(check("mycelium.golden.Node", chain(64)));
  EXPECT_FALSE(check("mycelium.golden.Node", chain(65)));
  EXPECT_FALSE(check("mycelium.golden.Node", chain(100'000)));
}

// 40 levels, each with a hundred times the same child: 100 to the power of 40 tables to visit.
TEST(payload_check, tables_that_are_shared_to_make_work_are_refused_at_once) {
  flatbuffers::FlatBufferBuilder out;
  flatbuffers::Offset<void> node;
  for (int level = 0; level < 40; ++level) {
    flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<void>>> children;
    if (level > 0)
      children = out.CreateVector(std::vector<flatbuffers::Offset<void>>(100, node));
    const auto start = out.StartTable();
    out.AddOffset(10, children);
    node = out.EndTable(start);
  }
  out.Finish(node);
  const payload bytes(out.GetBufferPointer(), out.GetBufferPointer() + out.GetSize());
  const auto before = std::chrono::steady_clock::now();
  const auto checked = check("mycelium.golden.Node", bytes);
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(1));
  ASSERT_FALSE(checked);
  EXPECT_NE(checked.error().text.find("shared"), std::string::npos);
}

// What flatc's own verifier lets pass is not always sound, but what it refuses never is.
TEST(payload_check, accepts_nothing_that_flatc_refuses) {
  std::mt19937 random(7);
  int accepted = 0;
  for (const auto& each : vectors()) {
    const auto whole = golden::from_hex(each.bytes);
    for (int round = 0; round < 300; ++round) {
      auto bent = whole;
      for (int edits = 1 + round % 3; edits > 0; --edits)
        bent[random() % bent.size()] = static_cast<std::uint8_t>(random() % (round % 2 == 0 ? 256 : 16));
      if (!check(each.type, bent))
        continue;
      ++accepted;
      EXPECT_NO_THROW(golden::stock_round_trip(each.type, bent)) << each.name;
    }
  }
  EXPECT_GT(accepted, 1000) << "the test would be empty";
}

} // namespace
} // namespace mycelium::schema
