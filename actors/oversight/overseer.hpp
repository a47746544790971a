// Watches any number of sessions on a bus: each has an actor of its own (watched_session.hpp), and a token costs the
// same however many there are. A gate's sessions are attached, and their sources address tokens to what attach()
// returns; an observer gets every session whose tokens are published to all, through one mailbox for both types, so
// that a session's end never overtakes its tokens.
//
// Every member function may be called from any thread. No lock is held while the bus is called.
#pragma once

#include "actors/oversight/overseer_settings.hpp"
#include "actors/oversight/watched_session.hpp"
#include "actors/runtime/bus.hpp"

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mycelium::oversight {

class overseer final : public runtime::extension, public std::enable_shared_from_this<overseer> {
public:
  // Its id on the bus. invalid_argument, closed.
  static result<std::uint64_t> create(runtime::bus& on, overseer_settings settings);
  // nullptr if there is none, or the id is something else's.
  static std::shared_ptr<overseer> find(const runtime::bus& on, std::uint64_t id);

  overseer(runtime::bus& on, overseer_settings settings);

  const overseer_settings& settings() const noexcept { return settings_; }

  // Gate: the subscription to which the session's source addresses its InferenceTokens and its InferenceDone.
  // invalid_argument: the session is watched already, or this one observes. full: max_sessions.
  result<std::uint64_t> attach(std::uint64_t session_id);
  // The session's actor leaves; what it held is not shown, and nobody is told. success or deferred; subscription: there
  // is none.
  result<status> detach(std::uint64_t session_id);
  // Takes it off the bus and detaches every session. success, or deferred if that is asked for in a scorer's call.
  status end(std::uint64_t id);

  struct totals {
    session_counts sum;
    std::uint64_t sessions = 0; // now
    std::uint64_t begun = 0;
    std::uint64_t refused = 0; // sessions over max_sessions, and tokens that no session could take
  };
  totals stats() const;
  // invalid: there is no such session.
  bool session_stats(std::uint64_t session_id, session_counts& out) const;
  void add_metrics(std::vector<runtime::metric>& to) const override;

  // ---- for its sessions ----
  void forget(const watched_session& which);
  // Calls it back, in a turn of its own, when there is room for tokens, or at the deadline (monotonic_ns). One timer
  // for all that wait, who come in the order in which they asked.
  void call_back(std::shared_ptr<watched_session> whom, std::int64_t deadline);
  void log_halt(const watched_session& which, std::uint64_t index, const std::string& reason, std::string_view error);

private:
  using session_ptr = std::shared_ptr<watched_session>;

  result<void> start_keeper();
  result<session_ptr> watch(std::uint64_t session_id);
  result<void> reserve(std::uint64_t session_id);
  session_ptr find_session(std::uint64_t session_id) const;
  void observe(const runtime::message& m);
  void refuse(std::uint64_t session_id, const failure& why);
  void keep(); // the keeper's turn when it is poked
  void look_for_idle(std::int64_t now);
  void call_waiting(std::int64_t now);
  void leave_waiting();
  std::int64_t patrol_ns() const noexcept;

  runtime::bus& bus_;
  const overseer_settings settings_;
  // Reads what an observer is published, and looks for sessions that have gone silent.
  std::uint64_t keeper_id_ = 0;
  runtime::counted_ptr<runtime::lane> keeper_;
  std::uint32_t incarnation_ = 0; // of the keeper's actor, whose death takes its timers along
  std::int64_t next_patrol_ = 0;

  mutable std::mutex mutex_;
  std::unordered_map<std::uint64_t, session_ptr> sessions_; // nullptr: is being attached
  session_counts ended_;
  std::uint64_t begun_ = 0;
  struct waiting {
    session_ptr who;
    std::int64_t deadline;
  };
  std::deque<waiting> waiting_;
  bool calling_ = false;          // the keeper will look at waiting_
  bool kept_ = true;              // there is a keeper; without one nobody may wait, since who waits keeps this alive
  std::atomic<bool> over_{false}; // written under the lock
  std::atomic<std::uint64_t> refused_{0};
};

} // namespace mycelium::oversight
