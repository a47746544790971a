#include "examples.hpp"

#include <mycelium/mycelium.hpp>

void serve(mycelium::runtime_ref bus) {
  (void)bus.serve<mycelium::examples::WordCountRequest>(
      [] {}); // ERROR: the handler takes Request and returns its reply
}
