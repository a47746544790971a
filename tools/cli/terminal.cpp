#include "tools/cli/terminal.hpp"

#include <clocale>
#include <cstdio>
#include <ncurses.h>
#include <utility>

namespace mycelium::cli {

result<terminal> terminal::open() {
  std::setlocale(LC_CTYPE, ""); // else ncurses takes UTF-8 for bytes
  auto* screen = ::newterm(nullptr, stdout, stdin);
  if (screen == nullptr)
    return failure{status::unsupported, "TERM names no terminal that can be drawn on; use --json"};
  terminal made;
  made.screen_ = screen;
  ::cbreak();
  ::noecho();
  ::curs_set(0);
  ::keypad(stdscr, TRUE);
  ::nodelay(stdscr, TRUE);
  ::set_escdelay(25);
  return made;
}

terminal::terminal(terminal&& other) noexcept : screen_(std::exchange(other.screen_, nullptr)) {}

terminal::~terminal() {
  if (screen_ == nullptr)
    return;
  ::endwin();
  ::delscreen(static_cast<SCREEN*>(screen_));
}

std::size_t terminal::height() const { return static_cast<std::size_t>(std::max(getmaxy(stdscr), 1)); }
std::size_t terminal::width() const { return static_cast<std::size_t>(std::max(getmaxx(stdscr), 1)); }

void terminal::draw(const std::vector<top_screen::line>& lines) {
  ::erase();
  for (std::size_t i = 0; i < lines.size() && i < height(); ++i) {
    const auto as = lines[i].as;
    const auto look = as == top_screen::line::look::title     ? A_REVERSE
                      : as == top_screen::line::look::heading ? A_BOLD
                                                              : A_NORMAL;
    ::attrset(static_cast<int>(look));
    mvaddnstr(static_cast<int>(i), 0, lines[i].text.data(), static_cast<int>(lines[i].text.size())); // a macro
  }
  ::attrset(static_cast<int>(A_NORMAL));
  ::refresh();
}

std::optional<top_key> terminal::key() {
  switch (::getch()) {
  case ERR:
    return std::nullopt;
  case 'q':
  case 'Q':
    return top_key::quit;
  case '\t':
    return top_key::next_page;
  case '1':
    return top_key::page_1;
  case '2':
    return top_key::page_2;
  case '3':
    return top_key::page_3;
  case '4':
    return top_key::page_4;
  case '5':
    return top_key::page_5;
  case '>':
  case KEY_RIGHT:
    return top_key::next_column;
  case '<':
  case KEY_LEFT:
    return top_key::previous_column;
  case 'r':
    return top_key::reverse;
  case KEY_UP:
    return top_key::up;
  case KEY_DOWN:
    return top_key::down;
  case KEY_PPAGE:
    return top_key::page_up;
  case KEY_NPAGE:
    return top_key::page_down;
  case KEY_HOME:
    return top_key::home;
  default:
    return top_key::other;
  }
}

} // namespace mycelium::cli
