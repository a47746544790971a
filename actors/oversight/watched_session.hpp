// One session under oversight: the state of an actor that has its tokens scored, releases those that may be shown, and
// stops the session where they may not. The actor is a subscription's (actors/runtime/lane_actor.hpp) that no type
// leads to; it is fed by the session's source, or by an overseer that observes. What is said here of turns is that
// actor's: one at a time, on any worker.
//
// It fails closed: an actor that was restarted, a token out of order, an answer that is none, and an exception halt the
// session.
#pragma once

#include "actors/oversight/overseer_settings.hpp"
#include "actors/oversight/running_text.hpp"
#include "actors/oversight/stream.hpp"
#include "actors/runtime/bus.hpp"
#include "schema/stream_messages.hpp"

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>

namespace mycelium::oversight {

class overseer;

// Of one session, or summed. Written in the session's turns, read by anybody.
struct session_counts {
  std::uint64_t tokens = 0;   // that came, those after a halt included
  std::uint64_t released = 0; // published to all; where it observes, those that a gate would have released
  std::uint64_t withheld = 0; // that were not, and will not be
  std::uint64_t scored = 0;
  std::uint64_t failed_scores = 0; // missing, late on the bus, no number, failed
  std::uint64_t warnings = 0;
  std::uint64_t halts[10] = {}; // by halt_kind
  std::uint64_t idle_ends = 0;

  void add(const session_counts& more) noexcept;
};

class watched_session : public std::enable_shared_from_this<watched_session> {
public:
  watched_session(std::shared_ptr<overseer> by, runtime::bus& bus, std::uint64_t session_id, stream kernel);

  std::uint64_t session_id() const noexcept { return session_id_; }
  session_counts counts() const noexcept;
  std::int64_t last_activity() const noexcept { return last_activity_.load(std::memory_order_relaxed); }

  // The subscription that is its actor. Feeding begins afterwards.
  runtime::subscription_options subscription();
  void attach(runtime::counted_ptr<runtime::lane> to) noexcept { lane_ = std::move(to); }
  const runtime::counted_ptr<runtime::lane>& lane() const noexcept { return lane_; }

  // From any thread: more tokens came than its mailbox takes.
  void overflow() noexcept;
  // Answers overseer::call_back.
  void call() noexcept;

private:
  struct held_token {
    runtime::message_ptr message;
    std::uint64_t ordinal;
  };
  // An answer that came from the bus, on its way to the actor's next turn.
  struct outcome {
    score_answer answer;
    double latency_ms = 0;
  };
  struct question; // what a request on the bus carries with it

  // ---- turns: watched_session.cpp ----
  void receive(const runtime::message& m) noexcept;
  void control() noexcept;
  template <class Step>
  void guarded(Step step) noexcept;
  bool was_restarted() noexcept;
  void take_token(const runtime::message& m);
  void take_done(const runtime::message& m);
  bool is_next(const schema::inference_token& token);
  void ask_function(const runtime::message& m, const schema::inference_token& token);
  void judge(const runtime::message& m, std::string_view text, const observation& seen);
  void halt(const verdict& v);
  void fail_closed(std::string_view why);
  void drop_held();
  void end_if_idle();
  void update_pause();

  // ---- what goes out: session_effects.cpp ----
  result<void> ask_bus(const runtime::message& m, const schema::inference_token& token);
  static void on_reply(std::uint64_t request_id, std::int32_t status, const ::MyceliumMessage* reply, void* user_data);
  void take_answer();
  void show(const runtime::message& m, std::uint64_t ordinal);
  void show_held();
  bool may_publish(std::uint16_t type_id);
  void publish_as_it_is(const runtime::message& m);
  void publish_token(const runtime::message& m);
  void publish_verdict(const verdict& v);
  void cancel(schema::end_reason why);
  void publish_cancel();
  void publish_done();
  void finish();
  status publish(const runtime::outgoing& what, runtime::message::bytes content);

  const std::shared_ptr<overseer> by_;
  runtime::bus& bus_;
  const overseer_settings& settings_; // the overseer's
  const std::uint64_t session_id_;
  runtime::counted_ptr<runtime::lane> lane_;

  stream kernel_;
  running_text text_;
  std::uint64_t tokens_ = 0;      // pushed into the kernel
  std::uint64_t first_index_ = 0; // of the first token that came
  std::uint64_t released_ = 0;    // may be shown, of those pushed
  std::deque<held_token> held_;
  runtime::message_ptr asked_; // its score is asked for on the bus
  runtime::message_ptr done_;  // came; what is held goes first
  bool done_due_ = false;
  bool halted_ = false;
  bool ended_ = false;
  bool waits_for_room_ = false;
  std::int64_t room_deadline_ = 0;
  bool cancel_due_ = false;
  schema::end_reason cancel_reason_ = schema::end_reason::halted;
  std::string stop_detail_; // what cancel and done say
  std::uint32_t incarnation_ = 1;

  std::atomic<bool> answered_{false}; // answer_ is written
  outcome answer_;
  std::atomic<bool> overflowed_{false};
  std::atomic<bool> waits_to_be_called_{false};
  std::atomic<std::int64_t> last_activity_;

  // One writer.
  struct {
    std::atomic<std::uint64_t> tokens{0}, released{0}, withheld{0}, scored{0}, failed_scores{0}, warnings{0}, halt{0},
        idle{0};
  } seen_;
};

} // namespace mycelium::oversight
