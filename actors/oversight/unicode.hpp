// What a word is made of, in Unicode, and its lower case.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mycelium::oversight {

// U+FFFD, one byte long, where the bytes are no UTF-8.
struct character {
  char32_t code;
  std::uint32_t size; // bytes
};
// The first of a text that is not empty.
character first_character(std::string_view text) noexcept;
void append_character(std::string& text, char32_t code);

bool makes_words(char32_t code) noexcept; // letters, the marks on them, digits and other numbers
bool is_space(char32_t code) noexcept;
// Ideographs and hiragana are written without spaces: each is a word.
bool is_word_alone(char32_t code) noexcept;
// One character to one; the final sigma is a sigma.
char32_t lower_case(char32_t code) noexcept;

} // namespace mycelium::oversight
