// How many messages should wait in a mailbox whose consumer is fast: what was published a moment ago is still in the
// processor's cache when it is consumed, what waits behind thousands is not. So publishers that may wait do so long
// before the mailbox is full. A consumer that makes them wait for long lags behind: it gets the whole mailbox, until
// they find that it is fast again.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace mycelium::runtime {

class short_queue {
public:
  static constexpr std::int64_t patience_ns = 5'000'000; // more than a turn of another thread on the same processor

  // If all were as long as this one.
  static constexpr std::uint64_t most(std::size_t message_size) noexcept {
    return std::clamp<std::uint64_t>(bytes / std::max<std::size_t>(message_size, 1), fewest, messages);
  }
  static constexpr bool is_over(std::uint64_t waiting, std::size_t message_size) noexcept {
    return waiting >= messages || (waiting >= fewest && waiting * message_size >= bytes);
  }
  // Would a consumer that takes so many in this time have made room with patience?
  static constexpr bool is_fast(std::uint64_t taken, std::int64_t in_ns, std::size_t message_size) noexcept {
    return double(taken) * double(patience_ns) >= double(in_ns) * double(most(message_size) / 2);
  }

private:
  static constexpr std::uint64_t messages = 512;
  static constexpr std::uint64_t bytes = 1 << 20;
  static constexpr std::uint64_t fewest = 4;
};

} // namespace mycelium::runtime
