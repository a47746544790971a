// The bridge of a runtime: one thread that listens, dials and keeps the links to other nodes. It subscribes at the bus
// to what other nodes want, and publishes what comes from them. Public functions may be called from any thread but the
// bridge's.
#pragma once

#include "actors/bridge/link.hpp"
#include "actors/bridge/network.hpp"
#include "actors/bridge/report.hpp"
#include "actors/bridge/seen.hpp"
#include "actors/bridge/settings.hpp"
#include "actors/bridge/topology.hpp"
#include "actors/runtime/bus.hpp"
#include "actors/runtime/exit_guard.hpp"

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <atomic>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <thread>
#include <type_traits>

namespace mycelium::bridge {

class listener;
class dialer;

inline const failure closed{status::closed, "the runtime is closed; create a new one"};

struct neighbour_stats {
  std::uint64_t node = 0;
  std::string name;
  std::string where; // "" while there is no link
  link_stats in;     // of the link of now
  outbox_stats out;
  std::uint64_t credit = 0; // bytes that may be sent now
};

struct bridge_stats {
  std::uint64_t node = 0;
  std::vector<neighbour_stats> neighbours;
  std::vector<node_state> nodes; // all that can be reached, and this one
  std::uint64_t reachable = 0;   // nodes, oneself not counted
  std::uint64_t links_made = 0;  // that came up
  std::uint64_t links_cut = 0;   // of them
  std::uint64_t refused = 0;     // before they came up
  std::uint64_t repeated = 0;    // messages that came by two ways
  std::uint64_t invalid = 0;     // messages that the runtime did not take: no valid payload, over a limit
  std::uint64_t lost_there = 0;  // that neighbours said they had dropped
  std::uint64_t missing = 0;     // gaps in what came
  std::uint64_t not_allowed = 0; // messages of types that their senders may not publish here
  outbox_stats gone;             // what was for nodes that did not come back, and what became of it
};

// What a gateway brings of another system: bridge_gateway.cpp.
struct remote_message {
  runtime::outgoing what; // `from` is set by the bridge
  runtime::remote_origin from;
  runtime::message::bytes payload;
  status outcome = status::success; // deferred: it has come before, or is this node's own
};

class bridge final : public runtime::attachment, private link_owner, private runtime::exit_guard::sleeper {
public:
  // Attaches itself to the bus, whose end is its own.
  static result<std::shared_ptr<bridge>> start(runtime::bus& bus, settings how);
  ~bridge() override;

  std::uint64_t node() const override { return node_; }
  // Bound when it returns, and the address as it came to be (of port 0, the port that the system chose).
  result<address> listen(const address& at);
  // Returns at once; is tried for ever, with pauses, and again when the link is cut.
  result<void> dial(const address& to);
  // Takes a node's part in a topology: whoever of the node's processes is first listens, for the others and for other
  // nodes, and dials those; the others dial the first, and one takes its place when it is gone.
  result<void> join(const topology& all, const topology_node& as);
  // Reads the token, the certificates and the permissions again. New links begin with them; a link that would not have
  // come up with them is refused. If anything in them is wrong, all stays as it was. May be called at any time.
  result<void> reload();
  bridge_stats stats();
  void add_metrics(std::vector<runtime::metric>& to) override; // bridge_metrics.cpp; nothing in a callback
  // Until so many neighbours are linked; timeout.
  result<void> wait_for_links(std::size_t count, const runtime::deadline& until);
  void close(const runtime::deadline& until) override;

