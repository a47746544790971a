// One connection to another node: greeting, frames out and in, credit, heartbeats. Knows nothing of other links; what
// it hears it tells its owner. On the thread of the bridge.
//
//   connected -> greeting (Hello both ways) -> proving (Proof, where asked for) -> up (Ready both ways) -> closed
//
// A Refusal, a byte that the protocol does not allow, silence or the end of the stream closes it from any state.
#pragma once

#include "actors/bridge/credentials.hpp"
#include "actors/bridge/frame.hpp"
#include "actors/bridge/outbox.hpp"
#include "actors/bridge/receipts.hpp"
#include "actors/bridge/settings.hpp"
#include "actors/bridge/stream.hpp"
#include "actors/bridge/wire.hpp"
#include "actors/bridge/writer.hpp"

#include <array>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace mycelium::bridge {

class link;
using link_ptr = std::shared_ptr<link>;

// What is known of a neighbour, over all links to it.
struct neighbour {
  ~neighbour() {
    if (receiving)
      receiving->close();
  }

  // The message heard last was not dealt with after all.
  void take_back_last() {
    if (heard != 0) // a stream that began anew since has none
      --heard;
  }

  std::uint64_t node = 0;
  std::string name;
  std::unique_ptr<outbox> waiting;
  std::uint64_t stream = 0;            // of what we send
  std::uint64_t heard_stream = 0;      // of what it sends
  std::uint64_t heard = 0;             // the last sequence of it that we dealt with
  std::shared_ptr<receipts> receiving; // of what it sends
  std::weak_ptr<link> current;
  std::optional<asio::posix::stream_descriptor> process; // a pidfd, readable when it has ended; none: that is not known
  std::vector<std::uint16_t> types;                      // that are kept for it, or sent at once; sorted
  std::set<std::uint16_t> was_sent;                      // those, and of an absent one those that it was sent before
  // What was said in the log once.
  std::set<std::uint16_t> not_allowed; // types that it sent
  bool told_too_many_nodes = false;
  bool told_too_many_types = false;
};

// What a link asks of the bridge, and tells it.
class link_owner {
public:
  virtual ~link_owner() = default;
  virtual std::uint64_t node() const = 0;
  virtual std::vector<schema::message_type> known_types() const = 0;
  // The other side's Hello has come: who it is, or why it may not stay.
  struct verdict {
    neighbour* who = nullptr;
    wire::RefusalReason why{};
    std::string text;
    rule_ptr by{}; // none: it may do everything
  };
  virtual verdict admit(link& by) = 0;
  virtual const credentials_ptr& known_credentials() const = 0; // of now
  virtual void link_is_up(link& by) = 0;
  virtual void heard_state(link& by, wire::NodeStateT state) = 0;
  // Any thread.
  virtual bool leads_to(std::uint64_t neighbour, std::uint64_t origin, std::uint16_t type_id) = 0;
  virtual std::uint64_t ways_version() const = 0; // changes when leads_to() may
  // Do other nodes get this message from here?
  virtual bool goes_on(link& by, const frame& what) = 0;
  // What a stranger sent is looked at before anybody reads it: invalid_payload. no_reply: it came before, another way.
  virtual status judge(link& by, const frame& what) = 0;
  // waits: some subscriber has no room; the link deals with nothing more until go_on(). closing: nothing is delivered
  // any more, and this was not.
  enum class delivery { done, waits, closing };
  virtual delivery deliver(link& by, const frame& what) = 0;
  // It sent a type that its rule does not let it; the message was dropped.
  virtual void heard_not_allowed(link& by, std::uint16_t type_id) = 0;
  virtual void heard_gap(link& by, std::uint64_t missing) = 0;
  virtual void heard_lost(link& by, std::uint16_t type_id, std::uint64_t count) = 0;
  virtual void link_is_closed(link& by, const std::string& why) = 0;
};

