#include "schema/from_text.hpp"
#include "schema/messages.hpp"
#include "schema/registry.hpp"

#include <gtest/gtest.h>

#include <random>

namespace mycelium::schema {
namespace {

std::string error_of(bytes bfbs) {
  const auto set = schema_set::load(bfbs);
  return set ? "" : set.error().text;
}

std::string error_of(const std::string& fbs) { return error_of(testing::bfbs_from_text(fbs)); }

TEST(bfbs, the_built_in_set_has_the_samples_and_the_systems_own) {
  const auto& set = *schema_set::built_in();
  ASSERT_EQ(set.types().size(), 12u);
  EXPECT_EQ(set.types()[0].type_id, 101);
  EXPECT_EQ(set.types()[0].name, "mycelium.inference.InferenceToken");
  EXPECT_EQ(set.find(1001)->name, "mycelium.examples.TextMessage");
  EXPECT_EQ(set.find(1001)->topic, "examples");
  EXPECT_EQ(set.find(1003)->name, "mycelium.examples.BatchOperation");
  EXPECT_EQ(set.find(1), nullptr);
  EXPECT_EQ(set.find(65535), nullptr);
}

TEST(bfbs, keeps_names_ids_defaults_and_documentation) {
  const auto all = testing::from_text("namespace a.b;\n/// A table.\n/// Two lines.\ntable T (type_id: 1000) {"
                                      "y: int = -5 (id: 1); x: [string] (id: 0); }");
  ASSERT_EQ(all.objects.size(), 1u);
  const auto& table = all.objects[0];
  EXPECT_EQ(table.name, "a.b.T");
  ASSERT_EQ(table.fields.size(), 2u);
  EXPECT_EQ(table.fields[0].name, "x");
  EXPECT_EQ(table.fields[0].type.base, base_type::vector);
  EXPECT_EQ(table.fields[0].type.element, base_type::string);
  EXPECT_EQ(table.fields[1].default_integer, -5);
  EXPECT_EQ(table.fields[1].slot, 6);
  EXPECT_EQ(*find_attribute(table.attributes, "type_id"), "1000");
  EXPECT_EQ(table.docs, (std::vector<std::string>{" A table.", " Two lines."}));
}

TEST(bfbs, everything_that_is_none_is_refused_with_advice) {
  const std::vector<std::uint8_t> nothing;
  EXPECT_NE(error_of(bytes(nothing)).find("flatc -b --schema"), std::string::npos);
  for (const auto& bad : {std::vector<std::uint8_t>(3), std::vector<std::uint8_t>(8),
                          std::vector<std::uint8_t>(1000, 0xff), std::vector<std::uint8_t>((16u << 20) + 1)})
    EXPECT_NE(error_of(bytes(bad)), "");
  EXPECT_EQ(schema_set::load(nothing).error().code, status::invalid_argument);
}

TEST(bfbs, cut_short_anywhere_is_refused) {
  const auto whole = testing::file_content(MYCELIUM_GOLDEN_BFBS);
  for (std::size_t size = 0; size + 4 < whole.size(); ++size)
    EXPECT_NE(error_of(bytes(whole).first(size)), "") << size;
}

// An error or a set, never a crash; a set that loads can be asked anything.
TEST(bfbs, bent_in_any_way_is_an_error_or_a_set) {
  const auto whole = testing::file_content(MYCELIUM_GOLDEN_BFBS);
  std::mt19937 random(11);
  int loaded = 0;
  for (int round = 0; round < 20'000; ++round) {
    auto bent = whole;
    for (unsigned edits = 1 + random() % 4; edits > 0; --edits)
      bent[random() % bent.size()] = static_cast<std::uint8_t>(random() % (round % 2 == 0 ? 256 : 20));
    const auto set = schema_set::load(bent);
    if (!set)
      continue;
    ++loaded;
    for (const auto& type : (*set)->types())
      static_cast<void>((*set)->verify(type.type_id, bent, verify_level::full));
  }
  EXPECT_GT(loaded, 100) << "the test would be empty";
}

TEST(bfbs, may_stand_at_any_address) {
  const auto whole = testing::file_content(MYCELIUM_GOLDEN_BFBS);
  for (std::size_t shift = 0; shift < 16; ++shift) {
    std::vector<std::uint8_t> moved(shift);
    moved.insert(moved.end(), whole.begin(), whole.end());
    EXPECT_EQ(error_of(bytes(moved).subspan(shift)), "");
  }
}

TEST(bfbs, type_ids_are_numbers_from_1_to_65535_each_used_once) {
  EXPECT_EQ(error_of("table T (type_id: 65535) {}"), "");
  EXPECT_EQ(error_of("table T (type_id: \"1000\") {}"), "");
  for (const char* id :
       {"0", "65536", "-1", "\"\"", "\"x\"", "\"1x\"", "\" 1\"", "\"1.5\"", "\"99999999999999999999\""})
    EXPECT_NE(error_of("table T (type_id: " + std::string(id) + ") {}").find("T: type_id"), std::string::npos) << id;
  EXPECT_NE(error_of("table T (type_id) {}"), "");
  EXPECT_NE(error_of("table T (type_id: 7) {} table U (type_id: 7) {}").find("U: type_id 7 is that of T"),
            std::string::npos);
  EXPECT_NE(error_of("struct S (type_id: 7) { x: int; } table T (type_id: 8) {}").find("S: only a table"),
            std::string::npos);
  EXPECT_NE(error_of("table T {}").find("no table has a type_id"), std::string::npos);
  EXPECT_NE(error_of("table T (topic: \"x\") {} table U (type_id: 1) {}").find("T: has a topic"), std::string::npos);
}

} // namespace
} // namespace mycelium::schema
