// Messages of durable types, from the bus into a stream: each is published until the stream has acknowledged it, with
// an id by which the stream knows a second copy. At most `window` of them are on their way, counted from the oldest
// that is not acknowledged: so far may they change places when one is published again.
#pragma once

#include "tools/nats/inbox.hpp"
#include "tools/nats/tap.hpp"

#include <deque>

namespace mycelium::nats {

class stream_outlet {
public:
  static constexpr std::size_t window = 256;

  static result<std::unique_ptr<stream_outlet>> start(const context& shared);
  ~stream_outlet();

  // Goes on until everything is acknowledged, or the deadline; what is left is counted as lost.
  void finish(std::chrono::steady_clock::time_point until);
  std::uint64_t dropped() const { return tap_->dropped(); }
  std::size_t on_their_way() const;

private:
  using clock = std::chrono::steady_clock;
  struct waiting {
    message_ptr content;
    clock::time_point due; // to be published again
    bool is_done = false;  // acknowledged or refused
  };
  explicit stream_outlet(const context& shared) : shared_(shared) {}
  void run();
  void take_more();
  void publish_again();
  std::size_t room();
  void wait_for_room();
  bool is_finished();
  void answered(std::uint64_t number, natsMsg* answer);
  void forget_done_locked();

  const context& shared_;
  std::unique_ptr<tap> tap_;
  std::atomic<std::int64_t> finish_by_ns_{0}; // steady clock
  std::uint64_t epoch_ = 0;                   // of the connection that all in the window were published over
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<waiting> window_;
  std::uint64_t first_ = 1; // number of window_.front()
  bool warned_ = false;
  worker thread_;
  std::unique_ptr<inbox> answers_; // last: its end waits for answered()
};

} // namespace mycelium::nats
