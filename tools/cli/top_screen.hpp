// What `mycelium top` shows, as lines of text, and what its keys do. Knows no terminal.
#pragma once

#include "tools/cli/mesh.hpp"
#include "tools/cli/terminal_text.hpp"

#include <string>
#include <vector>

namespace mycelium::cli {

// What a key means.
enum class top_key {
  other,
  quit,
  next_page,
  page_1,
  page_2,
  page_3,
  page_4,
  page_5,
  next_column,
  previous_column,
  reverse,
  up,
  down,
  page_up,
  page_down,
  home
};

class top_screen {
public:
  enum class page { overview, nodes, links, types, subscriptions };
  struct line {
    enum class look { plain, title, heading } as = look::plain;
    std::string text;
  };

  // False: quit.
  bool press(top_key key);
  // As many lines as there is room for, none wider than the width.
  std::vector<line> lines(const mesh_view& view, std::size_t height, std::size_t width) const;

private:
  text_table table_of(const mesh_view& view, page which) const;
  void add_table(std::vector<line>& to, const mesh_view& view, page which, std::size_t most) const;

  page page_ = page::overview;
  std::size_t column_ = 0; // to sort by, of the page
  bool descending_ = false;
  std::size_t first_ = 0; // row
};

} // namespace mycelium::cli
