// A stranger's C++20 program with messages of its own types, through what was installed.
#include "examples.hpp"

#include <mycelium/mycelium.hpp>

#include <atomic>
#include <iostream>

using mycelium::examples::TextMessage;
using mycelium::examples::WordCountReply;
using mycelium::examples::WordCountRequest;

int main() {
  const auto bus = mycelium::runtime::create().value();
  std::atomic<int> greetings{0};
  const auto greet = [&](const TextMessage& each) { greetings += each.content == "hello"; };
  const auto measure = [](const WordCountRequest& request) { return WordCountReply{.bytes = request.text.size()}; };
  const auto hearing = bus.subscribe<TextMessage>(greet).value();
  const auto serving = bus.serve<WordCountRequest>(measure).value();
  bus.publish(TextMessage{.sender = "me", .content = "hello"}).value();
  const auto reply = bus.request<WordCountReply>(WordCountRequest{.text = "four"}).value();
  bus.flush().value();
  std::cout << "mycelium " << mycelium::version() << ": " << greetings << " greeting, " << reply.bytes << " bytes\n";
  return greetings == 1 && reply.bytes == 4 ? 0 : 1;
}
