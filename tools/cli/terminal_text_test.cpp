#include "tools/cli/terminal_text.hpp"

#include <gtest/gtest.h>

namespace mycelium::cli {
namespace {

TEST(terminal_text, columns_are_as_wide_as_their_widest_text) {
  const text_table table{{{"name"}, {"count", true}, {"last"}}, {{"a", "1", "x"}, {"längste", "12345678", ""}}};
  EXPECT_EQ(table.lines(),
            (std::vector<std::string>{"name        count  last", "a               1  x", "längste  12345678"}));
}

TEST(terminal_text, numbers_have_at_most_five_characters) {
  for (const auto& [value, text] : std::vector<std::pair<double, std::string>>{{0, "0"},
                                                                               {7, "7"},
                                                                               {0.5, "0.50"},
                                                                               {9.994, "9.99"},
                                                                               {9.996, "10.0"},
                                                                               {99.94, "99.9"},
                                                                               {99.96, "100"},
                                                                               {999, "999"},
                                                                               {999.6, "1.00k"},
                                                                               {1234, "1.23k"},
                                                                               {999499, "999k"},
                                                                               {999600, "1.00M"},
                                                                               {18446744073709551615.0, "18.4E"},
                                                                               {-12.34, "-12.3"}})
    EXPECT_EQ(short_number(value), text) << value;
}

TEST(terminal_text, durations_have_two_units) {
  EXPECT_EQ(short_time(0.9), "0s");
  EXPECT_EQ(short_time(59.9), "59s");
  EXPECT_EQ(short_time(60), "1m00s");
  EXPECT_EQ(short_time(3 * 3600 + 7 * 60), "3h07m");
  EXPECT_EQ(short_time(2 * 86400 + 3 * 3600), "2d03h");
  EXPECT_EQ(short_time(-1), "0s");
}

TEST(terminal_text, control_characters_are_shown_and_text_is_kept) {
  EXPECT_EQ(printable("naïve 漢字"), "naïve 漢字");
  EXPECT_EQ(printable("\x1b[2J\r\n\x7f"), "\\x1b[2J\\x0d\\x0a\\x7f");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "\\x9b31m");
  EXPECT_EQ(printable("\xc2\xa0"), "\xc2\xa0");
  EXPECT_EQ(printable("\xc2"), "\xc2");
}

TEST(terminal_text, times_are_utc_with_nanoseconds) {
  EXPECT_EQ(time_text(0), "1970-01-01T00:00:00.000000000Z");
  EXPECT_EQ(time_text(1'700'000'000'123'456'789), "2023-11-14T22:13:20.123456789Z");
  EXPECT_EQ(time_text(-1), "1969-12-31T23:59:59.999999999Z");
}

} // namespace
} // namespace mycelium::cli
