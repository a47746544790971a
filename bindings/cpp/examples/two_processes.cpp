// Two processes on one bus. One listens and serves; the other, of any language, dials, publishes and asks:
//   two_processes serve unix:/tmp/two
//   two_processes publish unix:/tmp/two
#include "examples.hpp"
#include "word_count.hpp"

#include <mycelium/mycelium.hpp>

#include <iostream>
#include <string>
#include <string_view>

using mycelium::examples::CounterUpdate;
using mycelium::examples::TextMessage;
using mycelium::examples::WordCountReply;
using mycelium::examples::WordCountRequest;
using namespace std::chrono_literals;

constexpr int updates = 1000;
constexpr auto patience = 30s;

void serve(const mycelium::runtime& bus, const std::string& address) {
  auto heard = bus.open_stream<CounterUpdate>().value();
  auto texts = bus.open_stream<TextMessage>().value();
  const auto serving = bus.serve<WordCountRequest>(count_words).value();
  std::cout << "listening at " << bus.bridge_listen(address).value() << std::endl;
  bool in_order = true;
  for (int value = 1; value <= updates; ++value) {
    const auto update = heard.next().value();
    in_order = in_order && update.counter_id == 1 && update.value == value && update.delta == 1;
  }
  const auto farewell = texts.next().value();
  std::cout << farewell.sender << " says " << farewell.content << '\n';
  std::cout << updates << " updates " << (in_order ? "in order" : "that are not what was published") << '\n';
  bus.close(patience).value();
}

void publish(const mycelium::runtime& bus, const std::string& address) {
  bus.bridge_dial(address).value();
  for (const auto type_id : {CounterUpdate::type_id, TextMessage::type_id, WordCountRequest::type_id})
    bus.wait_for_subscribers(type_id, 1, patience).value(); // until one over there can be reached
  for (int value = 1; value <= updates; ++value)
    bus.publish(CounterUpdate{.counter_id = 1, .value = value, .delta = 1}).value();
  const auto reply = bus.request<WordCountReply>(WordCountRequest{.text = "the quick brown fox"}, patience).value();
  std::cout << reply.words << " words, " << reply.bytes << " bytes\n";
  bus.publish(TextMessage{.sender = "C++", .content = "goodbye 👋"}).value();
  bus.close(patience).value(); // waits until the other process has it all
}

int main(int argc, char** argv) try {
  const std::string_view role = argc == 3 ? argv[1] : "";
  if (role != "serve" && role != "publish") {
    std::cerr << "usage: two_processes serve|publish ADDRESS\n";
    return 2;
  }
  const auto bus = mycelium::runtime::create().value();
  (role == "serve" ? serve : publish)(bus, argv[2]);
} catch (const mycelium::bad_result& failed) {
  std::cerr << "two_processes: " << failed.what() << '\n';
  return 1;
}
