#include <mycelium/mycelium.hpp>

void publish(mycelium::runtime_ref bus) {
  bus.publish(1001, {}); // ERROR: ignoring returned value
}
