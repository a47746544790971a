#include <mycelium/mycelium.hpp>

void subscribe(mycelium::runtime_ref bus) {
  (void)bus.subscribe(1001, [](double*) {}); // ERROR: the callable takes bytes, const any_message&
}
