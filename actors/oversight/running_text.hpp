// The end of a text that grows, whole code points only.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mycelium::oversight {

class running_text {
public:
  explicit running_text(std::size_t most_bytes) : most_(most_bytes) {}

  void append(std::string_view more) {
    if (most_ == 0)
      return;
    text_ += more;
    if (text_.size() >= 2 * most_) // moved down now and then: the cost per byte stays the same
      text_.erase(0, text_.size() - view().size());
  }

  std::string_view view() const noexcept {
    auto first = text_.size() > most_ ? text_.size() - most_ : 0;
    while (first < text_.size() && first != 0 && (static_cast<unsigned char>(text_[first]) & 0xc0) == 0x80)
      ++first;
    return std::string_view(text_).substr(first);
  }

private:
  std::size_t most_;
  std::string text_;
};

} // namespace mycelium::oversight