  // ---- gateways: bridge_gateway.cpp ----
  // What stands for it in remote_origin::link.
  result<std::uint64_t> open_gateway();
  // Gives each message its outcome. Blocks while mailboxes that it is for are full. Each of a gateway's threads brings
  // messages of publishers and types of its own.
  result<void> publish(std::uint64_t gateway, std::span<remote_message> messages);
  // A request that comes to servers of this mesh once: deferred if it was seen before.
  result<status> request(std::uint64_t gateway, remote_message& message, std::int64_t timeout_ns,
                         const runtime::reply_target& target, std::uint64_t* out_id);
  // The types that somebody in the mesh wants, not only to carry them elsewhere; sorted. Waits until `version` is not
  // the given one any more; timeout.
  result<std::vector<std::uint16_t>> wanted_types(std::uint64_t& version, const runtime::deadline& until);
  // Until every neighbour has acknowledged what the bus had accepted for it when this was called; timeout.
  result<void> flush(const runtime::deadline& until);
  // Is it, or was it lately, a node of this mesh?
  bool knows(std::uint64_t node) const;

private:
  friend class listener;
  friend class dialer;

  bridge(runtime::bus& bus, settings how, credentials_ptr with, std::uint64_t node);

  // link_owner
  std::vector<schema::message_type> known_types() const override;
  verdict admit(link& by) override;
  const credentials_ptr& known_credentials() const override { return credentials_; }
  void link_is_up(link& by) override;
  void heard_state(link& by, wire::NodeStateT state) override;
  bool leads_to(std::uint64_t neighbour, std::uint64_t origin, std::uint16_t type_id) override;
  std::uint64_t ways_version() const override { return ways_version_.load(std::memory_order_acquire); }
  status judge(link& by, const frame& what) override;
  bool goes_on(link& by, const frame& what) override;
  delivery deliver(link& by, const frame& what) override;
  void heard_not_allowed(link& by, std::uint16_t type_id) override;
  void heard_gap(link& by, std::uint64_t missing) override;
  void heard_lost(link& by, std::uint16_t type_id, std::uint64_t count) override;
  void link_is_closed(link& by, const std::string& why) override;

  void run();
  void wake_to_park() noexcept override;
  result<void> lead(const topology& all, const topology_node& as);
  // Waits for the outcome; `otherwise` if the bridge has been closed.
  template <class Work>
  std::invoke_result_t<Work> on_its_thread(Work work, std::invoke_result_t<Work> otherwise);
  void add_dialer(const address& to, std::function<bool()> take_place = {});
  void add_link(std::unique_ptr<stream> connection, bool dialed, const std::string& where, dialer* by);
  // bridge_access.cpp
  std::string why_too_many(const peer_identity& peer) const; // "" if there may be one link more
  result<rule_ptr> rule_of(const link& by) const;            // that lets it in, or why there is none
  void judge_again();
  bool may_tell_of(link& by, std::uint64_t node);
  result<void> prepare_to_dial(address& to);
  std::vector<std::uint16_t> types_for(neighbour& who);
  neighbour* find_or_make(const link& by);
  bool is_greeted(const neighbour& who) const;
  void acknowledge(std::uint64_t node);
  void types_changed();
  void update_wants();
  // Calls use() on the network, alone; whoever asks for ways sees what it changed.
  template <class Use>
  auto with_network(Use use);
  bool update_neighbours(); // false: they are as before
  void apply_ways();
  void forget_earlier_ways_soon();
  using node_position = std::pair<node_id, outbox::position>;
  void wait_to_forget_ways(std::vector<node_position> offered);
  std::vector<node_position> offered_by_now() const; // to each neighbour
  // Takes out those of neighbours that are no more, and those for which has_left() holds.
  void take_out(std::vector<node_position>& of, bool (outbox::*has_left)(outbox::position&) const) const;
  void tell_all(const node_state& state, const link* but);
  static wire::NodeStateT to_wire(const node_state& state);
  bool seen_before(const frame& what);
  bool is_valid(std::uint16_t type_id, bytes payload); // by its schema; without one all are
  status judge(std::uint64_t gateway, remote_message& message);
  std::size_t publish_until_full(std::uint64_t gateway, std::span<remote_message> messages, runtime::undelivered& rest);
  // bridge_successors.cpp
  struct handover {
    std::uint64_t from = 0; // nodes
    std::uint64_t to = 0;
    std::vector<std::uint16_t> types;
    std::chrono::steady_clock::time_point since;
    bool is_gathering = false;
  };
  bool is_delivered_at_least_once(std::uint16_t type_id) const;
  bool keeps_for_successor(const neighbour& gone) const;
  void begin_handover(neighbour& from, neighbour& to, const std::vector<std::uint16_t>& types);
  void hold_for_predecessors(neighbour& who, const std::vector<std::uint16_t>& types);
  void leave_to_the_living(neighbour& gone);
  void go_on_with_handovers();
  bool has_to_wait(std::size_t place) const;
  bool is_over(handover& each);
  void note_outlook(); // after each change of the network
  void offer_stalled();
  void let_stalled_go();
  void watch_absent();
  void note_process(neighbour& who, const link& of);
  void watch_process(neighbour& gone);
  void forget(neighbour& gone);
  std::uint64_t give_up(neighbour& gone);
  bridge_stats stats_now();
  bool has_sent_all();
  bool has_given_receipts();
  void leave_when_sent(runtime::deadline until);
  void leave();
  void log(runtime::log_level level, const std::string& text) const { bus_.log(level, "bridge: " + text); }

