// The generated C++ against the golden vectors, and against stock flatc.
#include "golden.hpp" // written by mycelium schema compile when this is built
#include "mycelium.hpp"

#include "schema/from_text.hpp"
#include "schema/golden/stock.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <random>

namespace mycelium::schema_compiler {
namespace {

using namespace mycelium::examples;
using namespace mycelium::golden;
using payload = std::vector<std::uint8_t>;

// What the test asks of every message type.
struct codec {
  std::uint16_t type_id;
  schema::digest type_digest;
  // The bytes of what the payload says; nothing if it is refused.
  std::function<std::optional<payload>(std::span<const std::uint8_t>)> round_trip;
};

template <class T>
codec codec_of() {
  return {T::type_id, T::type_digest, [](std::span<const std::uint8_t> bytes) -> std::optional<payload> {
            const auto value = T::decode(bytes);
            if (!value)
              return std::nullopt;
            return value->encode();
          }};
}

template <class... T>
std::map<std::string, codec> codecs_of() {
  return {{std::string(T::type_name), codec_of<T>()}...};
}

const std::map<std::string, codec>& codecs() {
  static const auto all =
      codecs_of<TextMessage, CounterUpdate, BatchOperation, WordCountRequest, WordCountReply, Scalars, Defaults,
                Optionals, Strings, Vectors, Structs, Node, Drawing, Evolved, Mixed, Empty>();
  return all;
}

const std::vector<schema::golden::vector>& vectors() {
  static const auto all = schema::golden::read_vectors(MYCELIUM_SOURCE_FOLDER "/schema/golden/vectors.json");
  return all;
}

payload bytes_of(const std::string& name) {
  for (const auto& each : vectors())
    if (each.name == name)
      return schema::golden::from_hex(each.bytes);
  throw std::invalid_argument(name);
}

const schema::schema_set& golden_set() {
  static const auto set = *schema::schema_set::load(schema::testing::file_content(MYCELIUM_GOLDEN_BFBS));
  return *set;
}

TEST(golden, there_are_vectors_for_every_message) {
  EXPECT_GE(vectors().size(), 60u);
  std::map<std::string, int> counts;
  for (const auto& each : vectors())
    ++counts[each.type];
  EXPECT_EQ(counts.size(), codecs().size());
}

TEST(golden, stock_flatc_writes_the_committed_bytes) {
  for (const auto& each : vectors())
    EXPECT_EQ(
        schema::golden::to_hex(schema::golden::stock_encoding(MYCELIUM_SOURCE_FOLDER "/schema", each.type, each.value)),
        each.bytes)
        << each.name;
}

TEST(golden, generated_code_reads_and_writes_the_same_bytes) {
  for (const auto& each : vectors()) {
    const auto bytes = schema::golden::from_hex(each.bytes);
    const auto again = codecs().at(each.type).round_trip(bytes);
    ASSERT_TRUE(again) << each.name;
    EXPECT_EQ(schema::golden::to_hex(*again), each.bytes) << each.name;
  }
}

TEST(golden, payloads_may_stand_at_any_address) {
  for (const auto& each : vectors()) {
    const auto bytes = schema::golden::from_hex(each.bytes);
    for (std::size_t shift = 1; shift < 8; ++shift) {
      payload moved(shift);
      moved.insert(moved.end(), bytes.begin(), bytes.end());
      const auto again = codecs().at(each.type).round_trip(std::span(moved).subspan(shift));
      ASSERT_TRUE(again) << each.name << " at " << shift;
      EXPECT_EQ(*again, bytes) << each.name << " at " << shift;
    }
  }
}

TEST(golden, generated_digests_are_those_of_the_registry) {
  for (const auto& [name, codec] : codecs()) {
    const auto* type = golden_set().find(codec.type_id);
    type = type ? type : schema::schema_set::built_in()->find(codec.type_id);
    ASSERT_NE(type, nullptr) << name;
    EXPECT_EQ(type->name, name);
    EXPECT_EQ(type->type_digest, codec.type_digest) << name;
  }
  EXPECT_EQ(mycelium::schemas::golden, golden_set().set_digest());
  EXPECT_EQ(mycelium::schemas::mycelium, schema::schema_set::built_in()->set_digest());
}

// Values written out here by hand: a swap of two fields in both directions would pass the round trips above.
TEST(golden, examples_hold_the_values_that_they_should) {
  EXPECT_EQ((TextMessage{.sender = "ada", .content = "Hello, mycelium!", .timestamp = 1700000000123456789u}).encode(),
            bytes_of("text_message_full"));
  EXPECT_EQ((CounterUpdate{.counter_id = 7, .value = -1, .delta = 2147483647}).encode(),
            bytes_of("counter_update_full"));
  BatchOperation batch{.operation_id = 1, .items = {{}}, .total_count = 1};
  for (std::uint8_t i = 0; i < 20; ++i)
    batch.items[0].bytes[i] = i;
  EXPECT_EQ(batch.encode(), bytes_of("batch_operation_one"));
  EXPECT_EQ(BatchOperation::decode(bytes_of("batch_operation_one")), batch);
  EXPECT_EQ((WordCountReply{.words = 5, .bytes = 24}).encode(), bytes_of("word_count_reply"));
}

TEST(golden, scalars_hold_the_values_that_they_should) {
  const Scalars scalars{.boolean = true,
                        .int8 = -2,
                        .uint8 = 3,
                        .int16 = -4,
                        .uint16 = 5,
                        .int32 = -6,
                        .uint32 = 7,
                        .int64 = -8,
                        .uint64 = 9,
                        .float32 = 10.5f,
                        .float64 = -11.25};
  EXPECT_EQ(scalars.encode(), bytes_of("scalars_distinct"));
  EXPECT_EQ(Scalars::decode(bytes_of("scalars_distinct")), scalars);
  const auto infinite = Scalars::decode(bytes_of("scalars_infinite"));
  EXPECT_EQ(infinite->float32, std::numeric_limits<float>::infinity());
  EXPECT_EQ(infinite->float64, -std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(Scalars::decode(bytes_of("scalars_nan"))->float32));
  EXPECT_EQ(Defaults{}.encode(), bytes_of("defaults_left_out"));
  EXPECT_EQ(Defaults::decode(bytes_of("defaults_left_out")), Defaults{});
  const auto enums = Defaults::decode(bytes_of("defaults_enums"));
  EXPECT_EQ(enums->colour, Colour::Darkest);
  EXPECT_EQ(enums->access, Access::Admin | Access::Read);
  EXPECT_EQ(enums->size, Size::Largest);
  EXPECT_EQ(
      (Optionals{
           .boolean = true, .int16 = -300, .uint64 = 18446744073709551615u, .float64 = -0.5, .colour = Colour::Blue})
          .encode(),
      bytes_of("optionals_some"));
  EXPECT_FALSE(Optionals::decode(bytes_of("optionals_absent"))->boolean.has_value());
  EXPECT_EQ(Optionals::decode(bytes_of("optionals_zero"))->boolean, false);
}

TEST(golden, strings_vectors_and_structs_hold_the_values_that_they_should) {
  EXPECT_EQ((Strings{.plain = "plain", .needed = "needed", .list = {"one", "", "three", "漢", "🍄"}}).encode(),
            bytes_of("strings_full"));
  const Vectors one{.booleans = {true},
                    .int8s = {-1},
                    .uint8s = {1},
                    .int16s = {-2},
                    .uint16s = {2},
                    .int32s = {-3},
                    .uint32s = {3},
                    .int64s = {-4},
                    .uint64s = {4},
                    .float32s = {0.5f},
                    .float64s = {-0.25},
                    .colours = {Colour::Blue},
                    .sizes = {Size::Small},
                    .needed = {9}};
  EXPECT_EQ(one.encode(), bytes_of("vectors_one_each"));
  EXPECT_EQ(Vectors::decode(bytes_of("vectors_one_each")), one);
  const auto frame = [](bool flag, std::int32_t k) {
    const auto byte = [k](int i) { return static_cast<std::uint8_t>(k + i); };
    const auto near = static_cast<std::int16_t>(-k);
    return Frame{.flag = flag,
                 .origin = {k, near},
                 .scale = k + 0.5,
                 .name = {byte(0), byte(1), byte(2), byte(3), byte(4)},
                 .corners = {Point{k, 1}, Point{-k, 2}, Point{3, -3}},
                 .colour = Colour::Blue};
  };
  const Structs all{.before = true,
                    .point = Point{5, 6},
                    .frame = frame(false, 9),
                    .wide = Wide{7, 8},
                    .points = {{1, 1}},
                    .frames = {frame(true, 4)},
                    .wides = {{9, 10}}};
  EXPECT_EQ(all.encode(), bytes_of("structs_everything"));
  EXPECT_EQ(Structs::decode(bytes_of("structs_everything")), all);
}

TEST(golden, tables_and_unions_hold_the_values_that_they_should) {
  Node chain{.name = "a", .weight = 1};
  chain.next = Node{.name = "b", .weight = 2};
  chain.next->next = Node{.name = "c"};
  chain.next->next->next.emplace();
  EXPECT_EQ(chain.encode(), bytes_of("node_chain"));
  EXPECT_EQ(Node::decode(bytes_of("node_chain")), chain);
  Drawing both{.title = "both"};
  both.main.emplace<2>(Square{.label = "m"});
  both.background.emplace<1>(Circle{.radius = -1.0});
  both.node = Node{.name = "n"};
  EXPECT_EQ(both.encode(), bytes_of("drawing_both"));
  EXPECT_EQ(Drawing::decode(bytes_of("drawing_both")), both);
  EXPECT_EQ(Drawing::decode(bytes_of("drawing_twin"))->main.index(), 3u);
  EXPECT_EQ(std::get<4>(Drawing::decode(bytes_of("drawing_in_drawing"))->main)->title, "inner");
  Evolved evolved{.first = 1, .second = 2, .third = "three", .last = -6};
  evolved.shape.emplace<1>(Circle{.radius = 4.0});
  EXPECT_EQ(evolved.encode(), bytes_of("evolved_full"));
  const Mixed mixed{.a = 1,
                    .b = 2,
                    .c = "see",
                    .d = -4,
                    .e = {Node{.name = "e1"}, Node{.weight = 2}},
                    .f = 0.5f,
                    .g = 0.25,
                    .h = true,
                    .i = Circle{.radius = 8.0},
                    .j = Point{9, 10},
                    .k = Access::Read | Access::Write,
                    .l = 0};
  EXPECT_EQ(mixed.encode(), bytes_of("mixed_full"));
  EXPECT_EQ(Mixed::decode(bytes_of("mixed_full")), mixed);
}

TEST(golden, negative_zero_is_the_default_zero) {
  EXPECT_EQ((Scalars{.float32 = -0.0f, .float64 = -0.0}).encode(), bytes_of("scalars_zero"));
}

TEST(golden, a_builder_that_is_used_again_writes_the_same) {
  flatbuffers::FlatBufferBuilder builder;
  for (int i = 0; i < 3; ++i) {
    const auto bytes = Structs::decode(bytes_of("structs_everything"))->encode(builder);
    EXPECT_EQ(payload(bytes.begin(), bytes.end()), bytes_of("structs_everything"));
    const auto text = TextMessage{.content = "x"}.encode(builder);
    EXPECT_EQ(payload(text.begin(), text.end()), bytes_of("text_message_only_content"));
  }
}

TEST(golden, refusal_says_why) {
  mycelium::flat1::flaw why;
  EXPECT_FALSE(TextMessage::decode(payload(5), &why));
  EXPECT_STREQ(why.what, "payload is shorter than any table");
}

// An unknown member, added by a newer schema, reads as no member.
TEST(golden, a_union_member_from_the_future_reads_as_empty) {
  auto bytes = bytes_of("drawing_circle");
  const auto type = std::find(bytes.begin(), bytes.end(), 1); // the only byte that is 1: the member's number
  ASSERT_NE(type, bytes.end());
  ASSERT_EQ(std::count(bytes.begin(), bytes.end(), 1), 1);
  *type = 200;
  const auto read = Drawing::decode(bytes);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->main.index(), 0u);
  EXPECT_EQ(read->title, "one");
}

// The hundred thousand: an error or a value, never a crash; and the runtime's check accepts no payload that the
// generated code refuses, nor the other way round, but for fields that are deprecated.
TEST(golden, mutated_payloads_are_an_error_or_a_value_and_the_registry_agrees) {
  std::mt19937 random(3);
  int accepted = 0;
  int rounds = 0;
  while (rounds < 100'000)
    for (const auto& each : vectors()) {
      ++rounds;
      auto bytes = schema::golden::from_hex(each.bytes);
      for (unsigned edits = 1 + random() % 4; edits > 0; --edits)
        bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random() % (random() % 2 == 0 ? 256 : 24));
      if (random() % 8 == 0)
        bytes.resize(random() % (bytes.size() + 1));
      const auto& codec = codecs().at(each.type);
      const auto& set = codec.type_id < 50000 ? *schema::schema_set::built_in() : golden_set();
      const bool checked = static_cast<bool>(set.verify(codec.type_id, bytes, schema::verify_level::full));
      const auto again = codec.round_trip(bytes);
      accepted += again.has_value();
      if (each.type == Evolved::type_name ? checked && !again : checked != again.has_value())
        FAIL() << each.name << " " << schema::golden::to_hex(bytes);
      // What was read is written canonically, and reads as itself.
      if (again) {
        ASSERT_EQ(codec.round_trip(*again), again) << each.name << " " << schema::golden::to_hex(bytes);
      }
    }
  EXPECT_GT(accepted, 10'000) << "the test would be empty";
  EXPECT_LT(accepted, 90'000);
}

} // namespace
} // namespace mycelium::schema_compiler
