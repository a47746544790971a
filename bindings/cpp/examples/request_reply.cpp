// Serves word counts and asks for one.
#include "examples.hpp"
#include "word_count.hpp"

#include <mycelium/mycelium.hpp>

#include <iostream>

using mycelium::examples::WordCountReply;
using mycelium::examples::WordCountRequest;

int main() try {
  const auto bus = mycelium::runtime::create().value();
  const auto serving = bus.serve<WordCountRequest>(count_words).value();
  const auto reply = bus.request<WordCountReply>(WordCountRequest{.text = "the quick brown fox"}).value();
  std::cout << reply.words << " words, " << reply.bytes << " bytes\n";
} catch (const mycelium::bad_result& failed) {
  std::cerr << "request_reply: " << failed.what() << '\n';
  return 1;
}
