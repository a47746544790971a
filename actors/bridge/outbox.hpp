// What waits for, or is on its way to, one neighbour: an actor whose mailbox gets the types that it is to be sent, in
// the order in which they were published, and whose turns put them on the link; and the messages that are not
// acknowledged yet. A turn runs on the publisher's thread where messages are few, so that they leave at once, and on a
// worker where they are many. Outlives a link that is cut, so that the next link to the same node goes on where it
// stopped: nothing is lost and nothing comes twice. Messages that are to be delivered at least once are kept until the
// neighbour has delivered them, so that a successor can have them. Functions are the bridge's thread's unless they say
// otherwise.
#pragma once

#include "actors/bridge/frame.hpp"
#include "actors/bridge/settings.hpp"
#include "actors/runtime/bus.hpp"

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace mycelium::bridge {

struct outbox_stats {
  std::uint64_t sent = 0;         // messages, each once
  std::uint64_t sent_again = 0;   // after a link was cut
  std::uint64_t acknowledged = 0; // of sent
  std::uint64_t lost = 0;         // never acknowledged by a node that is gone, or still waiting for it
  std::uint64_t dropped = 0;      // for want of room, by the policy
  std::uint64_t waiting = 0;      // messages that were not taken yet, those of other ways included
  std::uint64_t passed_over = 0;  // not for this neighbour: it gets them another way, or sent them
  std::uint64_t taken_over = 0;   // not offered here: what a node before it, or it itself, had not delivered
  std::uint64_t unconfirmed = 0;  // of acknowledged: kept, since they are not delivered there
  std::uint64_t bytes_on_their_way = 0;
};

class outbox {
public:
  enum class turn { first, again };
  using messages = std::deque<runtime::message_ptr>;
  // The link of now. Called on any thread, one at a time but for carried().
  class carrier {
  public:
    virtual ~carrier() = default;
    // Appends the message's frame with this sequence to `out`; returns its size with padding, 0 if the message is not
    // for the neighbour. What was for it the first time is so again. with_receipt: asks for one.
    virtual std::size_t append(const runtime::message& m, std::uint64_t sequence, turn which, bool with_receipt,
                               byte_buffer& out) = 0;
    // Does the other side give receipts?
    virtual bool gives_receipts() const = 0;
    // Frames in the order in which they are to go out; leaves the vector empty.
    virtual void carry(byte_buffer& frames) = 0;
    // False while the connection does not take what it was given.
    virtual bool has_room() const = 0;
    // After one or more carry(): now they may go out.
    virtual void carried() = 0;
  };

  outbox(runtime::bus& bus, std::uint64_t link_id, std::string name, const settings& how);
  ~outbox(); // what is left counts as lost
  outbox(const outbox&) = delete;
  outbox& operator=(const outbox&) = delete;

  std::uint64_t link_id() const noexcept { return link_id_; }
  result<void> open();
  // The types that are to be sent from now on; sorted.
  void want(const std::vector<std::uint16_t>& types);
  // How many were dropped for want of room since it was asked the last time.
  std::uint64_t take_drops();

  // A new link. `heard`: the last message of our stream that the other side has dealt with; what came after it is sent
  // again. None: it does not know our stream, which begins anew; what was on its way is lost, unless nothing of it was
  // ever acknowledged: then it may not have heard how the stream is called, and gets it again. `window`: how many bytes
  // may be on their way.
  void begin(std::shared_ptr<carrier> by, std::uint64_t window, std::optional<std::uint64_t> heard);
  // The link ends, if it is the one of now.
  void release(const carrier& by);
  // The neighbour has dealt with all up to this sequence. False if that was never sent.
  bool acknowledge(std::uint64_t sequence);
  // It has delivered all up to this sequence but these, which are sorted. False as above.
  bool confirm(std::uint64_t sequence, std::span<const std::uint64_t> but);
  // The link has room again.
  void go_on();

  // What was offered by a moment, for somebody who waits until the neighbour has acknowledged it. Any thread.
  struct position {
    runtime::lane::progress accepted;
    bool is_taken = false;        // from the mailbox; then:
    std::uint64_t to_handle = 0;  // so many messages are sent or passed over when all of it is
    std::uint64_t taken_over = 0; // by then; what comes later that way has to be handled, too
    bool is_sent = false;
    std::uint64_t sequence = 0; // of the last of it, once it is sent
  };
  position offered_by_now() const { return {.accepted = lane_->accepted()}; }
  // Has it left the outbox? Was it acknowledged, dropped or lost? Both remember in `what` how far it has come.
  bool has_sent(position& what) const;
  bool is_dealt_with(position& what) const;

  // ---- a successor: another node of the same name takes the place of one that has gone ----
  // Of what is to be delivered at least once, and was not; sorted. The neighbour may want some of them no more.
  std::vector<std::uint16_t> types_left();
  // Nothing is sent until take_over(): what the one before leaves comes first.
  void hold();
  // Gives to take_over() messages of these types (sorted) that are to be delivered at least once, and were not. Before:
  // want() without them, and gather() until has_gathered(): then those have come, too, with which publishers waited.
  void gather();
  void stop_gathering(); // there is no successor after all
  bool has_gathered();
  messages leave_to_successor(const std::vector<std::uint16_t>& types);
  void take_over(messages left);

  // The neighbour will not come back: takes nothing more, and counts as lost what it has not acknowledged and what
  // still waits. The last counts.
  outbox_stats end();
  outbox_stats stats() const;
  bool is_empty() const;

private:
  struct on_its_way {
    std::uint64_t sequence;
    std::size_t size;
    bool is_kept;      // for a successor, if it is not delivered
    bool with_receipt; // which it asked for
    runtime::message_ptr what;
  };
  // In the actor's turn.
  void take(std::span<const runtime::message* const> batch);
  bool has_credit_locked() const;
  bool is_kept_locked(const runtime::message& m); // is it to be delivered at least once?
  void send_locked(const runtime::message& m);
  void begin_stream_locked();
  void count_bytes_locked();
  void acknowledge_locked(std::uint64_t sequence);
  bool has_sent_locked(position& what) const;
  void send_again_locked();
  // Sends what is held as far as credit goes. True: the actor may go on when the lock is down.
  bool go_on_locked();
  void wake(bool actor, carrier* by);

  runtime::bus& bus_;
  const std::uint64_t link_id_;
  const std::string name_;
  const settings& how_;
  runtime::counted_ptr<runtime::lane> lane_;
  std::uint64_t drops_told_ = 0;
  // Of gathering.
  bool knows_awaited_ = false;                       // with which publishers waited when it began
  std::optional<runtime::lane::progress> to_gather_; // what has to be taken or dropped, once that is known

  mutable std::mutex mutex_; // all below; the writer's comes after it, and the bridge's for ways
  std::shared_ptr<carrier> by_;
  std::uint64_t window_ = 0;
  std::uint64_t sequence_ = 0;
  std::uint64_t acknowledged_ = 0; // the last of them
  std::deque<on_its_way> on_its_way_;
  std::uint64_t bytes_on_their_way_ = 0;
  std::deque<on_its_way> unconfirmed_; // acknowledged, without a receipt
  std::uint64_t receipts_due_ = 0;     // of both
  std::uint64_t bytes_due_ = 0;
  messages held_;
  std::unordered_map<std::uint16_t, bool> kept_types_; // what was found of them
  int holds_ = 0;                                      // for predecessors
  bool is_gathering_ = false;                          // all that comes
  byte_buffer frames_;
  std::int64_t last_turn_ns_ = 0;
  outbox_stats stats_;
};

} // namespace mycelium::bridge
