// A runtime: what stands behind a MyceliumRuntime handle. Ties the routing snapshot, the lanes, the actors and the
// requests together. Every member function may be called from any thread unless it says otherwise; no lock is held
// while user code runs.
#pragma once

#include "actors/runtime/exit_guard.hpp"
#include "actors/runtime/lane.hpp"
#include "actors/runtime/options.hpp"
#include "actors/runtime/publisher.hpp"
#include "actors/runtime/queue.hpp"
#include "actors/runtime/reader.hpp"
#include "actors/runtime/request.hpp"
#include "actors/runtime/routing.hpp"
#include "schema/registry.hpp"
#include "schema/status.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace mycelium::runtime {

class engine;
class message_dispatch;

// What a publisher says of a message beside its payload.
struct outgoing {
  std::uint16_t type_id = 0;
  std::uint8_t priority = 0;
  destination to = destination::all;
  std::uint64_t destination_key = 0;
  std::uint64_t correlation_id = 0;
  const trace_context* trace = nullptr;
  pending_request* request = nullptr;  // counted by the message while it lives
  const remote_origin* from = nullptr; // it was published on another node
  receipt* due = nullptr;              // counted by the message while it lives
};

// A message on its way into lanes that were full, for a thread that must not wait for them.
class undelivered {
public:
  undelivered() = default;
  undelivered(undelivered&& other) noexcept = default;
  undelivered& operator=(undelivered&& other) noexcept = default;
  ~undelivered();

  bool empty() const noexcept { return lanes_.empty(); }
  bool leads_away() const noexcept; // to another node, for some of them

private:
  friend class bus;
  message_ptr held_; // one reference of its own, beside one for each lane
  std::vector<awaited_lane> lanes_;
  std::int64_t since_ns_ = 0; // monotonic
};

// One line of metrics_text(): name{labels} value. Counters get their "_total".
struct metric {
  const char* name;
  const char* type; // "counter" or "gauge"
  const char* help;
  std::string labels; // kind="hard_limit"
  std::uint64_t value;
};
std::string escaped_label(const std::string& text);

// What lives with a bus and ends with it: its bridge.
class attachment {
public:
  virtual ~attachment() = default;
  // No lock of the bus is held.
  virtual void add_metrics(std::vector<metric>& to) = 0;
  // On the thread that closes the bus: what the bus accepted is in queues that are being emptied, or was dropped.
  // Afterwards no thread of the attachment uses the bus.
  virtual void close(const deadline& until) = 0;
};

struct payload {
  std::uint16_t type_id;
  const std::uint8_t* data;
  std::size_t size;
};

void add_to(lane_stats& sum, const lane_stats& more) noexcept;

struct bus_stats {
  publisher_list::totals published;
  lane_stats lanes; // of all subscriptions, ended ones included
  std::uint64_t restarts = 0;
  std::uint64_t subscriptions = 0;
  std::uint64_t queues = 0;
  std::uint64_t requests_pending = 0;
  std::uint64_t threads = 0;
};

// One living subscription.
struct subscription_row {
  std::uint64_t id = 0;
  std::string name;
  std::uint16_t type_id = 0;
  bool leads_away = false;
  std::uint64_t capacity = 0;
  lane_stats stats;
};

constexpr std::uint32_t max_history = 65536;

// What other actors of the runtime are made of lives and ends with the bus.
class extension {
public:
  virtual ~extension() = default;
  virtual void add_metrics(std::vector<metric>& to) const = 0;
};

class bus {
public:
  static result<std::unique_ptr<bus>> start(runtime_options options);
  // close() must have succeeded.
  ~bus();
  bus(const bus&) = delete;
  bus& operator=(const bus&) = delete;

  const runtime_options& options() const noexcept { return options_; }
  schema::registry& schemas() noexcept { return schemas_; }

  // ---- publish: bus_publish.cpp ----

