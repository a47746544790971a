#include "actors/oversight/statements.hpp"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <vector>

namespace mycelium::oversight {
namespace {

constexpr std::size_t most_sentences = 128;
constexpr std::size_t most_words = 64;

struct number {
  std::string_view text;
  std::string value; // equal numbers have equal ones: no leading zeros, none behind the last digit of a fraction
};

struct statement {
  std::string_view text;
  std::vector<std::uint32_t> words; // what it is about: no function word, negation or number; ascending
  std::vector<number> numbers;
  bool denied = false; // an odd number of negations
  bool question = false;
};

// Words as numbers, the same in both texts.
using vocabulary = std::unordered_map<std::string_view, std::uint32_t>;

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

bool is_negation(std::string_view word) noexcept {
  constexpr std::array<std::string_view, 10> words{"cannot", "neither", "never", "no",      "nobody",
                                                   "none",   "nor",     "not",   "nothing", "nowhere"};
  return std::binary_search(words.begin(), words.end(), word);
}

// The t of "n't", with either apostrophe: its word stands directly behind the one before.
bool is_contracted_not(std::string_view before, std::string_view word) noexcept {
  if (word != "t" || !before.ends_with('n'))
    return false;
  const std::string_view gap(before.data() + before.size(), std::size_t(word.data() - before.data()) - before.size());
  return gap == "'" || gap == "\u2019";
}

// Cheap, and right where it says no: every negation has an n before an o, an e or an apostrophe.
bool may_deny(std::string_view text) noexcept {
  for (auto at = text.find('n'); at != std::string_view::npos && at + 1 < text.size(); at = text.find('n', at + 1)) {
    const char next = text[at + 1];
    if (next == 'o' || next == 'e' || next == '\'' || next == '\xe2')
      return true;
  }
  return false;
}

// "8,848.50" -> "8848.5": a comma before three digits and more than one point group thousands, any other comma is a
// decimal one. What is no number in any of these ways, such as a date, stays as it is.
std::string value_of(std::string_view text) {
  std::string digits;
  const auto points = std::count(text.begin(), text.end(), '.');
  std::size_t fraction = std::string::npos;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_digit(text[i]) || text[i] == '-') {
      digits += text[i];
      continue;
    }
    const auto group = std::min(text.find_first_of(".,", i + 1), text.size()) - i - 1;
    if (group == 3 && (text[i] == ',' || points > 1))
      continue;
    if (fraction != std::string::npos)
      return std::string(text);
    fraction = digits.size();
    digits += '.';
  }
  if (fraction != std::string::npos) {
    while (digits.back() == '0')
      digits.pop_back();
    if (digits.back() == '.')
      digits.pop_back();
  }
  const std::size_t sign = digits.front() == '-';
  auto zeros = sign;
  while (zeros + 1 < digits.size() && digits[zeros] == '0' && is_digit(digits[zeros + 1]))
    ++zeros;
  digits.erase(sign, zeros - sign);
  return digits == "-0" ? "0" : digits;
}

// Reads a text sentence by sentence.
class sentence_reader {
public:
  sentence_reader(const lower_text& text, vocabulary& known) : words_(text), text_(text.view()), known_(known) {}

  std::vector<statement> read() {
    std::size_t at = 0;
    std::string_view before;
    begin_sentence(0);
    for (auto word = words_.next_word(at); !word.empty(); word = words_.next_word(at)) {
      const auto begin = std::size_t(word.data() - text_.data());
      if (const auto end = end_mark(behind(before), begin); end != std::string_view::npos)
        if (!end_sentence(end))
          return std::move(all_);
      if (is_digit(word.front()))
        at = take_number(begin);
      else
        take_word(before, word);
      before = text_.substr(begin, at - begin);
    }
    end_sentence(text_.size());
    return std::move(all_);
  }

private:
  std::size_t behind(std::string_view word) const noexcept {
    return word.data() == nullptr ? 0 : std::size_t(word.data() - text_.data()) + word.size();
  }

  // Where in the gap between two words the sentence ends, behind its mark.
  std::size_t end_mark(std::size_t from, std::size_t to) const noexcept {
    for (auto at = from; at < to; ++at) {
      const auto rest = text_.substr(at, to - at);
      for (const std::string_view mark : {"!", "?", ";", "\n", "\u2026", "\u3002", "\uff01", "\uff1f"})
        if (rest.starts_with(mark))
          return at + mark.size();
      if (rest.front() == '.' && rest.size() > 1) // not within a number or a name
        return at + 1;
    }
    return std::string_view::npos;
  }

