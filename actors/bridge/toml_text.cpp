#include "actors/bridge/toml_text.hpp"

#include "schema/flat_reader.hpp"

namespace mycelium::bridge {
namespace {

// Where strings and comments begin and end (TOML 1.0).
class scanner {
public:
  explicit scanner(std::string_view text) : text_(text) {}

  std::optional<toml_flaw> run() {
    for (; at_ < text_.size() && !flaw_; ++at_)
      step();
    if (!flaw_ && quote_ != 0)
      fail("a string does not end");
    return flaw_;
  }

private:
  void step() {
    const char c = text_[at_];
    const auto byte = static_cast<unsigned char>(c);
    if (byte == 0x7f || (byte < 0x20 && c != '\t' && c != '\n' && c != '\r'))
      return fail("a control character");
    if (c == '\n') {
      if (quote_ != 0)
        return fail("a string does not end");
      comment_ = false;
      ++line_;
    } else if (byte >= 0x80 && !comment_) {
      fail("other characters than ASCII stand in comments only; write \\u00e4 in strings");
    } else if (quote_ != 0) {
      in_string(c);
    } else if (!comment_) {
      outside(c);
    }
  }

  void in_string(char c) {
    if (c == '\\' && quote_ == '"' && at_ + 1 < text_.size() && text_[at_ + 1] != '\n')
      ++at_;
    else if (c == quote_)
      quote_ = 0;
  }

  void outside(char c) {
    if (c == '#') {
      comment_ = true;
    } else if (c == '"' || c == '\'') {
      quote_ = c;
      if (text_.substr(at_, 3) == std::string(3, c))
        fail("no setting here needs a string of several lines");
    }
  }

  void fail(const char* what) { flaw_ = toml_flaw{line_, what}; }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  char quote_ = 0; // of the string that we are in
  bool comment_ = false;
  std::optional<toml_flaw> flaw_;
};

} // namespace

std::optional<toml_flaw> find_what_is_no_toml(std::string_view text) {
  if (!flat1::is_utf8(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()))
    return toml_flaw{1, "the file is not UTF-8"};
  return scanner(text).run();
}

} // namespace mycelium::bridge
