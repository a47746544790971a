#include "tools/schema_compiler/places.hpp"

#include <algorithm>
#include <cctype>

namespace mycelium::schema_compiler {
namespace {

struct token {
  std::string_view text; // a word, or one other character; empty at the end
  std::size_t line = 0;
};

class tokens {
public:
  explicit tokens(std::string_view text) : rest_(text) {}

  token next() {
    skip_blanks();
    if (rest_.empty())
      return {{}, line_};
    if (rest_[0] == '"')
      return take(string_length());
    const auto is_word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; };
    const auto end = std::find_if_not(rest_.begin(), rest_.end(), is_word) - rest_.begin();
    return take(std::max<std::size_t>(static_cast<std::size_t>(end), 1));
  }

private:
  token take(std::size_t count) {
    const token out{rest_.substr(0, count), line_};
    drop(count);
    return out;
  }

  void drop(std::size_t count) {
    count = std::min(count, rest_.size());
    line_ +=
        static_cast<std::size_t>(std::count(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(count), '\n'));
    rest_.remove_prefix(count);
  }

  void skip_blanks() {
    for (;;) {
      if (!rest_.empty() && std::isspace(static_cast<unsigned char>(rest_[0])))
        drop(1);
      else if (rest_.starts_with("//"))
        drop(rest_.find('\n'));
      else if (rest_.starts_with("/*"))
        drop(std::min(rest_.find("*/"), rest_.size() - 2) + 2);
      else
        return;
    }
  }

  std::size_t string_length() const {
    std::size_t at = 1;
    while (at < rest_.size() && rest_[at] != '"')
      at += rest_[at] == '\\' ? 2 : 1;
    return at + 1;
  }

  std::string_view rest_;
  std::size_t line_ = 1;
};

class finder {
public:
  finder(const std::string& file, std::string_view text, places& out) : file_(file), tokens_(text), out_(out) {}

  void run() {
    for (auto word = tokens_.next(); !word.text.empty(); word = tokens_.next()) {
      if (word.text == "namespace")
        space_ = dotted_name();
      else if (word.text == "table" || word.text == "struct")
        declaration(":");
      else if (word.text == "enum" || word.text == "union")
        declaration("=,}:");
    }
  }

private:
  // Up to the semicolon; "" for "namespace ;".
  std::string dotted_name() {
    std::string name;
    for (auto word = tokens_.next(); !word.text.empty() && word.text != ";"; word = tokens_.next())
      name += word.text;
    return name;
  }

  void note(const std::string& name, std::size_t line) { out_.insert({name, {file_, line}}); }

  // A member is a word at the top level of the braces before one of the marks; "(...)" holds attributes.
  void declaration(std::string_view marks) {
    const auto name = tokens_.next();
    const auto full = space_.empty() ? std::string(name.text) : space_ + "." + std::string(name.text);
    note(full, name.line);
    auto word = tokens_.next();
    while (!word.text.empty() && word.text != "{")
      word = tokens_.next();
    int parentheses = 0;
    bool expected = true; // a member's name may stand here
    token before;
    while (!word.text.empty()) {
      word = tokens_.next();
      if (parentheses == 0 && expected && !before.text.empty() && word.text.size() == 1 &&
          marks.find(word.text) != std::string_view::npos) {
        note(full + "." + std::string(before.text), before.line);
        expected = false;
      }
      if (word.text == "}" && parentheses == 0)
        return;
      parentheses += word.text == "(" ? 1 : word.text == ")" ? -1 : 0;
      const bool ends = parentheses == 0 && (word.text == ";" || word.text == ",");
      expected = expected || ends;
      before = ends ? token{} : word;
    }
  }

  const std::string& file_;
  tokens tokens_;
  places& out_;
  std::string space_;
};

} // namespace

void find_places(const std::string& file, std::string_view text, places& out) { finder(file, text, out).run(); }

} // namespace mycelium::schema_compiler