  runtime::bus& bus_;
  settings how_;
  const std::uint64_t node_;
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::atomic<bool> types_noted_{false};
  std::mutex closing_; // one close at a time
  std::mutex calls_;   // ended_, and posting to a thread that will still look
  bool ended_ = false;
  std::thread thread_;

  // On its thread alone.
  credentials_ptr credentials_;
  std::mutex ways_; // network_ where it is changed, and where it may remember what it has found
  network network_;
  std::atomic<std::uint64_t> ways_version_{1};
  std::vector<std::shared_ptr<listener>> listeners_;
  std::vector<std::unique_ptr<dialer>> dialers_;
  std::map<link*, link_ptr> links_;
  std::map<std::uint64_t, std::unique_ptr<neighbour>> neighbours_;
  std::map<std::uint64_t, std::chrono::steady_clock::time_point> absent_since_;
  std::map<std::uint64_t, runtime::undelivered> stalled_; // by neighbour: whatever link it came over
  asio::steady_timer stalled_timer_;
  asio::steady_timer absent_timer_;
  bool watches_absent_ = false;
  asio::steady_timer leaving_timer_;
  asio::steady_timer handover_timer_;
  asio::steady_timer ways_timer_;
  bool will_forget_ways_ = false;
  seen_messages seen_;
  const std::shared_ptr<held_messages> held_ = std::make_shared<held_messages>();
  std::set<std::uint16_t> kept_types_; // of messages that came and asked for a receipt
  std::vector<handover> handovers_;
  std::vector<runtime::counted_ptr<runtime::receipt>> never_delivered_; // of what came while the bus was closing
  std::vector<runtime::undelivered> never_offered_;                     // what waited for room then
  std::size_t gateways_ = 0;
  std::uint64_t next_link_id_ = 1;
  bool leaving_ = false;
  std::size_t receipts_open_ = 0; // when it was looked at the last time, and since when that is so
  std::chrono::steady_clock::time_point receipts_since_;
  bridge_stats stats_;
  reporter reporter_;

  // For gateways' threads, as the network has them.
  mutable std::mutex outlook_;
  std::vector<std::uint16_t> wanted_;
  std::vector<node_id> known_; // sorted
  std::atomic<std::uint64_t> wanted_version_{1};

  runtime::waiting_room changes_;
  std::atomic<std::size_t> links_up_{0};
};

template <class Work>
std::invoke_result_t<Work> bridge::on_its_thread(Work work, std::invoke_result_t<Work> otherwise) {
  std::promise<std::invoke_result_t<Work>> outcome;
  auto future = outcome.get_future();
  {
    std::lock_guard lock(calls_);
    if (ended_ || runtime::exit_guard::is_exiting())
      return otherwise;
    asio::post(io_, [&] { outcome.set_value(work()); });
  }
  return future.get();
}

} // namespace mycelium::bridge
