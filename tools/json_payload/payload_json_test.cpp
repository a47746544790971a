// JSON and payloads: every golden vector both ways, and what is wrong is named.
#include "schema/built_in.hpp"
#include "schema/from_text.hpp"
#include "schema/golden/stock.hpp"
#include "tools/json_payload/payload_json.hpp"

#include <gtest/gtest.h>

#include <random>

namespace mycelium::json_payload {
namespace {

using schema_compiler::model;
using schema_compiler::table;

const model& built_in() {
  static const auto all = *schema_compiler::load_model(schema::built_in_bfbs(), "mycelium");
  return all;
}

const model& golden() {
  static const auto bfbs = schema::testing::file_content(MYCELIUM_GOLDEN_BFBS);
  static const auto all = *schema_compiler::load_model(bfbs, "golden");
  return all;
}

struct known {
  const model* in;
  const table* type;
};

known find(const std::string& name) {
  for (const auto* each : {&built_in(), &golden()})
    for (const auto& type : each->tables)
      if (type.name.full == name)
        return {each, &type};
  throw std::invalid_argument(name);
}

const std::vector<schema::golden::vector>& vectors() {
  static const auto all = schema::golden::read_vectors(MYCELIUM_SOURCE_FOLDER "/schema/golden/vectors.json");
  return all;
}

std::string problem(const std::string& type, const std::string& text) {
  const auto [in, table] = find("mycelium.golden." + type);
  const auto value = parse(text);
  const auto made = value ? from_json(*in, *table, *value) : result<std::vector<std::uint8_t>>(value.error());
  return made ? "accepted" : made.error().text;
}

TEST(json_payload, golden_values_become_the_golden_bytes) {
  ASSERT_GE(vectors().size(), 60u);
  for (const auto& each : vectors()) {
    const auto [in, type] = find(each.type);
    const auto bytes = from_json(*in, *type, *parse(each.value));
    ASSERT_TRUE(bytes) << each.name << ": " << bytes.error().text;
    EXPECT_EQ(schema::golden::to_hex(*bytes), each.bytes) << each.name;
  }
}

TEST(json_payload, what_is_printed_reads_back_as_the_same_bytes) {
  for (const auto& each : vectors()) {
    const auto [in, type] = find(each.type);
    const auto value = to_json(*in, *type, schema::golden::from_hex(each.bytes));
    ASSERT_TRUE(value) << each.name << ": " << value.error().text;
    const auto printed = parse(value->dump());
    ASSERT_TRUE(printed) << each.name;
    const auto again = from_json(*in, *type, *printed);
    ASSERT_TRUE(again) << each.name << ": " << again.error().text << " in " << value->dump();
    EXPECT_EQ(schema::golden::to_hex(*again), each.bytes) << each.name << ": " << value->dump();
  }
}

TEST(json_payload, enums_have_names_and_absent_numbers_their_defaults) {
  const auto [in, type] = find("mycelium.golden.Defaults");
  const auto empty = to_json(*in, *type, *from_json(*in, *type, json::object()));
  ASSERT_TRUE(empty);
  EXPECT_EQ((*empty)["colour"], "Blue");
  EXPECT_EQ((*empty)["int8"], -128);
  EXPECT_EQ((*empty)["uint64"], 9223372036854775807u);
  EXPECT_EQ((*empty)["infinite"], "inf");
  EXPECT_EQ((*empty)["float32"].dump(), "0.1");
  const auto flags = to_json(*in, *type, *from_json(*in, *type, json{{"access", "Read Execute"}, {"colour", "Red"}}));
  EXPECT_EQ((*flags)["access"], "Read Execute");
  EXPECT_EQ((*flags)["colour"], "Red");
  const auto odd = to_json(*in, *type, *from_json(*in, *type, json{{"access", 1 << 9}, {"colour", 77}}));
  EXPECT_EQ((*odd)["access"], 1 << 9);
  EXPECT_EQ((*odd)["colour"], 77);
}

TEST(json_payload, what_is_absent_is_left_out_or_empty) {
  const auto [in, type] = find("mycelium.golden.Mixed");
  const auto value = to_json(*in, *type, *from_json(*in, *type, json{{"c", nullptr}, {"i", nullptr}}));
  ASSERT_TRUE(value);
  EXPECT_EQ((*value)["c"], "");
  EXPECT_EQ((*value)["e"], json::array());
  EXPECT_FALSE(value->contains("i"));
  EXPECT_FALSE(value->contains("j"));
  EXPECT_FALSE(value->contains("l"));
}

TEST(json_payload, what_is_wrong_is_named_with_its_place) {
  EXPECT_EQ(problem("Scalars", "[]"), "a Scalars is an object {...}");
  EXPECT_EQ(problem("Scalars", "{\"int8\": 128}"), "int8: 128 is no byte");
  EXPECT_EQ(problem("Scalars", "{\"int8\": 1.5}"), "int8: 1.5 is no byte");
  EXPECT_EQ(problem("Scalars", "{\"uint64\": -1}"), "uint64: -1 is no ulong");
  EXPECT_EQ(problem("Scalars", "{\"boolean\": 1}"), "boolean: 1 is neither true nor false");
  EXPECT_EQ(problem("Scalars", "{\"float32\": 1e39}"), "float32: 1e+39 is no float");
  EXPECT_NE(problem("Scalars", "{\"float64\": \"high\"}").find("\"nan\""), std::string::npos);
  EXPECT_NE(problem("Scalars", "{\"int9\": 1}").find("Scalars has no field 'int9'; there are: boolean, int8"),
            std::string::npos);
  EXPECT_EQ(problem("Empty", "{\"a\": 1}"), "Empty has no field 'a'; it has none");
  EXPECT_EQ(problem("Defaults", "{\"colour\": \"Pink\"}"), "colour: 'Pink' is none of Darkest, Red, Green, Blue");
  EXPECT_EQ(problem("Defaults", "{\"colour\": \"Red Blue\"}"), "colour: 'Red Blue' is no value of Colour");
  EXPECT_EQ(problem("Strings", "{}"), "needed: it is required");
  EXPECT_EQ(problem("Strings", "{\"needed\": \"\", \"list\": [\"a\", 7]}"), "list[1]: 7 is no string");
  EXPECT_EQ(problem("Node", "{\"children\": [{}, {\"next\": {\"weight\": \"heavy\"}}]}"),
            "children[1].next.weight: \"heavy\" is no int");
  EXPECT_EQ(problem("Structs", "{\"point\": {\"z\": 1}}"), "point: Point has no field 'z'; there are: x, y");
  EXPECT_EQ(problem("Structs", "{\"frame\": {\"name\": [1, 2]}}"), "frame.name: it is an array of 5");
  EXPECT_NE(problem("Drawing", "{\"main\": {}}").find("'main_type', one of Circle, Square, Twin, Drawing"),
            std::string::npos);
  EXPECT_NE(problem("Scalars", "{\"int8\": }").find("no JSON: parse error at line 1, column 10"), std::string::npos);
  std::string deep;
  for (int i = 0; i < 100; ++i)
    deep += "{\"next\": ";
  EXPECT_NE(problem("Node", deep + "{}" + std::string(100, '}')).find("deeper than 64"), std::string::npos);
}

TEST(json_payload, hostile_bytes_are_refused_or_read_never_more) {
  std::mt19937 dice(20261121);
  std::size_t refused = 0;
  for (const auto& each : vectors()) {
    const auto [in, type] = find(each.type);
    const auto bytes = schema::golden::from_hex(each.bytes);
    for (int i = 0; i < 200; ++i) {
      auto changed = bytes;
      for (auto n = dice() % 4 + 1; n > 0; --n)
        changed[dice() % changed.size()] = static_cast<std::uint8_t>(dice() % 2 == 0 ? dice() : dice() % 24);
      if (const auto value = to_json(*in, *type, changed); !value) {
        ++refused;
        EXPECT_EQ(value.error().code, status::invalid_payload);
      } else {
        const auto text = value->dump(); // valid UTF-8, or it throws
        EXPECT_FALSE(text.empty());
      }
    }
  }
  EXPECT_GT(refused, 100u);
}

} // namespace
} // namespace mycelium::json_payload
