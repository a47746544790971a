#include "examples.hpp"

#include <mycelium/mycelium.hpp>

void subscribe(mycelium::runtime_ref bus) {
  (void)bus.subscribe<mycelium::examples::TextMessage>([](int) {}); // ERROR: the callable takes T, const message<T>&
}
