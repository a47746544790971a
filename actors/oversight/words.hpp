// Texts as words: lower-cased copies, their pieces between white space, their words of letters and digits, and sets of
// them. All memory is kept for the next text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mycelium::oversight {

// A text in lower case. Its views end with the next assign().
class lower_text {
public:
  void assign(std::string_view text);
  std::string_view view() const noexcept { return {text_.data(), size_}; }
  bool has_digit() const noexcept { return has_digit_; }

  // The next piece between white space from at on, and moves at behind it; "" at the end.
  std::string_view next_piece(std::size_t& at) const noexcept;
  // The next word of letters, marks and numbers.
  std::string_view next_word(std::size_t& at) const noexcept;

private:
  void append_rest(std::string_view text);
  std::size_t end_of_word(std::size_t at) const noexcept;

  std::string text_; // with room behind its end
  std::size_t size_ = 0;
  bool has_digit_ = false;
};

// Two sets of words in one table: how many each has, and how many both. The words' bytes stay with their texts, each of
// which has 8 readable bytes behind every word (lower_text's have).
class word_sets {
public:
  void clear() noexcept;
  void add_first(std::string_view word);
  void add_second(std::string_view word);

  std::size_t first() const noexcept { return first_; }
  std::size_t second() const noexcept { return second_; }
  std::size_t both() const noexcept { return both_; }
  // The words of both, in the order in which the first set got them.
  std::vector<std::string_view> shared() const;

private:
  struct entry {
    const char* data;
    std::uint32_t size;
    std::uint32_t round; // the clear() that it belongs to; another's entry is free
    std::uint64_t hash;
    std::uint64_t head; // its first eight bytes
    std::uint64_t order;
    bool in_first;
    bool in_second;
  };

  entry& place_of(std::string_view word);
  void grow();

  std::vector<entry> table_; // its size is a power of two
  std::uint32_t round_ = 1;
  std::size_t used_ = 0;
  std::size_t first_ = 0;
  std::size_t second_ = 0;
  std::size_t both_ = 0;
};

// Words that every English sentence may have and that say nothing of what it is about.
bool is_function_word(std::string_view lower) noexcept;

} // namespace mycelium::oversight
