// How the examples count words.
#pragma once

#include "examples.hpp"

#include <algorithm>
#include <string_view>

// Words are runs of bytes other than space, tab, line feed and carriage return.
inline mycelium::examples::WordCountReply count_words(const mycelium::examples::WordCountRequest& request) {
  constexpr std::string_view spaces = " \t\n\r";
  const std::string_view text = request.text;
  mycelium::examples::WordCountReply reply{.bytes = text.size()};
  for (auto at = text.find_first_not_of(spaces); at != text.npos; at = text.find_first_not_of(spaces, at)) {
    ++reply.words;
    at = std::min(text.find_first_of(spaces, at), text.size());
  }
  return reply;
}
