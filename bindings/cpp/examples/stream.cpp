// Receives on the main thread what another thread publishes.
#include "examples.hpp"

#include <mycelium/mycelium.hpp>

#include <iostream>
#include <thread>

using mycelium::examples::CounterUpdate;
using namespace std::chrono_literals;

constexpr int updates = 1000;

void publish(mycelium::runtime_ref bus) {
  for (int value = 1; value <= updates; ++value)
    if (const auto sent = bus.publish(CounterUpdate{.counter_id = 1, .value = value, .delta = 1}); !sent)
      std::cerr << "stream: " << sent.error().text << '\n';
}

int main() try {
  const auto bus = mycelium::runtime::create().value();
  auto stream = bus.open_stream<CounterUpdate>().value();
  const std::jthread publisher(publish, mycelium::runtime_ref(bus));
  int received = 0;
  CounterUpdate last;
  for (; received < updates; ++received)
    last = stream.next(5s).value();
  std::cout << received << " updates, the last value is " << last.value << '\n';
} catch (const mycelium::bad_result& failed) {
  std::cerr << "stream: " << failed.what() << '\n';
  return 1;
}
