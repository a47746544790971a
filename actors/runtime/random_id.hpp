// A number that nobody else has drawn.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <sys/random.h>

namespace mycelium::runtime {

// Not 0. std::runtime_error.
inline std::uint64_t random_id() {
  std::uint64_t id = 0;
  while (id == 0)
    if (getrandom(&id, sizeof id, 0) != ssize_t{sizeof id})
      throw std::runtime_error("the system gives no random numbers");
  return id;
}

} // namespace mycelium::runtime
