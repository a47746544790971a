// mycelium schema as a user types it.
#include "schema/from_text.hpp"
#include "schema/sha256.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sys/wait.h>

namespace mycelium::schema_compiler {
namespace {

struct outcome {
  int code;
  std::string text; // both streams
};

class schema_verb_test : public ::testing::Test {
protected:
  schema_verb_test() {
    std::string pattern = (std::filesystem::temp_directory_path() / "mycelium-verb-XXXXXX").string();
    if (!mkdtemp(pattern.data()))
      throw std::runtime_error("no temporary folder");
    folder_ = pattern;
  }
  ~schema_verb_test() override { std::filesystem::remove_all(folder_); }

  // In the temporary folder.
  outcome run(const std::string& arguments) const {
    const auto command = "cd '" + folder_.string() + "' && '" MYCELIUM_PROGRAM "' schema " + arguments + " 2>&1";
    outcome out{-1, ""};
    auto* pipe = popen(command.c_str(), "r");
    std::array<char, 4096> part;
    for (std::size_t size = 0; (size = fread(part.data(), 1, part.size(), pipe)) > 0;)
      out.text.append(part.data(), size);
    const int status = pclose(pipe);
    out.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return out;
  }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << "attribute \"type_id\"; attribute \"topic\";\n" << text;
  }

  std::filesystem::path folder_;
};

TEST_F(schema_verb_test, compile_writes_what_is_asked_for) {
  write("weather.fbs", "namespace weather;\ntable Reading (type_id: 2001) { celsius: double; }");
  const auto done = run("compile --cpp out/cpp --python out/python --bfbs out/bfbs weather.fbs");
  ASSERT_EQ(done.code, 0) << done.text;
  EXPECT_EQ(done.text, "");
  EXPECT_TRUE(std::filesystem::exists(folder_ / "out/cpp/weather.hpp"));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "out/python/weather/__init__.py"));
  const auto set =
      schema::schema_set::load(schema::testing::file_content((folder_ / "out/bfbs/weather.bfbs").string()));
  ASSERT_TRUE(set) << set.error().text;
  EXPECT_EQ((*set)->types().at(0).type_id, 2001);
  // What it wrote is input, too, and gives the same header.
  const auto first = schema::testing::file_content((folder_ / "out/cpp/weather.hpp").string());
  ASSERT_EQ(run("compile --cpp again out/bfbs/weather.bfbs").code, 0);
  EXPECT_EQ(schema::testing::file_content((folder_ / "again/weather.hpp").string()), first);
}

TEST_F(schema_verb_test, compile_leaves_a_file_alone_that_is_the_same) {
  write("a.fbs", "table T (type_id: 2001) { x: int; }");
  ASSERT_EQ(run("compile --cpp . a.fbs").code, 0);
  const auto before = std::filesystem::last_write_time(folder_ / "a.hpp") - std::chrono::hours(1);
  std::filesystem::last_write_time(folder_ / "a.hpp", before);
  ASSERT_EQ(run("compile --cpp . a.fbs").code, 0);
  EXPECT_EQ(std::filesystem::last_write_time(folder_ / "a.hpp"), before);
}

TEST_F(schema_verb_test, compile_names_the_output) {
  write("a.fbs", "table T (type_id: 2001) { x: int; }");
  ASSERT_EQ(run("compile --cpp . --name other a.fbs").code, 0);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "other.hpp"));
  write("b.fbs", "table T (type_id: 2001) { x: int; }");
  EXPECT_EQ(run("compile --cpp . --name other a.fbs b.fbs").code, 2);
}

TEST_F(schema_verb_test, errors_name_file_and_line_and_fail) {
  write("bad.fbs", "namespace n;\ntable T (type_id: 0) { x: int; }");
  const auto zero = run("compile --cpp . bad.fbs");
  EXPECT_EQ(zero.code, 1);
  EXPECT_NE(zero.text.find("bad.fbs:3: n.T: type_id \"0\""), std::string::npos) << zero.text;
  EXPECT_FALSE(std::filesystem::exists(folder_ / "bad.hpp"));
  write("unions.fbs", "table A { x: int; }\nunion U { A }\ntable T (type_id: 5) {\n many: [U];\n}");
  const auto unions = run("compile --cpp . unions.fbs");
  EXPECT_EQ(unions.code, 1);
  EXPECT_NE(unions.text.find("unions.fbs:5: T.many: a vector of unions"), std::string::npos) << unions.text;
  write("large.fbs", "struct S { x: [ubyte:40000]; }\ntable T (type_id: 5) { a: S;\n b: S; }");
  EXPECT_NE(run("compile --cpp . large.fbs").text.find("large.fbs:3: T: its fields need more"), std::string::npos);
  EXPECT_EQ(run("compile --cpp . missing.fbs").code, 1);
  EXPECT_EQ(run("compile missing.fbs").code, 2);
  EXPECT_EQ(run("").code, 2);
  EXPECT_EQ(run("nonsense").code, 2);
  EXPECT_EQ(run("--help").code, 0);
  EXPECT_EQ(run("compile --cpp /proc/nowhere bad.fbs").code, 1);
}

TEST_F(schema_verb_test, digest_prints_the_set_and_its_messages) {
  write("a.fbs", "namespace n; table T (type_id: 2001) { x: int; }");
  const auto set =
      schema::schema_set::load(schema::testing::bfbs_from_text("namespace n; table T (type_id: 2001) { x: int; }"));
  const auto printed = run("digest a.fbs");
  EXPECT_EQ(printed.code, 0);
  EXPECT_EQ(printed.text, schema::hex((*set)->set_digest()) + "  a.fbs\n" +
                              schema::hex((*set)->types()[0].type_digest) + "  2001 n.T\n");
}

TEST_F(schema_verb_test, check_fails_on_what_breaks_and_diff_lists_everything) {
  write("old.fbs", "table T (type_id: 2001) {\n x: int;\n y: int;\n}");
  write("longer.fbs", "table T (type_id: 2001) {\n x: int;\n y: int;\n z: int;\n}");
  write("broken.fbs", "table T (type_id: 2001) {\n x: long;\n z: int;\n}");
  EXPECT_EQ(run("check old.fbs longer.fbs").code, 0);
  EXPECT_EQ(run("check old.fbs longer.fbs").text, "");
  const auto longer = run("diff old.fbs longer.fbs");
  EXPECT_EQ(longer.code, 0);
  EXPECT_EQ(longer.text, "longer.fbs:5: note: T.z: added with id 2\n");
  const auto broken = run("check old.fbs broken.fbs");
  EXPECT_EQ(broken.code, 1);
  EXPECT_EQ(broken.text,
            "broken.fbs:3: error: T.x: type changed from int to long; deprecate the field and add another\n");
  EXPECT_EQ(run("diff old.fbs broken.fbs").text, broken.text +
                                                     "broken.fbs:4: note: T.z: renamed from y (programs have to be "
                                                     "changed, messages stay as they are)\n");
  EXPECT_EQ(run("check longer.fbs old.fbs").text, "longer.fbs:5: error: T.z: removed; mark it (deprecated) instead\n");
  EXPECT_EQ(run("check old.fbs missing.fbs").code, 1);
}

} // namespace
} // namespace mycelium::schema_compiler