  // The guard proves that the caller's handle was valid; it is released before anything waits or runs user code. Use
  // publish_problem() for the words to a failure.
  status publish(read_guard& guard, std::uint16_t type_id, message::bytes content);
  status publish(read_guard& guard, const outgoing& what, message::bytes content);
  // The `size` bytes at `offset` of a loan, which is taken if they pass admit().
  status publish(read_guard& guard, const outgoing& what, message* loan, std::size_t offset, std::size_t size);
  // For the thread of a bridge: waits for no lane. Lanes without room, whose policy is to wait, go to `rest`; to be
  // offered again, until it is empty, before the next message of the same source.
  status publish_at_once(const outgoing& what, message::bytes content, undelivered& rest);
  // True once nothing is left: each lane has taken it, has ended, or has been full for its block_timeout_ns.
  bool offer_again(undelivered& rest);
  struct batch_result {
    status outcome;
    std::size_t accepted;
  };
  batch_result publish_batch(read_guard& guard, std::span<const payload> payloads);
  // Would a payload be let in? success, closed, invalid_argument, too_large, unknown_type, invalid_payload.
  status admit(std::uint16_t type_id, message::bytes content);
  static const std::string& publish_problem() noexcept; // of this thread's last refusal
  void count_refused() { publishers_.mine().count_refused(); }
  // Does anybody subscribe to the type, or history keep it?
  bool is_wanted(std::uint16_t type_id) const noexcept;
  // How many messages of the type have room now in every mailbox whose publishers are to wait, with so many places to
  // spare (less than half of a mailbox). For actors, which must not wait: they look again later.
  std::size_t room_left(std::uint16_t type_id, std::size_t spare) const noexcept;

  // ---- subscribe: bus_subscribe.cpp ----
  result<std::uint64_t> subscribe(subscription_options options);
  result<status> unsubscribe(std::uint64_t subscription_id); // success or deferred
  // Of one that leads away: the types that it gets from now on, sorted.
  result<void> set_types(std::uint64_t subscription_id, std::vector<std::uint16_t> types);
  result<void> wait_for_subscribers(std::uint16_t type_id, std::size_t count, const deadline& until);
  result<void> keep_history(std::uint16_t type_id, std::uint32_t depth);
  result<std::uint64_t> open_queue();
  result<void> close_queue(std::uint64_t queue_id);
  counted_ptr<delivery_queue> find_queue(std::uint64_t queue_id) const;
  counted_ptr<lane> find_lane(std::uint64_t subscription_id) const;
  // Puts m into one mailbox, without waiting: false if it has no room or has ended.
  static bool hand_over(const message& m, lane& to);
  // Has lane::control run in the turn of the lane's actor: at once, or in so many nanoseconds.
  static void poke(lane& whose, std::int64_t in_ns = 0);

  // ---- request and reply: bus_request.cpp ----
  result<message_ptr> request(const outgoing& what, message::bytes content, std::int64_t timeout_ns);
  result<void> request_async(const outgoing& what, message::bytes content, std::int64_t timeout_ns, reply_target target,
                             std::uint64_t* out_id);
  result<void> reply(const message& request, std::uint16_t type_id, message::bytes content);
  result<void> cancel_request(std::uint64_t request_id);

  // ---- what a bridge needs: bus_attach.cpp ----
  // One attachment a bus; invalid_argument if there is one already.
  result<void> attach(std::shared_ptr<attachment> what, std::function<void()> types_changed);
  std::shared_ptr<attachment> attached() const;
  // Types that somebody in this process subscribes to, sorted. `types_changed` is called after it may have become
  // another list, on whatever thread, possibly under a lock: it may only take note.
  std::vector<std::uint16_t> subscribed_types() const;
  // Those of them that only subscriptions which carry them into another system want, sorted.
  std::vector<std::uint16_t> carried_types() const;

  // ---- the end: bus_close.cpp ----
  result<void> flush(const deadline& until);
  result<void> close(const deadline& until);
  void stop_accepting() noexcept;
  bool is_closing() const noexcept { return closing_.load(std::memory_order_seq_cst) || exit_guard::is_exiting(); }

  // ---- counters: bus_stats.cpp ----
  bus_stats stats() const;
  std::optional<lane_stats> subscription_stats(std::uint64_t subscription_id, std::uint64_t& capacity) const;
  std::string metrics_text() const;
  std::map<std::uint16_t, type_traffic> traffic() const { return publishers_.traffic(); }
  std::vector<subscription_row> subscription_rows(std::size_t most) const; // unlisted ones left out

