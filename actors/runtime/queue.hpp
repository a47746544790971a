// A queue gathers the deliveries of any number of subscriptions, and the outcomes of requests, for threads that ask for
// them. Each subscription keeps its own lane; the queue only lists the lanes that hold something.
#pragma once

#include "actors/runtime/counted.hpp"
#include "actors/runtime/deadline.hpp"
#include "actors/runtime/message.hpp"
#include "schema/status.hpp"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

namespace mycelium::runtime {

class lane;

enum class delivery_kind : std::int32_t { message = 0, complete = 1, reply = 2 };

struct delivery {
  delivery_kind kind = delivery_kind::message;
  status outcome = status::success;
  std::uint64_t id = 0;
  void* user_data = nullptr;
  const message* content = nullptr; // one reference, the receiver's
};

class delivery_queue : public counted<delivery_queue> {
public:
  explicit delivery_queue(std::uint64_t id);
  ~delivery_queue();

  std::uint64_t id() const noexcept { return id_; }

  // Any thread: the lane holds messages. Cheap when the queue knows already.
  void announce(lane& holder) noexcept;
  // The lane has ended and is empty: its COMPLETE is next.
  void announce_end(counted_ptr<lane> ended) noexcept;
  void announce_reply(delivery outcome) noexcept;

  // Fills out and returns how many; waits for the first until the deadline. timeout, closed.
  result<std::size_t> receive(std::span<delivery> out, const deadline& until);
  void wake() noexcept;
  // An eventfd, readable while the queue may hold something; made at the first call.
  result<int> descriptor();
  // Wakes every receive; what is left is handed out, then receive says closed.
  void close() noexcept;
  // Waits until no receive is between a lane and its caller, so that a lane that has ended hands nothing out any more.
  void wait_for_receivers() noexcept { std::lock_guard lock(receiving_); }
  // Does a thread other than the calling one receive? Or is the calling one the last that did?
  bool is_served_elsewhere() const noexcept;
  bool is_served_here() const noexcept;
  // Discards what nobody took. Once closed.
  void discard_rest() noexcept;

private:
  std::size_t take(std::span<delivery> out);
  std::size_t take_ended(std::span<delivery> out, std::vector<counted_ptr<lane>>& completed);
  void notify_locked() noexcept;
  void settle_descriptor_locked() noexcept;
  bool holds_something_locked() const noexcept { return !ready_.empty() || !ended_.empty() || !replies_.empty(); }

  const std::uint64_t id_;
  std::mutex receiving_; // one receiver empties lanes at a time
  std::vector<const message*> batch_;
  mutable std::mutex mutex_; // all below; never held while a lane is emptied
  std::condition_variable arrived_;
  std::deque<counted_ptr<lane>> ready_;
  std::deque<counted_ptr<lane>> ended_;
  std::deque<delivery> replies_;
  std::uint32_t wakes_ = 0;
  std::thread::id last_receiver_;
  bool closed_ = false;
  int fd_ = -1;
  bool fd_raised_ = false;
};

} // namespace mycelium::runtime
