// The whole screen of a terminal, by ncurses. One at a time; on one thread.
#pragma once

#include "schema/status.hpp"
#include "tools/cli/top_screen.hpp"

#include <optional>
#include <vector>

namespace mycelium::cli {

class terminal {
public:
  // Takes the terminal of the standard streams; unsupported if TERM names none that can do it.
  static result<terminal> open();
  ~terminal(); // gives it back as it was
  terminal(terminal&& other) noexcept;
  terminal& operator=(terminal&&) = delete;

  std::size_t height() const;
  std::size_t width() const;
  void draw(const std::vector<top_screen::line>& lines);
  // The next key that was pressed; none: there is none. A change of size is a key, other.
  std::optional<top_key> key();

private:
  terminal() = default;
  void* screen_ = nullptr;
};

} // namespace mycelium::cli
