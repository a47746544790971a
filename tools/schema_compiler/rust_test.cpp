// What the Rust emitter makes of names and comments. That its output compiles, and reads and writes the golden vectors,
// is tested by cargo: bindings/rust/golden.
#include "tools/schema_compiler/rust.hpp"

#include "schema/from_text.hpp"

#include <gtest/gtest.h>

namespace mycelium::schema_compiler {
namespace {

result<std::string> compiled(const std::string& text, rust_codec codec = rust_codec::from_crate) {
  const auto bfbs = schema::testing::bfbs_from_text(text);
  const auto model = load_model(bfbs, "sample");
  return model ? emit_rust(*model, bfbs, codec) : model.error();
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

TEST(rust_emitter, a_name_of_two_spaces_is_written_in_full) {
  const auto text = compiled("namespace one.deep; table Thing { x: int; }\n"
                             "namespace two; table Thing { x: int; }\n"
                             "table Holder (type_id: 2001) { a: one.deep.Thing; b: Thing; }");
  ASSERT_TRUE(text) << text.error().text;
  EXPECT_TRUE(has(*text, "pub struct OneDeepThing {"));
  EXPECT_TRUE(has(*text, "pub a: Option<OneDeepThing>,\n    pub b: Option<TwoThing>,"));
  EXPECT_FALSE(has(*text, "pub struct Thing"));
}

TEST(rust_emitter, two_declarations_that_need_one_name_are_refused) {
  const auto text = compiled("namespace one; table Thing { x: int; }\n"
                             "namespace two; table Thing { x: int; }\n"
                             "table OneThing (type_id: 2001) { a: one.Thing; b: Thing; }");
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, status::unsupported);
  EXPECT_TRUE(has(text.error().text, "Rust's name for it, OneThing, belongs to another declaration"))
      << text.error().text;
}

TEST(rust_emitter, names_that_the_module_needs_itself_get_an_underscore) {
  const auto text = compiled("enum Vec : byte { name, self, _ }\n"
                             "enum from : byte { A }\n"
                             "enum child_0 : byte { A }\n"
                             "struct Option { type: int; type_: int; }\n"
                             "table String (type_id: 2001) { Self: Vec; crate: Option; box: [from]; c: child_0; }");
  ASSERT_TRUE(text) << text.error().text;
  for (const auto part : {"pub struct Vec_(pub i8);", "pub const name_: Self", "pub const self_: Self",
                          "pub const __: Self", "pub struct from_(pub i8);", "pub struct child_0_(pub i8);",
                          "pub struct Option_ {\n    pub type_: i32,\n    pub type__: i32,", "pub struct String_ {",
                          "pub Self_: Vec_,", "pub crate_: Option<Option_>,", "pub box_: Vec<from_>,"})
    EXPECT_TRUE(has(*text, part)) << part;
}

TEST(rust_emitter, names_that_rust_does_not_like_are_allowed_where_they_stand) {
  const auto text =
      compiled("table some_name (type_id: 2001) { camelCase: int; }\ntable Fine (type_id: 2002) { x: int; }");
  ASSERT_TRUE(text);
  EXPECT_TRUE(has(*text, "#[allow(dead_code, non_camel_case_types, non_snake_case)]\npub struct some_name {"));
  EXPECT_TRUE(has(*text, "#[allow(dead_code)]\npub struct Fine {"));
}

TEST(rust_emitter, a_module_that_carries_its_codec_names_no_crate) {
  const std::string schema = "table T (type_id: 2001) { text: string; }";
  const auto alone = compiled(schema, rust_codec::carried);
  ASSERT_TRUE(alone);
  EXPECT_FALSE(has(*alone, "::mycelium"));
  for (const auto part : {"pub mod codec {", "mod builder {", "mod error {", "mod plain {", "mod reader {"})
    EXPECT_TRUE(has(*alone, part)) << part;
  EXPECT_FALSE(has(*alone, "mod builder;"));
  const auto with_crate = compiled(schema);
  ASSERT_TRUE(with_crate);
  EXPECT_TRUE(has(*with_crate, "impl ::mycelium::codec::Message for T {"));
  EXPECT_FALSE(has(*with_crate, "mod codec"));
}

TEST(rust_emitter, nothing_that_it_writes_is_unsafe) {
  const auto bfbs = schema::testing::file_content(MYCELIUM_GOLDEN_BFBS);
  const auto model = load_model(bfbs, "golden");
  ASSERT_TRUE(model);
  for (const auto codec : {rust_codec::from_crate, rust_codec::carried}) {
    const auto text = emit_rust(*model, bfbs, codec);
    ASSERT_TRUE(text);
    for (const auto word : {"unsafe {", "unsafe fn", "unsafe impl"})
      EXPECT_FALSE(has(*text, word)) << word;
  }
}

// Comments are Markdown in Rust: code in them would be run as a test of the documentation.
TEST(rust_emitter, comments_do_not_become_code) {
  const auto bfbs = schema::testing::bfbs_from_text("table T (type_id: 2001) { x: int; }");
  auto model = load_model(bfbs, "sample");
  ASSERT_TRUE(model);
  model->tables[0].docs = {"    indented\r", "", " ```", " let x = 5;", " ```", "~~~ left open"};
  const auto text = emit_rust(*model, bfbs, rust_codec::from_crate);
  ASSERT_TRUE(text);
  EXPECT_TRUE(has(*text, "/// indented\n///\n/// ```text\n/// let x = 5;\n/// ```\n/// ~~~text\n/// ~~~\n#[derive("));
}

} // namespace
} // namespace mycelium::schema_compiler
