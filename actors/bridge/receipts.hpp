// Which messages of one neighbour have been delivered here, of those that ask for a receipt: nobody holds them any
// more, no mailbox, no callback and no link to which they were passed on. Functions are the bridge's thread's, but what
// ends with a message ends on any.
#pragma once

#include "actors/runtime/message.hpp"

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

namespace mycelium::bridge {

// A message, whatever way it came.
struct message_identity {
  std::uint64_t origin = 0;
  std::uint64_t publisher = 0;
  std::uint64_t sequence = 0; // the publisher's
  std::uint16_t type_id = 0;
  auto operator<=>(const message_identity&) const = default;
};

// Those of all neighbours that somebody here still holds, so that one which comes again, from another neighbour or in
// another stream, is not taken for delivered. Any thread.
class held_messages;

class receipts : public std::enable_shared_from_this<receipts> {
public:
  // So that what is said of them is a small frame: of more the rest waits.
  static constexpr std::size_t most_open_told = 100;

  // tell(): there is news, after there was none. Called on any thread, under a lock: it may do no more than to pass the
  // word on, and may throw if it cannot.
  receipts(std::shared_ptr<held_messages> held, std::function<void()> tell)
      : held_(std::move(held)), tell_(std::move(tell)) {}

  // For a message with this sequence, which is greater than all before: to be carried by it.
  runtime::counted_ptr<runtime::receipt> expect(std::uint64_t sequence, const message_identity& what);
  // One with this sequence has come before: it is delivered when that is.
  void expect_again(std::uint64_t sequence, const message_identity& what);
  // A message that asks for a receipt was not passed on to anybody.
  void note_news();
  // The sequences begin anew; what is open belongs to those before.
  void begin_stream();
  // What was told over the last link may not have come.
  void begin_link();

  struct told {
    std::uint64_t sequence = 0;      // all up to it are delivered, but
    std::vector<std::uint64_t> open; // these; ascending
  };
  bool has_news() const;
  std::size_t open_count() const;
  // What holds by now; heard: the last sequence that came. It is no news any more.
  told take_news(std::uint64_t heard);
  // Nobody is told anything any more.
  void close();

private:
  friend class held_messages;
  class one;
  std::uint64_t open(std::uint64_t sequence); // returns the stream
  void delivered(std::uint64_t stream, std::uint64_t sequence) noexcept;
  void tell_locked() noexcept;

  const std::shared_ptr<held_messages> held_;
  mutable std::mutex mutex_; // all below
  std::function<void()> tell_;
  std::uint64_t stream_ = 0; // how often they began anew
  std::set<std::uint64_t> open_;
  bool has_news_ = false;
  bool is_used_ = false; // something has asked for a receipt in this stream
};

class held_messages {
private:
  friend class receipts;
  std::mutex mutex_; // before that of any receipts
  std::map<message_identity, receipts::one*> all_;
};

} // namespace mycelium::bridge
