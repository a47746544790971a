#include "tools/schema_compiler/source.hpp"

#include "schema/from_text.hpp"
#include "tools/schema_compiler/cpp.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

namespace mycelium::schema_compiler {
namespace {

// A folder that is gone after the test.
class source_test : public ::testing::Test {
protected:
  source_test() {
    std::string pattern = (std::filesystem::temp_directory_path() / "mycelium-source-XXXXXX").string();
    if (!mkdtemp(pattern.data()))
      throw std::runtime_error("no temporary folder");
    folder_ = pattern;
  }
  ~source_test() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& name, const std::string& text) {
    const auto path = folder_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
    return path.string();
  }

  std::string error_of(const std::string& text) {
    const auto loaded = load_source(write("bad.fbs", text));
    return loaded ? "" : loaded.error().text;
  }

  std::filesystem::path folder_;
};

TEST_F(source_test, parsed_and_compiled_by_flatc_are_the_same_schema) {
  const auto parsed = load_source(MYCELIUM_SOURCE_FOLDER "/schema/golden.fbs");
  ASSERT_TRUE(parsed) << parsed.error().text;
  const auto read = load_source(MYCELIUM_GOLDEN_BFBS);
  ASSERT_TRUE(read) << read.error().text;
  EXPECT_EQ(emit_cpp(*load_model(parsed->bfbs, "x")), emit_cpp(*load_model(read->bfbs, "x")));
}

TEST_F(source_test, includes_are_found_beside_the_file_and_in_the_folders_given) {
  write("elsewhere/common.fbs", "namespace c;\ntable Common { x: int; }");
  write("beside.fbs", "namespace b;\n\ntable Beside { y: int; }");
  const auto path = write("root.fbs", "include \"beside.fbs\";\ninclude \"common.fbs\";\nattribute \"type_id\";\n"
                                      "table Root (type_id: 1000) { a: b.Beside; b: c.Common; }");
  EXPECT_FALSE(load_source(path));
  const auto loaded = load_source(path, {(folder_ / "elsewhere").string()});
  ASSERT_TRUE(loaded) << loaded.error().text;
  EXPECT_NE(place_of(*loaded, "b.Beside.y").find("beside.fbs:3: "), std::string::npos)
      << place_of(*loaded, "b.Beside.y");
  EXPECT_NE(place_of(*loaded, "c.Common").find("common.fbs:2: "), std::string::npos);
}

TEST_F(source_test, errors_name_the_file_and_the_line) {
  EXPECT_NE(error_of("namespace a;\ntable T { x: nothing; }").find("bad.fbs:"), std::string::npos);
  EXPECT_NE(error_of("\n\ntable {").find("bad.fbs:3"), std::string::npos) << error_of("\n\ntable {");
  EXPECT_NE(error_of("table T {\n x: int;\n y: ulong = 18446744073709551615;\n}").find("bad.fbs:3: T.y"),
            std::string::npos);
  EXPECT_NE(error_of("table T {\n y: string = \"x\";\n}").find("bad.fbs:2"), std::string::npos);
  const auto missing = load_source((folder_ / "missing.fbs").string());
  EXPECT_NE(missing.error().text.find("missing.fbs: cannot be read"), std::string::npos);
  EXPECT_FALSE(load_source(folder_.string()));
}

TEST_F(source_test, a_large_optional_or_enum_default_is_no_error_if_it_is_kept) {
  EXPECT_EQ(error_of("table T { y: ulong = null; z: ulong = 9223372036854775807; }"), "");
}

TEST_F(source_test, binary_files_are_told_by_their_name) {
  EXPECT_NE(error_of(std::string("abc\0def", 7)).find("has to be called .bfbs"), std::string::npos);
  const auto loaded = load_source(write("bad.bfbs", "no schema"));
  EXPECT_NE(loaded.error().text.find("bad.bfbs: not a usable binary schema"), std::string::npos);
}

TEST(places, finds_declarations_and_members) {
  places found;
  find_places("f", R"(// table NotThis {
namespace a.b; /* table Nor { x: int; }
*/ table T (type_id: 1000, topic: "table X { y: int; }") {
  x: int = 3 (id: 0);  y: [S:3];
  z:
    string (deprecated); }
struct S { q: short; }
enum E : byte (bit_flags) { One, Two = 7,
  Three }
union U { T, Other: T,
  a.b.S }
namespace ;
table G { g: a.b.T; }
rpc_service R { call(T): T; }
)",
              found);
  const std::vector<std::pair<std::string, std::size_t>> expected = {
      {"a.b.T", 3},        {"a.b.T.x", 4}, {"a.b.T.y", 4},   {"a.b.T.z", 5},   {"a.b.S", 7},
      {"a.b.S.q", 7},      {"a.b.E", 8},   {"a.b.E.One", 8}, {"a.b.E.Two", 8}, {"a.b.E.Three", 9},
      {"a.b.U.Other", 10}, {"G", 13},      {"G.g", 13}};
  for (const auto& [name, line] : expected) {
    ASSERT_TRUE(found.contains(name)) << name;
    EXPECT_EQ(found.at(name).line, line) << name;
  }
  EXPECT_FALSE(found.contains("NotThis"));
  EXPECT_FALSE(found.contains("Nor"));
  EXPECT_FALSE(found.contains("X"));
}

TEST(places, any_text_ends) {
  for (const char* text :
       {"", "table", "table T", "table T {", "table T { x", "\"", "\"\\", "/*", "//",
        "enum E : byte { A = ", "namespace", "table T (", "union U { A : ", "}", ")))", "table T { ( }"}) {
    places found;
    find_places("f", text, found);
  }
}

} // namespace
} // namespace mycelium::schema_compiler
