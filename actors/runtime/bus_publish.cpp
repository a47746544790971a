// From a publisher's bytes to the lanes of its type's subscriptions.
#include "actors/runtime/bus.hpp"
#include "actors/runtime/dispatch.hpp"
#include "actors/runtime/exit_guard.hpp"
#include "actors/runtime/stamp.hpp"

#include <algorithm>
#include <iterator>
#include <limits>

namespace mycelium::runtime {
namespace {

std::string& problem() {
  static thread_local std::string text;
  return text;
}

status refuse(status why, std::string words) {
  problem() = std::move(words);
  return why;
}

// Those of the route's lanes that a message is for; `one` holds the lane if it is for a single one. No route: nobody
// subscribes to the type.
std::span<lane* const> targets(const routing& all, const route* to, const outgoing& what, lane*& one) {
  const auto lanes = to != nullptr ? std::span<lane* const>(to->lanes) : std::span<lane* const>{};
  if (what.to == destination::all) [[likely]]
    return lanes;
  one = nullptr;
  if (what.to == destination::key) {
    one = choose_by_key(lanes, what.destination_key, what.from != nullptr ? what.from->link : 0);
  } else {
    const auto found = std::ranges::find(lanes, what.destination_key, &lane::id);
    if (found != lanes.end())
      one = *found;
    else if (auto* unlisted = all.find_unlisted(what.destination_key); unlisted && unlisted->takes(what.type_id))
      one = unlisted;
  }
  return {&one, one == nullptr ? std::size_t{0} : std::size_t{1}};
}

// Without the one that leads back over the link by which the message came; `others` holds them if there is one.
std::span<lane* const> leading_on(std::span<lane* const> lanes, const outgoing& what, std::vector<lane*>& others) {
  if (what.from == nullptr || what.from->link == 0)
    return lanes;
  const auto leads_back = [&](const lane* l) { return l->options().link == what.from->link; };
  if (std::ranges::none_of(lanes, leads_back))
    return lanes;
  others.clear();
  std::ranges::remove_copy_if(lanes, std::back_inserter(others), leads_back);
  return others;
}

alignas(16) constexpr std::uint8_t nothing[16] = {}; // where an empty payload is

bool needs_extras(const outgoing& what) {
  return what.trace != nullptr || what.to != destination::all || what.request != nullptr || what.from != nullptr ||
         what.due != nullptr;
}

} // namespace

// Taken under the guard, so that close() sees either the guard or this.
class bus::busy_publisher {
public:
  explicit busy_publisher(bus& of) noexcept : bus_(of) {
    bus_.busy_publishers_.fetch_add(1, std::memory_order_seq_cst);
  }
  ~busy_publisher() {
    bus_.enter(); // until the signal is given, the bus must not go away
    bus_.busy_publishers_.fetch_sub(1, std::memory_order_seq_cst);
    bus_.leave();
  }
  busy_publisher(const busy_publisher&) = delete;
  busy_publisher& operator=(const busy_publisher&) = delete;

private:
  bus& bus_;
};

const std::string& bus::publish_problem() noexcept { return problem(); }

// Most messages need no more than this.
bool bus::admits_at_once(std::uint16_t type_id, std::size_t size) const noexcept {
  return type_id != 0 && size <= options_.max_payload && !checks_schema_ && !is_closing();
}

status bus::admit(std::uint16_t type_id, message::bytes content) {
  if (admits_at_once(type_id, content.size())) [[likely]]
    return status::success;
  if (is_closing())
    return refuse(status::closed, "the runtime is closed; create a new one");
  if (type_id == 0)
    return refuse(status::invalid_argument, "type_id 0 is reserved; message types begin at 1");
  if (content.size() > options_.max_payload)
    return refuse(status::too_large, "a payload of " + std::to_string(content.size()) + " bytes is over the limit of " +
                                         std::to_string(options_.max_payload) + "; raise max_payload or split it");
  if (checks_schema_) [[unlikely]] {
    if (!schemas_.contains(type_id)) {
      if (options_.strict)
        return refuse(status::unknown_type, "type " + std::to_string(type_id) +
                                                " has no schema and the runtime is strict; register its .bfbs first");
      return status::success; // opaque bytes
    }
    if (verify_ != schema::verify_level::none) {
      if (auto verified = schemas_.verify(type_id, content, verify_); !verified)
        return refuse(verified.error().code, verified.error().text);
    }
  }
  return status::success;
}

void bus::identify(message& m, publisher& by) noexcept {
  m.sequence = by.next_sequence();
  m.publisher_id = by.id();
  m.stamp = stamp_now();
}

void bus::fill(message& m, const outgoing& what, publisher& by) {
  if (what.from == nullptr || what.from->node == 0)
    identify(m, by);
  if (what.from != nullptr) {
    m.publisher_id = what.from->publisher_id;
    m.sequence = what.from->sequence;
  }
  m.priority = what.priority;
  m.correlation_id = what.correlation_id;
  if (auto* extras = m.extras()) {
    if (what.trace != nullptr) {
      extras->trace = *what.trace;
      extras->has_trace = true;
    }
    extras->to = what.to;
    extras->destination_key = what.destination_key;
    if (what.request != nullptr) {
      what.request->retain();
      what.request->mark_carried();
      extras->request = what.request;
    }
    if (what.from != nullptr)
      extras->from = *what.from;
    if (what.due != nullptr) {
      what.due->retain();
      extras->due = what.due;
    }
  }
}

message* bus::build(const outgoing& what, message::bytes content, publisher& by, std::uint32_t references, bool kept) {
  auto* m = message::make(what.type_id, content.size(), kept || needs_extras(what));
  m->set_references(references);
  if (!content.empty())
    std::memcpy(m->data(), content.data(), content.size());
  fill(*m, what, by);
  return m;
}

status bus::publish(read_guard& guard, std::uint16_t type_id, message::bytes content) {
  if (!admits_at_once(type_id, content.size())) [[unlikely]]
    return publish(guard, outgoing{.type_id = type_id}, content);
  const auto* to = routing_.find(type_id);
  if (to != nullptr && !to->plain) [[unlikely]]
    return publish(guard, outgoing{.type_id = type_id}, content);
  auto& me = publishers_.mine();
  me.count_accepted(type_id, content.size());
  if (to == nullptr)
    return status::success; // nobody subscribes: no error
  const std::span<lane* const> lanes = to->lanes;
  auto* m = message::make(type_id, content.size(), false);
  m->set_references(static_cast<std::uint32_t>(lanes.size()));
  if (!content.empty()) [[likely]]
    std::memcpy(m->data(), content.data(), content.size());
  identify(*m, me);
  for (std::size_t i = 0; i < lanes.size(); ++i) {
    if (!lanes[i]->offer_room(m)) [[unlikely]]
      return send(guard, *m, lanes.subspan(i));
    message_dispatch::wake(*lanes[i]);
  }
  return status::success;
}

status bus::publish(read_guard& guard, const outgoing& what, message::bytes content) {
  auto& me = publishers_.mine();
  if (const auto refused = admit(what.type_id, content); refused != status::success) [[unlikely]] {
    me.count_refused();
    return refused;
  }
  me.count_accepted(what.type_id, content.size());
  const auto* to = routing_.find(what.type_id);
  lane* one;
  const auto lanes = targets(routing_, to, what, one);
  if (to != nullptr && to->kept)
    return send_kept(guard, *build(what, content, me, 1, true), *to->kept, what);
  if (lanes.empty() || deliver_view(guard, what, content, me, lanes))
    return status::success; // that nobody subscribes is no error
  return send(guard, *build(what, content, me, static_cast<std::uint32_t>(lanes.size())), lanes);
}

// A single idle inline subscriber reads the publisher's own bytes. False: it is not that, and gets nothing yet.
bool bus::deliver_view(read_guard& guard, const outgoing& what, message::bytes content, publisher& by,
                       std::span<lane* const> lanes) {
  const bool aligned = reinterpret_cast<std::uintptr_t>(content.data()) % 16 == 0;
  if (lanes.size() != 1 || !lanes[0]->options().run_inline || lanes[0]->options().leads_away || !aligned ||
      what.request != nullptr || what.due != nullptr || callback_depth() >= message_dispatch::max_inline_depth)
    return false;
  auto* actor = lanes[0]->actor();
  if (!actor->try_take())
    return false;
  if (!actor->may_deliver_now()) {
    actor->give_to_worker(); // what waits comes first
    return false;
  }
  const busy_publisher busy(*this);
  guard.release();
  message::borrowed view(what.type_id, content.empty() ? message::bytes(nothing, 0) : content, needs_extras(what));
  fill(view.header, what, by);
  actor->deliver_here(view.header);
  return true;
}

status bus::send_kept(read_guard& guard, message& m, history& kept, const outgoing& what) {
  // A request is over when its servers of now have seen it, and what is for one subscription is for no other.
  kept.append(m, what.to == destination::all && what.request == nullptr);
  lane* one;
  const auto lanes = targets(routing_, routing_.find(what.type_id), what, one); // anew: see history::append
  if (lanes.empty()) {
    m.release();
    return status::success;
  }
  m.add_references(static_cast<std::uint32_t>(lanes.size()) - 1);
  return send(guard, m, lanes);
}

status bus::send(read_guard& guard, message& m, std::span<lane* const> lanes) {
  message_dispatch dispatch(*this);
  dispatch.offer(&m, lanes, true);
  if (dispatch.has_rest()) [[unlikely]] {
    const busy_publisher busy(*this);
    guard.release();
    dispatch.do_rest();
    if (dispatch.outcome() != status::success)
      explain(dispatch.outcome()); // while the bus cannot go away
    return dispatch.outcome();
  }
  if (dispatch.outcome() != status::success) [[unlikely]]
    explain(dispatch.outcome());
  return dispatch.outcome();
}

void bus::explain(status outcome) const {
  if (outcome == status::full)
    problem() = "the mailbox of a subscription is full; publish slower, or give it more capacity or another policy";
  else if (is_closing())
    problem() = "the runtime was closed while the publish waited for room in a mailbox";
  else
    problem() = "the mailbox of a subscription stayed full for block_timeout_ns, or until the thread's interrupt check "
                "ended the wait; its callback is too slow or stuck";
}

status bus::publish(read_guard& guard, const outgoing& what, message* loan, std::size_t offset, std::size_t size) {
  auto& me = publishers_.mine();
  // Refused before it is changed: it is still the caller's then.
  if (const auto refused = admit(what.type_id, {loan->data() + offset, size}); refused != status::success) {
    me.count_refused();
    return refused;
  }
  loan->keep(offset, size);
  me.count_accepted(what.type_id, size);
  loan->set_type(what.type_id);
  fill(*loan, what, me);
  const auto* to = routing_.find(what.type_id);
  if (to != nullptr && to->kept)
    return send_kept(guard, *loan, *to->kept, what);
  if (to == nullptr || to->lanes.empty()) {
    loan->release();
    return status::success;
  }
  loan->set_references(static_cast<std::uint32_t>(to->lanes.size()));
  return send(guard, *loan, to->lanes);
}

status bus::publish_at_once(const outgoing& what, message::bytes content, undelivered& rest) {
  auto& me = publishers_.mine();
  read_guard guard;
  if (const auto refused = admit(what.type_id, content); refused != status::success) {
    me.count_refused();
    return refused;
  }
  if (what.from != nullptr)
    me.count_arrived(what.type_id, content.size());
  else
    me.count_accepted(what.type_id, content.size());
  const auto* to = routing_.find(what.type_id);
  if (to == nullptr)
    return status::success;
  lane* one;
  std::vector<lane*> others;
  auto lanes = leading_on(targets(routing_, to, what, one), what, others);
  if (!to->kept && deliver_view(guard, what, content, me, lanes))
    return status::success;
  const auto references = to->kept ? 1 : static_cast<std::uint32_t>(lanes.size()) + 1;
  message_ptr m(build(what, content, me, references, bool(to->kept)));
  if (to->kept) {
    to->kept->append(const_cast<message&>(*m), what.to == destination::all && what.request == nullptr);
    lanes = leading_on(targets(routing_, routing_.find(what.type_id), what, one), what, others); // see history::append
    m->add_references(static_cast<std::uint32_t>(lanes.size()));
  }
  message_dispatch dispatch(*this, false);
  dispatch.offer(m.get(), lanes, true);
  if (dispatch.has_rest()) {
    const busy_publisher busy(*this);
    guard.release();
    rest.lanes_ = dispatch.run_callbacks();
  }
  if (!rest.lanes_.empty()) {
    rest.held_ = std::move(m);
    rest.since_ns_ = monotonic_ns();
  }
  return dispatch.outcome();
}

bool bus::is_wanted(std::uint16_t type_id) const noexcept {
  const read_guard guard;
  const auto* to = routing_.find(type_id);
  return to != nullptr && (to->kept || !to->lanes.empty());
}

std::size_t bus::room_left(std::uint16_t type_id, std::size_t spare) const noexcept {
  const read_guard guard;
  const auto* to = routing_.find(type_id);
  auto least = std::numeric_limits<std::size_t>::max();
  for (const auto* l : to != nullptr ? std::span<lane* const>(to->lanes) : std::span<lane* const>{}) {
    const auto kept = std::min<std::size_t>(spare, l->options().capacity / 2 - 1);
    const auto places = l->free_places();
    if (l->options().when_full == policy::block)
      least = std::min(least, places - std::min(places, kept));
  }
  return least;
}

bus::batch_result bus::publish_batch(read_guard& guard, std::span<const payload> payloads) {
  enter();
  guard.release(); // raised anew for each run, so that a long batch does not hold up who changes the routes
  batch_result all{status::success, 0};
  while (all.accepted < payloads.size() && all.outcome == status::success) {
    const auto run = publish_run(payloads.subspan(all.accepted));
    all.accepted += run.accepted;
    all.outcome = run.outcome;
  }
  leave();
  return all;
}

bus::batch_result bus::publish_run(std::span<const payload> payloads) {
  constexpr std::size_t longest = 256;
  const outgoing what{.type_id = payloads[0].type_id};
  read_guard guard;
  const auto* to = routing_.find(what.type_id);
  if (to != nullptr && to->kept) {
    const auto outcome = publish(guard, what, message::bytes(payloads[0].data, payloads[0].size));
    return {outcome, outcome == status::success ? std::size_t{1} : std::size_t{0}};
  }
  const std::span<lane* const> lanes = to != nullptr ? std::span<lane* const>(to->lanes) : std::span<lane* const>{};
  auto& me = publishers_.mine();
  message_dispatch dispatch(*this);
  batch_result run{status::success, 0};
  while (run.accepted < std::min(payloads.size(), longest) && payloads[run.accepted].type_id == what.type_id) {
    const message::bytes content(payloads[run.accepted].data, payloads[run.accepted].size);
    run.outcome = admit(what.type_id, content);
    if (run.outcome != status::success) {
      me.count_refused();
      break;
    }
    me.count_accepted(what.type_id, content.size());
    if (!lanes.empty()) {
      dispatch.offer(build(what, content, me, static_cast<std::uint32_t>(lanes.size())), lanes, false);
      run.outcome = dispatch.outcome();
      if (run.outcome != status::success || dispatch.has_rest())
        break;
    }
    ++run.accepted;
  }
  for (auto* l : lanes)
    message_dispatch::wake(*l);
  if (dispatch.has_rest()) {
    const busy_publisher busy(*this);
    guard.release();
    dispatch.do_rest();
    run.outcome = dispatch.outcome();
    run.accepted += run.outcome == status::success ? 1 : 0;
  }
  if (dispatch.outcome() != status::success)
    explain(dispatch.outcome());
  return run;
}

} // namespace mycelium::runtime
