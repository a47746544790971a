// The last messages of one type, kept for subscriptions that come later.
#pragma once

#include "actors/runtime/counted.hpp"
#include "actors/runtime/message.hpp"

#include <cstdint>
#include <deque>
#include <mutex>
#include <vector>

namespace mycelium::runtime {

class history : public counted<history> {
public:
  explicit history(std::size_t depth) : depth_(depth) {}

  // Gives m (which must have extras and one holder) its index, and keeps it if it is for whoever comes later.
  // Publishers call it before they read the routes that they offer to: so what a new subscriber does not find in its
  // snapshot, it finds in its lane.
  void append(message& m, bool for_later);

  struct snapshot {
    std::vector<message_ptr> messages; // oldest first
    std::uint64_t last_index = 0;      // of all that were ever appended
  };
  snapshot last(std::size_t count) const;
  void resize(std::size_t depth);

private:
  mutable std::mutex mutex_;
  std::deque<message_ptr> kept_;
  std::size_t depth_;
  std::uint64_t last_index_ = 0;
};

} // namespace mycelium::runtime
