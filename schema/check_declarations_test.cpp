// A .bfbs whose parts contradict each other. The parser makes none, so each test breaks a good one.
#include "schema/check_declarations.hpp"
#include "schema/from_text.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <limits>

namespace mycelium::schema {
namespace {

constexpr const char* good = R"(
  namespace n;
  enum Colour : byte { Red, Green }
  struct Inner { a: int; b: short; }
  struct Outer { inner: Inner; list: [Inner:2]; c: Colour; }
  table Leaf { x: int; }
  table Other { y: string; }
  union Either { Leaf, Other }
  table Root (type_id: 1000) {
    number: int = 7;
    text: string (required);
    either: Either;
    outer: Outer;
    many: [Leaf];
    colour: Colour = Green;
    maybe: long = null;
    real: float = 0.5;
  })";

object& object_of(declarations& all, const std::string& name) {
  for (auto& each : all.objects)
    if (each.name == name)
      return each;
  throw std::invalid_argument(name);
}

enumeration& enum_of(declarations& all, const std::string& name) {
  for (auto& each : all.enums)
    if (each.name == name)
      return each;
  throw std::invalid_argument(name);
}

field& field_of(declarations& all, const std::string& table, const std::string& name) {
  for (auto& each : object_of(all, table).fields)
    if (each.name == name)
      return each;
  throw std::invalid_argument(name);
}

// What is said about the good schema after one change to it; "" if nothing.
std::string said_after(const std::function<void(declarations&)>& change) {
  auto all = testing::from_text(good);
  change(all);
  return check_declarations(all).value_or("");
}

TEST(check_declarations, accepts_what_the_parser_makes) {
  EXPECT_EQ(said_after([](auto&) {}), "");
}

TEST(check_declarations, refuses_a_type_index_out_of_range) {
  for (const auto index :
       {-2, -1, 1000, std::numeric_limits<std::int32_t>::max(), std::numeric_limits<std::int32_t>::min()}) {
    for (const char* name : {"many", "outer", "either", "either_type"})
      EXPECT_NE(said_after([&](auto& all) { field_of(all, "n.Root", name).type.index = index; }), "") << name << index;
    EXPECT_NE(said_after([&](auto& all) { field_of(all, "n.Outer", "inner").type.index = index; }), "");
    EXPECT_NE(said_after([&](auto& all) { enum_of(all, "n.Either").values[1].member.index = index; }), "");
  }
  EXPECT_NE(said_after([](auto& all) { field_of(all, "n.Root", "colour").type.index = 1000; }), "");
  EXPECT_NE(said_after([](auto& all) { field_of(all, "n.Root", "text").type.index = 1000; }), "");
  EXPECT_NE(said_after([](auto& all) { enum_of(all, "n.Either").values[0].member.index = 1000; }), "");
  EXPECT_NE(said_after([](auto& all) { enum_of(all, "n.Colour").values[0].member.index = 1000; }), "");
  EXPECT_NE(said_after([](auto& all) { field_of(all, "n.Root", "number").type.index = 0; }), "")
      << "an enum of another type";
}

TEST(check_declarations, refuses_ids_and_offsets_that_do_not_belong_together) {
  EXPECT_NE(said_after([](auto& all) { field_of(all, "n.Root", "number").id = 1; }), "");
  EXPECT_NE(said_after([](auto& all) { field_of(all, "n.Root", "number").slot = 6; }), "");
  EXPECT_NE(said_after([](auto& all) { field_of(all, "n.Root", "real").slot = 65534; }), "");
  EXPECT_NE(
      said_after([](auto& all) { object_of(all, "n.Root").fields.erase(object_of(all, "n.Root").fields.begin()); }),
      "");
}

TEST(check_declarations, refuses_a_struct_whose_fields_lie_outside_or_overlap) {
  EXPECT_NE(said_after([](auto& all) { field_of(all, "n.Inner", "b").slot = 8; }), "");
  EXPECT_NE(said_after([](auto& all) { field_of(all, "n.Inner", "b").slot = 2; }), "");
  EXPECT_NE(said_after([](auto& all) { field_of(all, "n.Inner", "b").slot = 5; }), "") << "misaligned";
  EXPECT_NE(said_after([](auto& all) { field_of(all, "n.Outer", "list").type.length = 60000; }), "");
  EXPECT_NE(said_after([](auto& all) { field_of(all, "n.Outer", "list").type.length = 0; }), "");
  EXPECT_NE(said_after([](auto& all) { object_of(all, "n.Outer").size = 4; }), "");
  EXPECT_NE(said_after([](auto& all) { object_of(all, "n.Inner").size = 0; }), "");
  EXPECT_NE(said_after([](auto& all) { object_of(all, "n.Inner").size = 0xffffffff; }), "");
}

TEST(check_declarations, refuses_an_alignment_that_is_none) {
  for (const std::uint32_t alignment : {0u, 3u, 1u, 2u, 128u, 65536u, 0x80000000u, 0xffffffffu})
    EXPECT_NE(said_after([&](auto& all) { object_of(all, "n.Inner").alignment = alignment; }), "") << alignment;
}

TEST(check_declarations, refuses_a_struct_that_contains_itself) {
  EXPECT_NE(said_after([](auto& all) {
              auto& inner = object_of(all, "n.Inner");
              inner.fields.resize(1);
              inner.fields[0].type = {base_type::object, base_type::none,
                                      static_cast<std::int32_t>(&inner - all.objects.data()), 0};
            }),
            "");
}

TEST(check_declarations, refuses_structs_nested_too_deep) {
  const auto chain = [](int length) {
    std::string text = "struct s0 { x: int; }";
    for (int i = 1; i < length; ++i)
      text += "struct s" + std::to_string(i) + " { x: s" + std::to_string(i - 1) + "; }";
    return testing::bfbs_from_text(text + "table t (type_id: 1000) { x: s0; }");
  };
  EXPECT_TRUE(read_declarations(chain(60)));
  EXPECT_FALSE(read_declarations(chain(80)));
}

TEST(check_declarations, refuses_types_that_cannot_stand_where_they_do) {
  EXPECT_NE(said_after([](auto& all) { field_of(all, "n.Root", "number").type.base = base_type::none; }), "");
  EXPECT_NE(said_after([](auto& all) { field_of(all, "n.Root", "number").type.base = base_type::array; }), "");
  EXPECT_NE(said_after([](auto& all) { field_of(all, "n.Root", "many").type.element = base_type::vector; }), "");
  EXPECT_NE(said_after([](auto& all) { field_of(all, "n.Root", "many").type.element = base_type::none; }), "");
  EXPECT_NE(said_after([](auto& all) { field_of(all, "n.Inner", "a").type.base = base_type::string; }), "");
  EXPECT_NE(said_after([](auto& all) { field_of(all, "n.Inner", "a").type.base = base_type::vector; }), "");
  EXPECT_NE(said_after([](auto& all) { field_of(all, "n.Outer", "c").type.base = base_type::union_type; }), "");
  EXPECT_NE(said_after([](auto& all) { object_of(all, "n.Inner").is_struct = false; }), "") << "a table in a struct";
}

TEST(check_declarations, refuses_a_union_without_its_type) {
  EXPECT_NE(said_after([](auto& all) { field_of(all, "n.Root", "either_type").type = {base_type::uint8}; }), "");
  EXPECT_NE(said_after([](auto& all) { field_of(all, "n.Root", "either").type = {base_type::uint8}; }), "");
  EXPECT_NE(said_after([](auto& all) { enum_of(all, "n.Either").values.clear(); }), "");
  EXPECT_NE(said_after([](auto& all) { enum_of(all, "n.Either").is_union = false; }), "");
  EXPECT_NE(said_after([](auto& all) { enum_of(all, "n.Either").values[2].value = 256; }), "");
  EXPECT_NE(said_after([](auto& all) { enum_of(all, "n.Either").values[1].value = 0; }), "");
}

TEST(check_declarations, refuses_defaults_out_of_range) {
  EXPECT_NE(said_after([](auto& all) { field_of(all, "n.Root", "number").default_integer = std::int64_t{1} << 40; }),
            "");
  EXPECT_NE(said_after([](auto& all) { field_of(all, "n.Root", "colour").default_integer = 128; }), "");
  EXPECT_NE(said_after([](auto& all) { field_of(all, "n.Root", "text").default_integer = 1; }), "");
  EXPECT_NE(said_after([](auto& all) { field_of(all, "n.Root", "number").default_real = 1; }), "");
  EXPECT_NE(said_after([](auto& all) { field_of(all, "n.Root", "maybe").default_integer = 1; }), "");
  EXPECT_NE(said_after([](auto& all) { field_of(all, "n.Root", "number").required = true; }), "");
}

TEST(check_declarations, refuses_names_that_are_not_distinct_or_no_identifiers) {
  for (const char* name : {"", "a b", "1a", "a\nb", "a..b", ".a", "a.", "a\"", "n.Leaf"})
    EXPECT_NE(said_after([&](auto& all) { object_of(all, "n.Inner").name = name; }), "") << name;
  EXPECT_NE(said_after([](auto& all) { field_of(all, "n.Root", "number").name = "text"; }), "");
  EXPECT_NE(said_after([](auto& all) { field_of(all, "n.Root", "number").name = "a;b"; }), "");
  EXPECT_NE(said_after([](auto& all) { enum_of(all, "n.Colour").values[0].name = "Green"; }), "");
  EXPECT_NE(said_after([](auto& all) { object_of(all, "n.Root").attributes = {{"x y", ""}}; }), "");
  EXPECT_NE(said_after([](auto& all) { object_of(all, "n.Root").attributes = {{"x", ""}, {"x", ""}}; }), "");
}

} // namespace
} // namespace mycelium::schema
