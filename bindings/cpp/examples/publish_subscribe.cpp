// Publishes a message and prints it as it arrives.
#include "examples.hpp" // mycelium schema compile --cpp . schema/examples.fbs

#include <mycelium/mycelium.hpp>

#include <iostream>

using mycelium::examples::TextMessage;

// Runs on a thread of the runtime.
void show(const TextMessage& message) {
  std::cout << message.sender << ": " << message.content << " (" << message.timestamp << ")\n";
}

int main() try {
  const auto bus = mycelium::runtime::create().value();
  const auto showing = bus.subscribe<TextMessage>(show).value(); // until it is destroyed
  bus.publish(TextMessage{.sender = "example", .content = "hi", .timestamp = 123}).value();
  bus.flush().value(); // until it has arrived
} catch (const mycelium::bad_result& failed) {
  std::cerr << "publish_subscribe: " << failed.what() << '\n';
  return 1;
}
