#include "actors/bridge/bridge.hpp"

#include "actors/bridge/dialer.hpp"
#include "actors/bridge/listener.hpp"
#include "actors/bridge/lull.hpp"
#include "actors/runtime/exit_guard.hpp"
#include "actors/runtime/random_id.hpp"
#include "actors/runtime/signals_blocked.hpp"

#include <algorithm>
#include <asio/post.hpp>
#include <iterator>
#include <pthread.h>

namespace mycelium::bridge {
namespace {

using namespace std::chrono_literals;

constexpr auto ways_pause = 2s; // in which a change of the mesh comes to all

} // namespace

result<std::shared_ptr<bridge>> bridge::start(runtime::bus& bus, settings how) {
  if (how.name.empty())
    how.name = bus.options().name;
  auto with = credentials::read(how.credentials);
  if (!with)
    return with.error();
  std::shared_ptr<bridge> made(new bridge(bus, std::move(how), std::move(*with), runtime::random_id()));
  // The bus holds the bridge, and does not call it when it is gone.
  if (auto attached = bus.attach(made, [b = made.get()] { b->types_changed(); }); !attached)
    return attached.error();
  const runtime::signals_blocked in_new_threads;
  made->thread_ = std::thread([b = made.get()] { b->run(); });
  made->types_changed();
  return made;
}

bridge::bridge(runtime::bus& bus, settings how, credentials_ptr with, std::uint64_t node)
    : bus_(bus), how_(std::move(how)), node_(node), work_(io_.get_executor()), credentials_(std::move(with)),
      network_(node, how_.name), stalled_timer_(io_), absent_timer_(io_), leaving_timer_(io_), handover_timer_(io_),
      ways_timer_(io_), reporter_(bus, io_, how_.name, [this] { return stats_now(); }) {}

bridge::~bridge() {
  if (thread_.joinable()) { // it did not come to close(): the process exits, or the start failed
    io_.stop();
    if (runtime::exit_guard::is_exiting())
      thread_.detach();
    else
      thread_.join();
  }
}

void bridge::run() {
  pthread_setname_np(pthread_self(), "myc.bridge");
  runtime::on_pooled_worker = true; // it must never wait for a subscriber
  runtime::exit_guard::add(*this);
  runtime::exit_guard::begin_work();
  for (bool runs = true; runs;) {
    try {
      run_loop(io_);
      runs = false;
    } catch (...) {
      bus_.log_exception("a handler of the bridge");
    }
  }
  runtime::exit_guard::end_work();
  runtime::exit_guard::remove(*this);
}

// Asio's own static objects are about to go: its loop must not turn any more.
void bridge::wake_to_park() noexcept {
  try {
    asio::post(io_, [] { runtime::exit_guard::park(); });
  } catch (...) { // no memory: the loop turns on
  }
}

template <class Use>
auto bridge::with_network(Use use) {
  std::lock_guard lock(ways_);
  ways_version_.fetch_add(1, std::memory_order_release);
  return use();
}

result<address> bridge::listen(const address& at) {
  return on_its_thread(
      [&]() -> result<address> {
        auto made = listener::open(*this, at);
        if (!made)
          return made.error();
        listeners_.push_back(std::move(*made));
        return listeners_.back()->where();
      },
      closed);
}

result<void> bridge::dial(const address& to) {
  return on_its_thread(
      [&]() -> result<void> {
        auto place = to;
        if (auto ready = prepare_to_dial(place); !ready)
          return ready;
        add_dialer(place);
        return {};
      },
      closed);
}

result<void> bridge::reload() {
  const auto sources = on_its_thread([this]() -> result<credential_sources> { return how_.credentials; }, closed);
  if (!sources)
    return sources.error();
  auto now = credentials::read(*sources);
  if (!now) {
    log(runtime::log_level::error, "nothing was reloaded, all stays as it was: " + now.error().text);
    return now.error();
  }
  return on_its_thread(
      [&]() -> result<void> {
        credentials_ = std::move(*now);
        judge_again();
        with_network([] {}); // what links remember of ways and rules holds no more
        apply_ways();
        return {};
      },
      closed);
}

bridge_stats bridge::stats() {
  return on_its_thread([&] { return stats_now(); }, bridge_stats{});
}

bridge_stats bridge::stats_now() {
  auto now = stats_;
  now.node = node_;
  for (const auto node : network_.reachable())
    now.nodes.push_back(network_.nodes().at(node));
  now.reachable = now.nodes.size() - 1;
  for (const auto& [node, who] : neighbours_) {
    neighbour_stats each{.node = node, .name = who->name, .where = {}, .in = {}, .out = who->waiting->stats()};
    if (const auto current = who->current.lock()) {
      each.where = current->where();
      each.in = current->stats();
      each.credit = current->window() - std::min<std::uint64_t>(current->window(), each.out.bytes_on_their_way);
    }
    now.neighbours.push_back(std::move(each));
  }
  return now;
}

result<void> bridge::wait_for_links(std::size_t count, const runtime::deadline& until) {
  if (changes_.wait(until, [&] { return links_up_.load(std::memory_order_seq_cst) >= count; }))
    return {};
  return failure{status::timeout, "fewer than " + std::to_string(count) + " other nodes were linked in time"};
}

// ---- links come and go ----

void bridge::add_dialer(const address& to, std::function<bool()> take_place) {
  dialers_.push_back(std::make_unique<dialer>(*this, to, std::move(take_place)));
  dialers_.back()->begin();
}

void bridge::add_link(std::unique_ptr<stream> connection, bool dialed, const std::string& where, dialer* by) {
  auto made = std::make_shared<link>(static_cast<link_owner&>(*this), bus_, how_, std::move(connection), dialed, where);
  links_.emplace(made.get(), made);
  if (by != nullptr)
    by->has(made);
  if (leaving_)
    return made->close("the runtime is being closed");
  made->start();
  if (dialed)
    return;
  if (const auto why = why_too_many(made->who()); !why.empty())
    made->refuse(wire::RefusalReason::TooMany, why);
}

std::vector<schema::message_type> bridge::known_types() const { return bus_.schemas().types(); }

link_owner::verdict bridge::admit(link& by) {
  auto rule = rule_of(by);
  if (!rule)
    return {nullptr, wire::RefusalReason::NotAllowed, rule.error().text};
  const auto node = by.hello().node;
  auto* who = find_or_make(by);
  if (who == nullptr)
    return {nullptr, wire::RefusalReason::Leaving, "the runtime is being closed"};
  // Both may have dialed each other: then the link that the smaller node dialed stays. Of two that the same side dialed
  // that side knows whether the first is good.
  if (const auto before = who->current.lock(); before && !before->is_closed()) {
    const bool crossed = before->dialed() != by.dialed();
    const bool new_one_stays = crossed ? by.dialed() == (node_ < node) : !by.dialed();
    if (!new_one_stays)
      return {nullptr, wire::RefusalReason::Itself, "this node is linked already"};
  }
  return {who, {}, {}, std::move(*rule)};
}

neighbour* bridge::find_or_make(const link& by) {
  const auto node = by.hello().node;
  if (const auto known = neighbours_.find(node); known != neighbours_.end())
    return known->second.get();
  auto made = std::make_unique<neighbour>();
  made->node = node;
  made->name = by.hello().name;
  made->stream = runtime::random_id();
  made->receiving =
      std::make_shared<receipts>(held_, [this, node] { asio::post(io_, [this, node] { acknowledge(node); }); });
  made->waiting = std::make_unique<outbox>(bus_, next_link_id_++, "link:" + made->name, how_);
  if (auto opened = made->waiting->open(); !opened) {
    log(runtime::log_level::error, opened.error().text);
    return nullptr;
  }
  return (neighbours_[node] = std::move(made)).get();
}

// Something that a neighbour had sent was delivered.
void bridge::acknowledge(std::uint64_t node) {
  if (const auto who = neighbours_.find(node); who != neighbours_.end())
    if (const auto current = who->second->current.lock())
      current->acknowledge_soon();
}

void bridge::link_is_up(link& by) {
  auto* who = by.peer();
  const auto before = who->current.lock();
  who->current = by.weak_from_this();
  who->name = by.hello().name;
  note_process(*who, by);
  if (before && before.get() != &by)
    before->close("a newer link to the same node has taken its place");
  absent_since_.erase(who->node);
  if (stalled_.contains(who->node))
    by.wait_for_room(); // nothing may overtake what came over the link before
  ++stats_.links_made;
  log(runtime::log_level::info, "linked with '" + who->name + "' over " + by.where());
  if (!update_neighbours()) { // it applies what has changed, and tells all
    apply_ways();             // this link may be allowed other types than the one before
    by.send_state(to_wire(network_.self()));
  }
  for (const auto node : network_.nearest_first())
    if (node != node_)
      by.send_state(to_wire(network_.nodes().at(node)));
}

// Is there a link that has admitted it, and may come up?
bool bridge::is_greeted(const neighbour& who) const {
  return std::ranges::any_of(links_, [&](const auto& each) { return each.first->peer() == &who; });
}

void bridge::link_is_closed(link& by, const std::string& why) {
  auto* who = by.peer();
  const bool was_current = who != nullptr && who->current.lock().get() == &by;
  if (was_current) {
    who->current.reset();
    ++stats_.links_cut;
    const auto level = leaving_ || by.was_left() ? runtime::log_level::info : runtime::log_level::warning;
    log(level, "the link to '" + who->name + "' over " + by.where() + " ended: " + why);
    absent_since_[who->node] = std::chrono::steady_clock::now();
    watch_absent();
    watch_process(*who);
  } else if (!by.was_up()) {
    ++stats_.refused;
    log(runtime::log_level::warning, "no link over " + by.where() + ": " + why);
  }
  const auto kept = links_.extract(&by); // until the end of this function
  if (who != nullptr && !by.was_up() && who->current.expired() && !absent_since_.contains(who->node) &&
      !is_greeted(*who))
    neighbours_.erase(who->node); // a stranger that said its name and no more
  for (const auto& each : dialers_)
    each->lost(by);
  if (!was_current || leaving_)
    return;
  leave_to_the_living(*who);
  if (by.was_left() && !is_greeted(*who) && !keeps_for_successor(*who))
    forget(*who); // it does not come back: who starts again is another node
  update_neighbours();
}

bool bridge::update_neighbours() {
  std::vector<node_id> linked;
  std::vector<node_id> absent;
  for (const auto& [node, who] : neighbours_)
    if (!who->current.expired())
      linked.push_back(node);
    else if (absent_since_.contains(node))
      absent.push_back(node);
  std::ranges::stable_sort(absent, std::ranges::greater{}, [this](node_id node) { return absent_since_.at(node); });
  const auto links = linked.size();
  const bool is_news = with_network([&] { return network_.set_neighbours(std::move(linked), std::move(absent)); });
  if (is_news) {
    note_outlook();
    apply_ways(); // first: who hears of it may count on it
    tell_all(network_.self(), nullptr);
  }
  links_up_.store(links, std::memory_order_seq_cst);
  changes_.signal();
  return is_news;
}

// ---- who wants what ----

void bridge::types_changed() {
  if (!types_noted_.exchange(true, std::memory_order_seq_cst))
    asio::post(io_, [this] { update_wants(); });
}

void bridge::update_wants() {
  types_noted_.store(false, std::memory_order_seq_cst);
  if (leaving_ || !with_network([&] { return network_.set_wants(bus_.subscribed_types(), bus_.carried_types()); }))
    return;
  note_outlook();
  tell_all(network_.self(), nullptr);
  reporter_.look();
}

void bridge::heard_state(link& by, wire::NodeStateT state) {
  node_state news{.id = state.node,
                  .version = state.version,
                  .name = std::move(state.name),
                  .neighbours = std::move(state.neighbours),
                  .wants = std::move(state.wants),
                  .carries = std::move(state.carries),
                  .absent = std::move(state.absent)};
  const auto node = news.id;
  if (node == 0 || node == node_ || !may_tell_of(by, node) ||
      !with_network([&] { return network_.learn(std::move(news)); }))
    return;
  note_outlook();
  apply_ways();
  tell_all(network_.nodes().at(node), &by);
}

void bridge::tell_all(const node_state& state, const link* but) {
  const auto message = to_wire(state);
  for (const auto& [node, who] : neighbours_)
    if (const auto current = who->current.lock(); current && current.get() != but && node != state.id)
      current->send_state(message);
}

wire::NodeStateT bridge::to_wire(const node_state& state) {
  wire::NodeStateT out;
  out.node = state.id;
  out.version = state.version;
  out.name = state.name;
  out.neighbours = state.neighbours;
  out.wants = state.wants;
  out.carries = state.carries;
  out.absent = state.absent;
  return out;
}

void bridge::apply_ways() {
  if (leaving_)
    return;
  std::vector<std::pair<neighbour*, std::vector<std::uint16_t>>> changed;
  for (const auto& [node, who] : neighbours_)
    if (auto types = types_for(*who); types != who->types)
      changed.emplace_back(who.get(), std::move(types));
  for (const auto& [who, types] : changed)
    hold_for_predecessors(*who, types);
  // A type that goes another way from now on is sent by that before it is no more by the old one.
  for (const auto& [who, types] : changed) {
    std::vector<std::uint16_t> both;
    std::ranges::set_union(types, who->types, std::back_inserter(both));
    if (both != who->types)
      who->waiting->want(both);
  }
  for (auto& [who, types] : changed) {
    if (!std::ranges::includes(types, who->types))
      who->waiting->want(types);
    if (!who->current.expired())
      who->was_sent.clear();
    who->was_sent.insert(types.begin(), types.end());
    who->types = std::move(types);
  }
  go_on_with_handovers();
  forget_earlier_ways_soon();
  reporter_.look();
}

// When the others have heard of what has changed, and all has left that was offered before.
void bridge::forget_earlier_ways_soon() {
  if (!network_.has_earlier_ways() || std::exchange(will_forget_ways_, true))
    return;
  wait_to_forget_ways(offered_by_now());
}

void bridge::wait_to_forget_ways(std::vector<node_position> offered) {
  ways_timer_.expires_after(ways_pause);
  ways_timer_.async_wait([this, offered = std::move(offered)](const std::error_code& error) mutable {
    if (error || leaving_)
      return;
    take_out(offered, &outbox::has_sent);
    if (!offered.empty())
      return wait_to_forget_ways(std::move(offered));
    will_forget_ways_ = false;
    with_network([this] { network_.age_earlier_ways(); });
    apply_ways();
  });
}

std::vector<bridge::node_position> bridge::offered_by_now() const {
  std::vector<node_position> all;
  for (const auto& [node, who] : neighbours_)
    all.emplace_back(node, who->waiting->offered_by_now());
  return all;
}

void bridge::take_out(std::vector<node_position>& of, bool (outbox::*has_left)(outbox::position&) const) const {
  std::erase_if(of, [&](auto& entry) {
    const auto who = neighbours_.find(entry.first);
    return who == neighbours_.end() || (*who->second->waiting.*has_left)(entry.second);
  });
}

bool bridge::leads_to(std::uint64_t neighbour, std::uint64_t origin, std::uint16_t type_id) {
  std::lock_guard lock(ways_);
  return network_.leads_to(neighbour, origin, type_id);
}

} // namespace mycelium::bridge
