// What the OCaml emitter decides by itself. That its output compiles and does what it should is tested in OCaml:
// bindings/ocaml/tests.
#include "schema/from_text.hpp"
#include "tools/schema_compiler/ocaml.hpp"
#include "tools/schema_compiler/ocaml_groups.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace mycelium::schema_compiler {
namespace {

result<std::vector<ocaml_file>> emitted(const std::string& text, std::string name = "weather") {
  const auto bfbs = schema::testing::bfbs_from_text(text);
  const auto model = load_model(bfbs, std::move(name));
  if (!model)
    return model.error();
  return emit_ocaml(*model, bfbs);
}

TEST(ocaml, a_schema_becomes_an_interface_and_its_implementation) {
  const auto files = emitted("table Reading (type_id: 2001) { celsius: double; }", "My-weather.v2");
  ASSERT_TRUE(files);
  ASSERT_EQ(files->size(), 2u);
  EXPECT_EQ(files->at(0).name, "my_weather_v2.mli");
  EXPECT_EQ(files->at(1).name, "my_weather_v2.ml");
  EXPECT_NE(files->at(0).text.find("\nmodule Reading : sig\n  type t = { celsius : float }\n"), std::string::npos)
      << files->at(0).text;
}

TEST(ocaml, names_that_differ_in_their_first_letter_only_are_refused) {
  const auto files = emitted("table reading (type_id: 2001) {}\ntable Reading (type_id: 2002) {}");
  ASSERT_FALSE(files);
  EXPECT_NE(files.error().text.find("OCaml's name for it, Reading, belongs to another declaration; rename one of them"),
            std::string::npos)
      << files.error().text;
}

TEST(ocaml, names_that_two_spaces_declare_are_written_in_full) {
  const auto files =
      emitted("namespace a.b;\ntable T (type_id: 2001) {}\nnamespace c;\ntable T (type_id: 2002) { x: a.b.T; }");
  ASSERT_TRUE(files);
  EXPECT_NE(files->at(0).text.find("module A_b_T : sig"), std::string::npos);
  EXPECT_NE(files->at(0).text.find("module C_T : sig\n  type t = { x : A_b_T.t option }"), std::string::npos);
}

// The digits of numbers that have none without a sign, or more than a double prints by default.
TEST(ocaml, defaults_are_written_as_they_are) {
  const auto files =
      emitted("table T (type_id: 2001) { a: long = -9223372036854775808; b: double = -0.1; c: float = 0.1;"
              " d: double = -inf; e: ubyte = 7; f: double = 1e300; g: double = 3; }");
  ASSERT_TRUE(files);
  for (const auto* part : {"a = (-9223372036854775808L)", "b = (-0.1)", "c = 0.10000000149011612", "d = neg_infinity",
                           "e = 7", "f = 1e+300", "g = 3."})
    EXPECT_NE(files->at(1).text.find(part), std::string::npos) << part;
}

TEST(ocaml, a_table_that_requires_itself_has_no_default) {
  const auto files = emitted("table T (type_id: 2001) { x: E; }\ntable E { e: E (required); }");
  ASSERT_TRUE(files);
  const auto& text = files->at(0).text;
  const auto endless = text.find("module rec E : sig");
  ASSERT_NE(endless, std::string::npos);
  const auto end = text.find("\nend", endless);
  EXPECT_EQ(text.substr(endless, end - endless).find("val default"), std::string::npos);
}

TEST(ocaml, groups_come_after_what_they_refer_to) {
  const auto bfbs = schema::testing::bfbs_from_text("union U { A, D }\ntable A (type_id: 2001) { b: B; u: U; }\n"
                                                    "table B { a: A; c: C; }\ntable C {}\ntable D {}\n"
                                                    "table E { e: E; a: A; }");
  const auto model = load_model(bfbs, "x");
  ASSERT_TRUE(model);
  const auto name = [&](const ocaml_node& node) {
    return node.is_union ? model->unions[node.index].name.local : model->tables[node.index].name.local;
  };
  std::vector<std::string> groups;
  for (const auto& group : ocaml_groups(*model)) {
    std::string names = group.recursive ? "rec" : "";
    for (const auto& node : group.nodes)
      names += " " + name(node);
    groups.push_back(names);
  }
  const auto place = [&](const std::string& which) { return std::find(groups.begin(), groups.end(), which); };
  ASSERT_NE(place(" C"), groups.end());
  ASSERT_NE(place(" D"), groups.end());
  ASSERT_NE(place("rec E"), groups.end());
  const auto ring = std::find_if(groups.begin(), groups.end(), [](const auto& names) { return names.size() == 9; });
  ASSERT_NE(ring, groups.end()) << "A, B and U";
  EXPECT_LT(place(" C"), ring);
  EXPECT_LT(place(" D"), ring);
  EXPECT_LT(ring, place("rec E"));
}

} // namespace
} // namespace mycelium::schema_compiler
