#include <mycelium/mycelium.hpp>

struct no_message {};

void publish(mycelium::runtime_ref bus) {
  (void)bus.publish(no_message{}); // ERROR: no matching function for call to .*publish.no_message
}
