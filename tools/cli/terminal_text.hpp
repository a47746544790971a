// Text for a terminal: columns, short numbers, and what strangers wrote.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mycelium::cli {

// Columns.
struct text_table {
  struct column {
    std::string title;
    bool number = false; // flush right
  };
  std::vector<column> columns;
  std::vector<std::vector<std::string>> rows; // a text for each column

  // The title line, then a line a row.
  std::vector<std::string> lines() const;
};

// Characters that a UTF-8 text takes on a terminal, if none is wide.
std::size_t width_of(const std::string& text);
// "0", "12.3", "4.56k", "7.89M": at most five characters.
std::string short_number(double value);
std::string short_time(double seconds); // "12s", "3m05s", "4h07m", "2d03h"

// For a terminal: control characters, with which a stranger could write there what he likes, as \x1b.
std::string printable(std::string_view text);
std::string time_text(std::int64_t ns_since_1970); // 2026-11-21T19:20:31.123456789Z

} // namespace mycelium::cli
