#include "actors/oversight/words.hpp"
#include "actors/oversight/unicode.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace mycelium::oversight {
namespace {

constexpr std::size_t margin = 8; // bytes that may be read behind a text

enum byte_class : std::uint8_t { other = 0, letter = 1, digit = 2, space = 4, beyond = 8 };

constexpr auto byte_classes = [] {
  std::array<std::uint8_t, 256> out{};
  for (unsigned c = 0; c < 256; ++c)
    out[c] = c >= 0x80                                                 ? beyond
             : (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')        ? letter
             : c >= '0' && c <= '9'                                    ? digit
             : c == ' ' || (c >= 9 && c <= 13) || (c >= 28 && c <= 31) ? space
                                                                       : other;
  return out;
}();

constexpr auto lower_bytes = [] {
  std::array<char, 256> out{};
  for (unsigned c = 0; c < 256; ++c)
    out[c] = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return out;
}();

std::uint8_t class_of(char byte) noexcept { return byte_classes[static_cast<unsigned char>(byte)]; }

constexpr std::uint64_t each_byte(std::uint64_t byte) noexcept { return byte * 0x0101010101010101; }
// 0x80 in each byte that lies in the range; no byte is over 0x7f.
constexpr std::uint64_t between(std::uint64_t eight, char first, char last) noexcept {
  const auto not_below = eight + each_byte(0x80u - static_cast<unsigned char>(first));
  const auto above = eight + each_byte(0x7fu - static_cast<unsigned char>(last));
  return (not_below ^ above) & each_byte(0x80);
}

// Up to eight bytes from at on, without what is behind the word; reads eight.
std::uint64_t portion(const char* at, std::size_t left) noexcept {
  std::uint64_t eight;
  std::memcpy(&eight, at, 8);
  if (left >= 8)
    return eight;
  return std::endian::native == std::endian::little ? eight & ((std::uint64_t{1} << 8 * left) - 1)
                                                    : eight >> (64 - 8 * left);
}

std::uint64_t mixed(std::uint64_t hash) noexcept {
  hash *= 0x9E3779B97F4A7C15;
  return hash ^ hash >> 32;
}

} // namespace

void lower_text::assign(std::string_view text) {
  if (text_.size() < text.size() + margin)
    text_.resize(std::max(2 * text_.size(), text.size() + margin));
  std::uint64_t digits = 0;
  char* out = text_.data();
  std::size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    std::uint64_t eight;
    std::memcpy(&eight, text.data() + i, 8);
    if ((eight & each_byte(0x80)) != 0)
      break;
    digits |= between(eight, '0', '9');
    eight |= between(eight, 'A', 'Z') >> 2; // 0x80 >> 2 is what lower case has more
    std::memcpy(out + i, &eight, 8);
  }
  for (; i < text.size() && static_cast<unsigned char>(text[i]) < 0x80; ++i) {
    digits |= class_of(text[i]) == digit;
    out[i] = lower_bytes[static_cast<unsigned char>(text[i])];
  }
  size_ = i;
  has_digit_ = digits != 0;
  if (i != text.size())
    append_rest(text.substr(i));
  std::memset(text_.data() + size_, 0, margin);
}

// From the first character on that is not ASCII.
void lower_text::append_rest(std::string_view text) {
  text_.resize(size_);
  while (!text.empty()) {
    const auto next = first_character(text);
    has_digit_ = has_digit_ || (next.code >= '0' && next.code <= '9');
    append_character(text_, lower_case(next.code));
    text.remove_prefix(next.size);
  }
  size_ = text_.size();
  text_.resize(size_ + margin);
}

std::string_view lower_text::next_piece(std::size_t& at) const noexcept {
  const auto space_at = [this](std::size_t i) -> std::uint32_t { // how many bytes of white space stand there
    const auto kind = class_of(text_[i]);
    if (kind != beyond) [[likely]]
      return kind == space;
    const auto next = first_character(view().substr(i));
    return is_space(next.code) ? next.size : 0;
  };
  while (at < size_)
    if (const auto gap = space_at(at); gap != 0)
      at += gap;
    else
      break;
  const auto begin = at;
  while (at < size_ && space_at(at) == 0)
    ++at;
  return view().substr(begin, at - begin);
}

