// Memory for payloads that one thread takes and another gives back, for the peers that we wrote ourselves: magazines
// per thread, exchanged through a depot (Bonwick and Adams, 2001). Any thread; memory is kept for reuse until the
// process ends.
#pragma once

#include <cstddef>

namespace mycelium::bench {

class block_pool {
public:
  static constexpr std::size_t largest = std::size_t{1} << 17;

  // bytes as given to take; more than largest goes to malloc. take gives nullptr if memory is short.
  static void* take(std::size_t bytes);
  static void give(void* memory, std::size_t bytes);
};

} // namespace mycelium::bench