// Bytes that wait to be written to somebody who does not read; with more the link ends.
constexpr std::size_t most_unwritten(const settings& how) noexcept {
  return 4 * how.max_frame + how.window + (8u << 20);
}

struct link_stats {
  std::uint64_t messages_in = 0;
  std::uint64_t bytes_in = 0; // of all frames
  std::uint64_t bytes_out = 0;
  std::uint64_t repeated = 0; // messages that had come before
  std::uint64_t missing = 0;  // messages that never came
  std::uint64_t refused = 0;  // of another schema, or come too far
};

class link : public std::enable_shared_from_this<link>, private stream::user, private outbox::carrier {
public:
  link(link_owner& owner, runtime::bus& bus, const settings& how, std::unique_ptr<stream> connection, bool dialed,
       std::string where);

  void start();
  // Says why, and closes.
  void refuse(wire::RefusalReason why, const std::string& text);
  void close(const std::string& why);
  void send_state(const wire::NodeStateT& news);
  // The bus is closing, and the message that came last does not go on to others: it is taken back. Who sent it must not
  // hear that it was dealt with, nor that what comes after it was, since that is said of both at once.
  void turn_deaf() { deaf_ = true; }
  void wait_for_room() { stopped_ = true; } // as when a message waits
  void acknowledge_soon();
  void go_on();
  void answer(std::uint64_t correlation, status outcome, const runtime::message* reply);

  bool dialed() const noexcept { return dialed_; }
  bool is_up() const noexcept { return state_ == state::up; }
  bool was_up() const noexcept { return peer_ != nullptr && ready_; }
  bool is_closed() const noexcept { return state_ == state::closed; }
  bool has_sent_all() const { return writer_.is_empty(); }
  bool was_left() const noexcept { return was_left_; } // the other side said that it goes away
  const std::string& where() const noexcept { return where_; }
  const wire::HelloT& hello() const noexcept { return hello_; }
  neighbour* peer() const noexcept { return peer_; }
  std::chrono::steady_clock::time_point last_heard() const noexcept { return last_heard_; }
  const peer_identity& who() const noexcept { return stream_->peer(); }
  // The other side's process, if the kernel says the same of it as it itself: nobody in between passes bytes on. Else
  // 0.
  std::int32_t process() const noexcept;
  link_stats stats() const;
  std::uint32_t window() const noexcept { return std::min(hello_.window, how_.window); } // of what we send

  // By the rule that let it in.
  bool may_publish(std::uint16_t type_id) const { return !rule_ || rule_->publish.contains(type_id, bus_.schemas()); }
  bool may_receive(std::uint16_t type_id) const; // any thread
  void rule_is(rule_ptr now);
  // Would it come up with these credentials, as far as token and certificate go? A text that says why not, or "".
  std::string why_not_with(const credentials& now) const;
  bool may_tell_of(std::uint64_t node); // false: it has told of as many as it may
  void forget_nodes_but(const std::vector<std::uint64_t>& living);
  runtime::remote_origin origin_of(const frame& what) const; // of a message that came over this link

  // Where the outcome of a request goes that came by a link.
  struct asker {
    std::weak_ptr<link> by;
    asio::any_io_executor executor;
    std::uint64_t correlation;
  };

private:
  enum class state { greeting, proving, waiting_for_ready, up, closed };
  // While it stands, carried() flushes nothing; at its end each link that was given something.
  class gathering_here {
  public:
    gathering_here();
    ~gathering_here();

  private:
    std::vector<link_ptr> links_;
  };
  struct answering {
    std::uint64_t request = 0; // ours
    asker* who = nullptr;
  };