  void begin_sentence(std::size_t at) {
    now_ = {};
    last_ = {};
    begin_ = at;
  }

  // False when there are enough of them.
  bool end_sentence(std::size_t end) {
    now_.text = text_.substr(begin_, end - begin_);
    now_.question = now_.text.find('?') != std::string_view::npos || now_.text.find("\uff1f") != std::string_view::npos;
    while (!now_.text.empty() && (now_.text.front() == ' ' || now_.text.front() == '\n'))
      now_.text.remove_prefix(1);
    std::sort(now_.words.begin(), now_.words.end());
    now_.words.erase(std::unique(now_.words.begin(), now_.words.end()), now_.words.end());
    if (!now_.words.empty())
      all_.push_back(std::move(now_));
    begin_sentence(end);
    return all_.size() < most_sentences;
  }

  void take_word(std::string_view before, std::string_view word) {
    const bool contracted = is_contracted_not(before, word);
    if (contracted && before.data() == last_.data())
      now_.words.pop_back(); // the "isn" of "isn't"
    if (contracted || is_negation(word))
      now_.denied = !now_.denied;
    else if (!is_function_word(word) && now_.words.size() < most_words) {
      now_.words.push_back(known_.try_emplace(word, std::uint32_t(known_.size())).first->second);
      last_ = word;
    }
  }

  // From its first digit on, with a sign before it; returns where it ends.
  std::size_t take_number(std::size_t begin) {
    auto end = begin;
    while (end < text_.size() && (is_digit(text_[end]) || ((text_[end] == '.' || text_[end] == ',') &&
                                                           end + 1 < text_.size() && is_digit(text_[end + 1]))))
      ++end;
    const bool signed_ = begin > 0 && text_[begin - 1] == '-' && (begin == 1 || text_[begin - 2] == ' ');
    const auto text = text_.substr(begin - signed_, end - begin + signed_);
    if (now_.numbers.size() < most_words)
      now_.numbers.push_back({text, value_of(text)});
    return end;
  }

  const lower_text& words_;
  std::string_view text_;
  vocabulary& known_;
  std::vector<statement> all_;
  statement now_;
  std::string_view last_; // of now_.words, as it stands in the text
  std::size_t begin_ = 0;
};

// Three quarters of the words of the one that has fewer.
bool about_the_same(const statement& a, const statement& b) noexcept {
  std::size_t shared = 0;
  for (auto i = a.words.begin(), j = b.words.begin(); i != a.words.end() && j != b.words.end();) {
    shared += *i == *j;
    const bool next = *i <= *j;
    j += *j <= *i;
    i += next;
  }
  return 4 * shared >= 3 * std::min(a.words.size(), b.words.size());
}

// The first number of a that b does not have; nullptr if it has them all.
const number* missing(const statement& a, const statement& b) noexcept {
  for (const auto& each : a.numbers)
    if (std::none_of(b.numbers.begin(), b.numbers.end(), [&](const number& n) { return n.value == each.value; }))
      return &each;
  return nullptr;
}

} // namespace

mismatch find_mismatch(const lower_text& known, const lower_text& stated) {
  const bool denied = may_deny(known.view()) || may_deny(stated.view());
  if (!denied && !(known.has_digit() && stated.has_digit())) [[likely]]
    return {};
  vocabulary ids;
  const auto before = sentence_reader(known, ids).read();
  const auto after = sentence_reader(stated, ids).read();
  for (const auto& b : after)
    for (const auto& a : before) {
      if (a.question || b.question || !about_the_same(a, b))
        continue;
      const auto* one = missing(a, b);
      const auto* other = missing(b, a);
      const bool other_number = one != nullptr && other != nullptr;
      // To deny another number contradicts nothing.
      if (other_number && a.denied == b.denied)
        return {mismatch_kind::number, a.text, b.text, one->text, other->text};
      if (!other_number && a.denied != b.denied)
        return {mismatch_kind::negation, a.text, b.text, {}, {}};
    }
  return {};
}

} // namespace mycelium::oversight
