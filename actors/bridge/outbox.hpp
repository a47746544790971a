// What waits for, or is on its way to, one neighbour: a subscription of the bus for each type that it is to be sent, a
// queue in front of them, and the messages that it has not acknowledged yet. Outlives a link that is cut, so that the
// next link to the same node goes on where it stopped: nothing is lost and nothing comes twice. On the thread of the
// bridge.
#pragma once

#include "actors/bridge/frame.hpp"
#include "actors/bridge/settings.hpp"
#include "actors/runtime/bus.hpp"

#include <array>
#include <deque>
#include <map>
#include <string>
#include <vector>

namespace mycelium::bridge {

struct outbox_stats {
  std::uint64_t sent = 0;         // messages, each once
  std::uint64_t sent_again = 0;   // after a link was cut
  std::uint64_t acknowledged = 0; // of sent
  std::uint64_t lost = 0;         // of sent, never acknowledged by a node that is gone
  std::uint64_t dropped = 0;      // for want of room, by the policy
  std::uint64_t passed_over = 0;  // not for this neighbour: it gets them another way, or sent them
};

class outbox {
public:
  outbox(runtime::bus& bus, std::uint64_t link_id, std::string name, const settings& how);
  ~outbox(); // what is left counts as lost
  outbox(const outbox&) = delete;
  outbox& operator=(const outbox&) = delete;

  std::uint64_t link_id() const noexcept { return link_id_; }
  result<void> open();
  // Readable while messages may wait.
  int descriptor() const noexcept { return descriptor_; }
  // The types that are to be sent from now on; sorted.
  void want(const std::vector<std::uint16_t>& types);

  // ---- sending ----
  // The next message that waits; none if there is none. Followed by sent() or pass_over().
  runtime::message_ptr take();
  // The sequence that it goes out with. `size` bytes count against the window until they are acknowledged.
  std::uint64_t sent(runtime::message_ptr what, std::size_t size);
  void pass_over() noexcept { ++stats_.passed_over; }
  std::uint64_t bytes_on_their_way() const noexcept { return on_their_way_; }
  // How many of a type were dropped since it was asked the last time, type by type; none: nothing.
  std::vector<std::pair<std::uint16_t, std::uint64_t>> take_drops();

  // ---- acknowledging ----
  void acknowledge(std::uint64_t sequence);
  struct again {
    std::uint64_t sequence;
    const runtime::message* what;
  };
  // A new link to the same node, which has received up to `sequence`: what it has not is to be sent again.
  std::vector<again> resume(std::uint64_t sequence);
  // A new link to another node in the place of the old: what was on its way is lost.
  void start_anew();

  outbox_stats stats() const;
  bool is_empty();

private:
  struct on_its_way {
    std::uint64_t sequence;
    std::size_t size;
    runtime::message_ptr what;
  };
  struct wanted {
    std::uint64_t subscription = 0;
    std::uint64_t told = 0; // drops that were told
  };
  std::uint64_t drops_of(const wanted& type) const;

  runtime::bus& bus_;
  const std::uint64_t link_id_;
  const std::string name_;
  const settings& how_;
  std::uint64_t queue_id_ = 0;
  runtime::counted_ptr<runtime::delivery_queue> queue_;
  int descriptor_ = -1;
  std::map<std::uint16_t, wanted> types_;
  std::array<runtime::delivery, 64> taken_;
  std::size_t taken_begin_ = 0;
  std::size_t taken_end_ = 0;
  std::uint64_t sequence_ = 0;
  std::deque<on_its_way> on_its_way_;
  std::uint64_t on_their_way_ = 0;   // bytes
  std::uint64_t dropped_before_ = 0; // by subscriptions that are no more
  outbox_stats stats_;
};

} // namespace mycelium::bridge
