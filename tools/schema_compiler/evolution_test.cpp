#include "tools/schema_compiler/evolution.hpp"

#include "schema/from_text.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace mycelium::schema_compiler {
namespace {

const std::string base = R"(
  namespace n;
  enum E : byte { A, B = 5 }
  struct S { x: int; y: short; }
  table L { v: string; }
  table K { w: int; }
  union U { L }
  table T (type_id: 1000, topic: "t") {
    a: int = 3;
    b: string;
    u: U;
    s: S;
    e: E = B;
  }
  table Other (type_id: 1001) { x: T; })";

std::string with(const std::string& from, const std::string& to) {
  auto text = base;
  const auto at = text.find(from);
  if (at == std::string::npos)
    throw std::invalid_argument(from);
  return text.replace(at, from.size(), to);
}

std::vector<change> changes(const std::string& before, const std::string& after) {
  return compare(schema::testing::from_text(before), schema::testing::from_text(after));
}

bool breaks(const std::string& before, const std::string& after) {
  const auto all = changes(before, after);
  return std::any_of(all.begin(), all.end(), [](const change& each) { return each.breaks; });
}

// "where: what" of every change.
std::vector<std::string> lines(const std::string& before, const std::string& after) {
  std::vector<std::string> out;
  for (const auto& each : changes(before, after))
    out.push_back(each.where + ": " + each.what);
  return out;
}

TEST(evolution, nothing_changed_is_no_change) { EXPECT_TRUE(changes(base, base).empty()); }

TEST(evolution, comments_and_order_are_no_change) {
  EXPECT_TRUE(changes(base, with("table L { v: string; }\n  table K { w: int; }",
                                 "/// documented\n  table K { w: int; }\n  // and moved\n  table L { v: string; }"))
                  .empty());
}

TEST(evolution, what_may_be_done) {
  const std::vector<std::pair<std::string, std::string>> allowed = {
      {"e: E = B;", "e: E = B; more: [string];"},
      {"a: int = 3;", "a: int = 3 (deprecated);"},
      {"b: string", "c: string"},
      {"A, B = 5", "A, B = 5, C"},
      {"A, B = 5", "Z, B = 5"},
      {"union U { L }", "union U { L, K }"},
      {"table K", "table Added { x: int; } table K"},
      {"table L {", "table L (type_id: 1002) {"},
      {"table K { w: int; }", ""},
      {"{ x: int; y: short; }", "{ z: int; y: short; }"},
      {"table K", "table New (type_id: 2000) {} table K"}};
  for (const auto& [from, to] : allowed) {
    const auto found = lines(base, with(from, to));
    EXPECT_EQ(found.size(), 1u) << from << " -> " << to;
    EXPECT_FALSE(breaks(base, with(from, to))) << from << " -> " << to << ": " << found.at(0);
  }
}

TEST(evolution, what_may_not) {
  const std::vector<std::pair<std::string, std::string>> forbidden = {
      {"e: E = B;", ""},   // the last field, which flatc --conform lets go
      {"a: int = 3;", ""}, // renumbers the rest
      {"a: int = 3;\n    b: string;", "b: string; a: int = 3;"},
      {"u: U;", "x: int; u: U;"},    // added in the middle
      {"a: int = 3", "a: uint = 3"}, // same size
      {"a: int = 3", "a: int = 4"},
      {"a: int = 3", "a: int = null"},
      {"b: string", "b: [ubyte]"}, // same bytes, nearly
      {"b: string", "b: string (required)"},
      {"e: E = B;", "e: E = B; more: string (required);"},
      {"e: E = B", "e: E = A"},
      {"e: E = B", "e: byte = 5"},
      {"B = 5", "B = 6"},
      {"A, B = 5", "B = 5"},
      {"enum E : byte", "enum E : short"},
      {"union U { L }", "union U { K }"},
      {"union U { L }", "union U { K, L }"},
      {"union U { L }", "union U { L: K }"},
      {"x: int; y: short;", "x: int; y: short; z: short;"},
      {"x: int; y: short;", "x: int;"},
      {"x: int; y: short;", "y: short; x: int;"},
      {"x: int; y: short;", "x: uint; y: short;"},
      {"struct S {", "struct S (force_align: 8) {"},
      {"struct S", "table S"},
      {"type_id: 1000", "type_id: 1002"},
      {"topic: \"t\"", "topic: \"u\""},
      {", topic: \"t\"", ""},
      {"(type_id: 1001) { x: T; }", "{ x: T; }"},
      {"table Other (type_id: 1001) { x: T; }", ""},
      {"table Other (type_id: 1001)", "table Renamed (type_id: 1001)"},
      {"namespace n;", "namespace m;"}};
  for (const auto& [from, to] : forbidden)
    EXPECT_TRUE(breaks(base, with(from, to))) << from << " -> " << to;
}

TEST(evolution, a_required_field_stays_required) {
  const std::string required = "table T (type_id: 1) { x: string (required); }";
  EXPECT_TRUE(breaks(required, "table T (type_id: 1) { x: string; }"));
}

TEST(evolution, says_which_field_and_what_to_do) {
  EXPECT_EQ(lines(base, with("e: E = B;", "")),
            std::vector<std::string>{"n.T.e: removed; mark it (deprecated) instead"});
  EXPECT_EQ(lines(base, with("a: int = 3", "a: long = 3")),
            std::vector<std::string>{"n.T.a: type changed from int to long; deprecate the field and add another"});
  EXPECT_EQ(lines(base, with("e: E = B;", "e: E = B; more: int;")),
            std::vector<std::string>{"n.T.more: added with id 6"});
}

TEST(evolution, a_changed_struct_is_named_once) {
  const auto found = changes(base, with("x: int; y: short;", "x: long; y: short;"));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].where, "n.S");
}

TEST(evolution, what_is_gone_is_placed_in_the_old_schema) {
  const auto found = changes(base, with("e: E = B;", ""));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_TRUE(found[0].removed);
}

} // namespace
} // namespace mycelium::schema_compiler
