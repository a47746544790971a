// How a thread waits for what comes over its sockets: as io.run(), but in a lull of dense traffic it looks for more a
// while before it sleeps. To be woken takes longer than to answer: who asks and is answered at once, again and again,
// has each answer in a sixth of the time (docs/performance.md). It costs a core while it lasts.
#pragma once

#include "actors/runtime/cores.hpp"
#include "actors/runtime/deadline.hpp"

#include <algorithm>
#include <asio/io_context.hpp>
#include <cstdint>
#include <thread>

namespace mycelium::bridge {

constexpr std::int64_t look_for_ns = 50'000;

// Whether it is worth looking: when what comes has come close together for a while. Two or three things that come
// together now and then, such as a message and what is said of it, are not enough.
class density {
public:
  // Asleep. In a conversation in which both sides have to be woken a turn takes longer than when they look.
  void slept(std::int64_t ns) { note(ns < 2 * look_for_ns); }
  void looked(bool in_vain) { note(!in_vain); }
  bool is_enough() const { return level_ >= enough; }

private:
  static constexpr int enough = 4;
  static constexpr int most = 8; // so that one long wait alone does not end it

  void note(bool is_close) { level_ = is_close ? std::min(level_ + 1, most) : std::max(level_ - enough, 0); }

  int level_ = 0;
};

// Until io is stopped or has no work left. What a handler throws comes out; it may be called again then.
inline void run_loop(asio::io_context& io) {
  density traffic;
  const bool may_look = runtime::has_cores_to_spare();
  while (!io.stopped()) {
    io.poll();
    const auto since = runtime::monotonic_ns();
    if (may_look && traffic.is_enough()) {
      std::size_t found = 0;
      while (found == 0 && !io.stopped() && runtime::monotonic_ns() - since < look_for_ns) {
        std::this_thread::yield(); // to whoever has something to do on this core
        found = io.poll_one();
      }
      traffic.looked(found == 0);
      if (found != 0)
        continue;
    }
    io.run_one();
    traffic.slept(runtime::monotonic_ns() - since);
  }
}

} // namespace mycelium::bridge
