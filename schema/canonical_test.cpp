#include "schema/canonical.hpp"
#include "schema/from_text.hpp"
#include "schema/messages.hpp"
#include "schema/sha256.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace mycelium::schema {
namespace {

messages messages_of(const std::string& text) {
  auto found = find_messages(testing::from_text(text));
  if (!found)
    throw std::invalid_argument(found.error().text);
  return std::move(*found);
}

digest set_of(const std::string& text) { return messages_of(text).set_digest; }
digest first_of(const std::string& text) { return messages_of(text).tables.at(0).type.type_digest; }

const std::string base = "namespace n; enum E : byte { A, B } struct S { x: int; } table L { v: string; }"
                         "table T (type_id: 1000, topic: \"t\") { a: int = 3; e: E = B; s: S; l: [L]; }";

std::string changed(const std::string& from, const std::string& to) {
  auto text = base;
  return text.replace(text.find(from), from.size(), to);
}

TEST(canonical, ignores_comments_white_space_and_order_in_the_file) {
  const std::string other = "namespace n;\n\n// a comment\nenum E : byte {\n A = 0, B = 1 }\n/// documentation\n"
                            "table T (topic: \"t\", type_id: 1000) {\n  /// more\n  s: S (id: 2); a: int = 3 (id: 0);\n"
                            "  l: [L] (id: 3); e: E = B (id: 1);\n}\ntable L { v: string; }\nstruct S { x: int; }";
  EXPECT_EQ(hex(set_of(base)), hex(set_of(other)));
  EXPECT_EQ(hex(first_of(base)), hex(first_of(other)));
}

TEST(canonical, ignores_where_the_root_is_and_what_flatc_keeps_on_request) {
  EXPECT_EQ(set_of(base), set_of(base + " root_type T; file_identifier \"ABCD\";"));
}

TEST(canonical, ignores_attributes_that_only_steer_code_generators) {
  // The binary schema of the compiler holds FlatBuffers' own attributes, that of plain flatc does not.
  auto all = testing::from_text(base);
  const auto before = canonical_set(all, canonical_texts(all));
  for (const char* key : {"bit_flags", "cpp_type", "id", "native_inline", "streaming"})
    all.objects[0].attributes.push_back({key, "0"});
  EXPECT_EQ(canonical_set(all, canonical_texts(all)), before);
  all.objects[0].attributes.push_back({"mine", "0"});
  EXPECT_NE(canonical_set(all, canonical_texts(all)), before);
}

TEST(canonical, quotes_attributes) {
  const auto all = testing::from_text("table T (type_id: 1, topic: \"a\\\"b\\\\c\\n\\x7f\") {}");
  EXPECT_NE(canonical_set(all, canonical_texts(all)).find("  attribute topic \"a\\\"b\\\\c\\x0a\\x7f\"\n"),
            std::string::npos)
      << canonical_set(all, canonical_texts(all));
}

TEST(canonical, changes_with_everything_that_has_a_meaning) {
  const std::vector<std::pair<std::string, std::string>> changes = {{"a: int", "b: int"},
                                                                    {"a: int", "a: uint"},
                                                                    {"= 3", "= 4"},
                                                                    {"= 3", "= null"},
                                                                    {"e: E = B", "e: E = A"},
                                                                    {"B }", "C }"},
                                                                    {"A, B", "A = -1, B = 1"},
                                                                    {"A, B", "A, B, C"},
                                                                    {"E : byte", "E : short"},
                                                                    {"x: int", "x: short"},
                                                                    {"x: int", "x: int; y: int"},
                                                                    {"v: string", "v: string (required)"},
                                                                    {"v: string", "w: string"},
                                                                    {"v: string", "v: [ubyte]"},
                                                                    {"l: [L]", "l: L"},
                                                                    {"type_id: 1000", "type_id: 1001"},
                                                                    {"topic: \"t\"", "topic: \"u\""},
                                                                    {", topic: \"t\"", ""},
                                                                    {"a: int = 3", "a: int = 3 (deprecated)"},
                                                                    {"namespace n", "namespace m"},
                                                                    {"struct S", "struct S (force_align: 8)"}};
  for (const auto& [from, to] : changes) {
    // C has to be the default where B was renamed.
    const auto text = to == "C }"
                          ? std::string(base).replace(base.find("B }"), 1, "C").replace(base.find("= B"), 3, "= C")
                          : changed(from, to);
    EXPECT_NE(set_of(text), set_of(base)) << from << " -> " << to;
    EXPECT_NE(first_of(text), first_of(base)) << from << " -> " << to;
  }
}

TEST(canonical, digest_of_a_type_covers_what_it_refers_to_and_nothing_else) {
  const auto with_another = base + "table U (type_id: 1001) { x: int; }";
  EXPECT_NE(set_of(base), set_of(with_another));
  EXPECT_EQ(first_of(base), first_of(with_another));
  EXPECT_EQ(first_of(with_another), first_of(base + "table U (type_id: 1001) { x: long; y: T; }"));
}

TEST(canonical, types_that_are_alike_but_for_their_name_differ) {
  const auto found = messages_of("table A (type_id: 1) { x: B; } table B (type_id: 2) { x: A; }");
  EXPECT_NE(found.tables[0].type.type_digest, found.tables[1].type.type_digest);
}

TEST(canonical, writes_the_form_that_the_documentation_shows) {
  const auto document = testing::file_content(MYCELIUM_SOURCE_FOLDER "/docs/schema.md");
  const std::string page(document.begin(), document.end());
  const auto block = [&](const std::string& mark) {
    const auto begin = page.find("\n", page.find("```" + mark)) + 1;
    return page.substr(begin, page.find("```", begin) - begin);
  };
  const auto all = testing::from_text(block("fbs canonical-example"));
  const auto form = canonical_set(all, canonical_texts(all));
  EXPECT_EQ(form, block("text canonical-form"));
  EXPECT_NE(page.find(hex(sha256(form))), std::string::npos) << hex(sha256(form));
  const auto found = find_messages(all);
  EXPECT_NE(page.find(hex(found->tables[0].type.type_digest)), std::string::npos)
      << hex(found->tables[0].type.type_digest);
}

TEST(canonical, schema_made_to_hash_for_ever_is_refused) {
  // 2000 messages, each of which refers to all others: 4 million declarations to hash.
  std::string text;
  for (int i = 0; i < 2000; ++i)
    text += "table t" + std::to_string(i) + " (type_id: " + std::to_string(1000 + i) + ") { next: t" +
            std::to_string((i + 1) % 2000) + "; }";
  const auto found = find_messages(testing::from_text(text));
  ASSERT_FALSE(found);
  EXPECT_NE(found.error().text.find("too often"), std::string::npos);
}

} // namespace
} // namespace mycelium::schema