std::string_view lower_text::next_word(std::size_t& at) const noexcept {
  auto begin = at;
  for (;; begin = at) {
    while ((class_of(text_[at]) & (letter | digit)) != 0) // ends at the zeros behind the text
      ++at;
    if (at >= size_)
      break;
    if (class_of(text_[at]) == beyond) [[unlikely]] {
      const auto next = first_character(view().substr(at));
      if (is_word_alone(next.code)) {
        at += begin == at ? next.size : 0;
        break;
      }
      if (makes_words(next.code)) {
        at = end_of_word(at + next.size);
        break;
      }
    }
    if (begin != at)
      break;
    at += class_of(text_[at]) == beyond ? first_character(view().substr(at)).size : 1;
  }
  return view().substr(begin, at - begin);
}

// Where the word ends that has begun before at.
std::size_t lower_text::end_of_word(std::size_t at) const noexcept {
  for (;;) {
    while ((class_of(text_[at]) & (letter | digit)) != 0)
      ++at;
    if (class_of(text_[at]) != beyond)
      return at;
    const auto next = first_character(view().substr(at));
    if (!makes_words(next.code) || is_word_alone(next.code))
      return at;
    at += next.size;
  }
}

void word_sets::clear() noexcept {
  if (++round_ == 0) { // after 2^32 rounds old entries could pass for new ones
    table_.clear();
    round_ = 1;
  }
  used_ = first_ = second_ = both_ = 0;
}

word_sets::entry& word_sets::place_of(std::string_view word) {
  if (2 * (used_ + 1) > table_.size())
    grow();
  const auto head = portion(word.data(), word.size());
  auto hash = mixed(head + word.size());
  for (std::size_t i = 8; i < word.size(); i += 8)
    hash = mixed(hash ^ portion(word.data() + i, word.size() - i));
  const auto mask = table_.size() - 1;
  for (auto at = hash & mask;; at = (at + 1) & mask) {
    auto& found = table_[at];
    if (found.round != round_)
      return found = {word.data(), std::uint32_t(word.size()), round_, hash, head, used_++, false, false};
    // Most words are all in their head.
    if (found.hash == hash && found.head == head && found.size == word.size() &&
        (word.size() <= 8 || std::memcmp(found.data, word.data(), word.size()) == 0))
      return found;
  }
}

void word_sets::grow() {
  const auto old = std::move(table_);
  table_.assign(std::max<std::size_t>(64, 2 * old.size()), entry{});
  const auto mask = table_.size() - 1;
  for (const auto& each : old) {
    if (each.round != round_)
      continue;
    auto at = each.hash & mask;
    while (table_[at].round == round_)
      at = (at + 1) & mask;
    table_[at] = each;
  }
}

void word_sets::add_first(std::string_view word) {
  auto& at = place_of(word);
  first_ += !at.in_first;
  both_ += !at.in_first && at.in_second;
  at.in_first = true;
}

void word_sets::add_second(std::string_view word) {
  auto& at = place_of(word);
  second_ += !at.in_second;
  both_ += !at.in_second && at.in_first;
  at.in_second = true;
}

std::vector<std::string_view> word_sets::shared() const {
  std::vector<const entry*> found;
  for (const auto& each : table_)
    if (each.round == round_ && each.in_first && each.in_second)
      found.push_back(&each);
  std::sort(found.begin(), found.end(), [](const entry* a, const entry* b) { return a->order < b->order; });
  std::vector<std::string_view> words;
  for (const auto* each : found)
    words.emplace_back(each->data, each->size);
  return words;
}

bool is_function_word(std::string_view lower) noexcept {
  constexpr std::array<std::string_view, 82> words{
      "a",     "about", "am",   "an",   "and",   "are",   "as",   "at",    "be",       "been",      "but",  "by",
      "can",   "could", "did",  "do",   "does",  "for",   "from", "had",   "has",      "have",      "he",   "her",
      "his",   "how",   "i",    "if",   "in",    "into",  "is",   "it",    "its",      "may",       "me",   "might",
      "must",  "my",    "of",   "on",   "or",    "our",   "s",    "shall", "she",      "should",    "so",   "such",
      "t",     "tell",  "than", "that", "the",   "their", "them", "then",  "there",    "these",     "they", "this",
      "those", "to",    "us",   "was",  "we",    "were",  "what", "when",  "where",    "which",     "who",  "whom",
      "whose", "why",   "will", "with", "would", "you",   "your", "yours", "yourself", "yourselves"};
  static_assert(std::is_sorted(words.begin(), words.end()));
  return std::binary_search(words.begin(), words.end(), lower);
}

} // namespace mycelium::oversight
