#include "examples.hpp"

#include <mycelium/mycelium.hpp>

using message = mycelium::message<mycelium::examples::TextMessage>;

void keep(const message& borrowed) {
  const message kept = borrowed; // ERROR: is private within this context
  (void)kept;
}