  // ---- extensions: actors that are not subscriptions of the host's ----
  result<std::uint64_t> add_extension(std::shared_ptr<extension> what);
  std::shared_ptr<extension> find_extension(std::uint64_t id) const;
  std::shared_ptr<extension> remove_extension(std::uint64_t id);

  // For tests of what only the inside can do.
  void for_each_lane(const std::function<void(lane&)>& visit) const;
  bool wait_for_restarts(std::uint64_t count, const deadline& until);

  // Calls in progress that outlive their read_guard; the owner deletes the bus only when there are none.
  void enter() noexcept { users_.fetch_add(1, std::memory_order_seq_cst); }
  void leave() noexcept;
  bool wait_for_users(const deadline& until);

  void log(log_level level, const std::string& text) const noexcept;
  void log_exception(const std::string& where) const noexcept; // call in a catch block
  void log_drops(const std::string& name, const drop_event& event) const noexcept;

private:
  class busy_publisher;
  friend class message_dispatch;
  struct subscription; // a lane and its actor

  explicit bus(runtime_options options);
  bool admits_at_once(std::uint16_t type_id, std::size_t size) const noexcept;
  static void identify(message& m, publisher& by) noexcept;
  static void fill(message& m, const outgoing& what, publisher& by);
  message* build(const outgoing& what, message::bytes content, publisher& by, std::uint32_t references,
                 bool kept = false);
  bool deliver_view(read_guard& guard, const outgoing& what, message::bytes content, publisher& by,
                    std::span<lane* const> lanes);
  status send(read_guard& guard, message& m, std::span<lane* const> lanes);
  status send_kept(read_guard& guard, message& m, history& kept, const outgoing& what);
  batch_result publish_run(std::span<const payload> payloads);
  void explain(status outcome) const;
  void restart(std::uint64_t subscription_id);
  counted_ptr<lane> remove(std::uint64_t subscription_id);
  static bool would_wait_for_each_other(lane& target);
  static void stop_waiting();
  void forget_finished();
  void note_types_locked() const;
  std::vector<std::uint16_t> types_where(const std::function<bool(const subscription_options&)>& chosen) const;
  void forget_finished_locked();
  void change_routes(lane& whose, const std::function<void(route&)>& edit);
  result<void> send_request(const outgoing& what, message::bytes content, pending_request& pending);
  std::vector<counted_ptr<lane>> living_lanes() const;
  std::vector<counted_ptr<lane>> ending_lanes() const;
  void close_queues();
  void dismiss_actors();
  result<void> end_lanes(const std::vector<counted_ptr<lane>>& lanes, const deadline& until);
  failure refuse_closed() const;

  runtime_options options_;
  schema::registry schemas_;
  schema::verify_level verify_;
  bool checks_schema_; // strict, or verify_ is not none
  routing routing_;
  publisher_list publishers_;
  std::shared_ptr<request_table> requests_;
  std::unique_ptr<engine> engine_;

  std::atomic<bool> closing_{false};
  mutable std::mutex control_; // the maps below, and writing routing_
  std::map<std::uint64_t, std::unique_ptr<subscription>> subscriptions_;
  std::map<std::uint64_t, counted_ptr<delivery_queue>> queues_;
  std::shared_ptr<attachment> attached_;
  std::function<void()> types_changed_;
  std::map<std::uint64_t, std::shared_ptr<extension>> extensions_;
  std::vector<counted_ptr<lane>> ending_; // unsubscribed, perhaps with a callback that still runs
  lane_stats ended_;                      // sums of subscriptions that are no more
  std::mutex closing_mutex_;              // one close at a time
  bool closed_ = false;
  std::atomic<std::uint64_t> restarts_{0};
  std::atomic<std::uint64_t> handler_errors_{0}; // exceptions that left reply handlers
  std::atomic<std::uint32_t> users_{0};
  // Publishers that wait, or run an inline callback: without a read_guard, but with an actor in their hands.
  std::atomic<std::uint32_t> busy_publishers_{0};
  waiting_room changes_; // of subscriptions, users_ and busy_publishers_
};

} // namespace mycelium::runtime