  // link.cpp: life and control
  stream::user_ptr as_user() { return {shared_from_this(), this}; }
  void on_begun(const std::error_code& error) override;
  void read();
  void on_read(const std::error_code& error, std::size_t count) override;
  void handle_all();
  void handle(const frame& what);
  void hold(pace::clock::duration how_long);
  void handle_control(const frame& what);
  void on_hello(bytes payload);
  void on_proof(bytes payload);
  void on_ready(bytes payload);
  void send_ready();
  void become_up();
  void release_outbox();
  void protocol_error(const std::string& what);
  void tick();
  void tick_later();
  std::chrono::milliseconds beat() const;
  void flush();
  void stop_writing(const std::error_code& error);
  void flush_rest(); // after another thread has found that it does not all go out at once
  template <class Native>
  void say(control kind, const Native& what) {
    writer_.add([&](byte_buffer& out) { wire::append(out, kind, what); });
  }
  void say(const frame& what) {
    writer_.add([&](byte_buffer& out) { append_frame(out, what); });
  }
  void on_written(const std::error_code& error, std::size_t count) override;
  std::array<std::uint8_t, 32> proof_of(bool dialer) const;

  // link_data.cpp: messages
  std::size_t append(const runtime::message& m, std::uint64_t sequence, outbox::turn which, bool with_receipt,
                     byte_buffer& out) override;
  bool gives_receipts() const override { return hello_.confirms; }
  void carry(byte_buffer& frames) override { writer_.add_all(frames); }
  bool has_room() const override { return writer_.has_room(); }
  void carried() override;
  frame frame_of(const runtime::message& m) const;
  bool is_for_peer(const runtime::message& m);
  void on_data(const frame& what);
  void ask_here(const frame& what);
  void stop_asking(const answering& what);
  void on_reply(const frame& what);
  void on_credit(bytes payload);
  void on_receipt(bytes payload);
  void acknowledge(bool at_once);
  void tell_drops();
  void forget_settled_requests();

  link_owner& owner_;
  runtime::bus& bus_;
  const settings& how_;
  const std::unique_ptr<stream> stream_;
  const credentials_ptr credentials_; // that it began with
  mutable std::mutex ruling_;         // rule_, which the bridge's thread alone changes
  rule_ptr rule_;
  const bool dialed_;
  const std::string where_;
  state state_ = state::greeting;
  asio::steady_timer timer_;
  asio::steady_timer acknowledging_;
  bool will_acknowledge_ = false;
  std::chrono::steady_clock::time_point started_;
  std::chrono::steady_clock::time_point last_heard_;
  std::uint64_t bytes_out_before_ = 0; // at the last tick

  wire::HelloT our_hello_;
  wire::HelloT hello_;
  bool heard_hello_ = false;
  std::optional<wire::ReadyT> ready_; // theirs
  neighbour* peer_ = nullptr;         // once it is admitted, which our Ready tells it
  std::set<std::uint16_t> differing_; // types that the two sides know by different schemas

  frame_reader reader_;
  bool reading_ = false;
  bool stopped_ = false; // by deliver()
  bool deaf_ = false;    // to messages: see turn_deaf()
  pace pace_;
  bool held_ = false; // by pace_
  asio::steady_timer holding_;
  std::unordered_set<std::uint64_t> told_of_; // nodes
  writer writer_;
  bool closes_when_written_ = false;
  bool was_left_ = false;
  std::string why_closed_;

  std::uint64_t bytes_dealt_with_ = 0;
  std::uint64_t bytes_acknowledged_ = 0;
  std::mutex asking_;                                             // asked_
  std::unordered_map<std::uint64_t, runtime::message_ptr> asked_; // requests of ours that it is to answer
  std::unordered_map<std::uint64_t, answering> being_answered_;   // by its correlation
  struct memo {                                                   // of append()
    std::uint64_t version = 0;
    std::uint64_t origin = 0;
    std::uint16_t type_id = 0;
    bool allowed = false;
    bool leads = false;
  } last_way_;
  link_stats stats_;
};

// As the bus takes it; `from` and `what` have to outlive it.
runtime::outgoing published_from(const frame& what, const runtime::remote_origin& from);

} // namespace mycelium::bridge
