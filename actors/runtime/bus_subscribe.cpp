// Subscriptions, queues and history come and go.
#include "actors/runtime/bus.hpp"
#include "actors/runtime/engine.hpp"
#include "actors/runtime/lane_actor.hpp"
#include "actors/runtime/subscription.hpp"

#include <algorithm>
#include <exception>

namespace mycelium::runtime {
namespace {

// Unique in the process: an id of one runtime is stale in every other.
std::uint64_t next_id() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

failure no_such_subscription(std::uint64_t id) {
  return {status::subscription,
          "there is no subscription " + std::to_string(id) + "; it was unsubscribed or belongs to another runtime"};
}

// Guards lane::waits_for of all lanes.
std::mutex& waits_mutex() {
  static auto* mutex = new std::mutex;
  return *mutex;
}

} // namespace

result<std::uint64_t> bus::subscribe(subscription_options options) {
  const auto id = next_id();
  if (options.name.empty())
    options.name = "subscription-" + std::to_string(id);
  counted_ptr<lane> data;
  try {
    data = new_counted<lane>(*this, id, std::move(options));
    std::lock_guard lock(control_);
    if (is_closing())
      return refuse_closed();
    auto entry = std::make_unique<subscription>();
    entry->data = data;
    entry->actor = engine_->spawn(data);
    subscriptions_.emplace(id, std::move(entry));
    counted_ptr<history> kept;
    if (data->options().unlisted) {
      routing_.add_unlisted(*data);
    } else if (!data->options().leads_away) {
      change_routes(*data, [&](route& r) {
        r.lanes.push_back(data.get());
        kept = r.kept;
      });
      note_types_locked();
    }
    if (data->options().history != 0) {
      auto past = kept ? kept->last(data->options().history) : history::snapshot{};
      data->begin_with(std::move(past.messages), past.last_index);
      data->wake();
    }
  } catch (const std::exception& e) {
    return failure{status::runtime, std::string("no subscription could be made: ") + e.what()};
  }
  changes_.signal();
  return id;
}

void bus::change_routes(lane& whose, const std::function<void(route&)>& edit) {
  routing_.change(whose.type_id(), edit);
  for (const auto type_id : whose.options().also)
    routing_.change(type_id, edit);
}

counted_ptr<lane> bus::remove(std::uint64_t subscription_id) {
  std::lock_guard lock(control_);
  const auto found = subscriptions_.find(subscription_id);
  if (found == subscriptions_.end())
    return {};
  const auto entry = std::move(found->second);
  subscriptions_.erase(found);
  entry->data->end(drop_reason::unsubscribed);
  if (entry->data->options().unlisted) {
    routing_.remove_unlisted(*entry->data);
  } else if (entry->data->options().leads_away) {
    for (const auto type_id : entry->types)
      routing_.change(type_id, [&](route& r) { std::erase(r.lanes, entry->data.get()); });
  } else {
    change_routes(*entry->data, [&](route& r) { std::erase(r.lanes, entry->data.get()); });
    note_types_locked();
  }
  // No publisher knows the actor any more; a turn that it is in the middle of ends as it began.
  engine::dismiss(entry->actor);
  forget_finished_locked(); // those that ended in their own callback
  ending_.push_back(entry->data);
  return entry->data;
}

result<status> bus::unsubscribe(std::uint64_t subscription_id) {
  const auto target = remove(subscription_id);
  if (!target)
    return is_closing() ? refuse_closed() : no_such_subscription(subscription_id);
  if (would_wait_for_each_other(*target)) {
    target->finish_after_callback();
    return status::deferred;
  }
  target->wait_until_idle(deadline::in(forever));
  stop_waiting();
  if (target->options().queue)
    target->options().queue->wait_for_receivers();
  target->finish();
  forget_finished();
  return status::success;
}

// True if the callback that would be waited for is on this thread's stack, or waits (through others) for one that is.
// Otherwise every callback on the stack now counts as waiting for the target, until stop_waiting().
bool bus::would_wait_for_each_other(lane& target) {
  std::lock_guard lock(waits_mutex());
  for (const auto* next = &target; next != nullptr; next = next->waits_for)
    if (in_callback_of(*next))
      return true;
  for (auto* scope = innermost_callback; scope != nullptr; scope = scope->outer)
    if (scope->subscription != nullptr)
      scope->subscription->waits_for = &target;
  return false;
}

void bus::stop_waiting() {
  std::lock_guard lock(waits_mutex());
  for (auto* scope = innermost_callback; scope != nullptr; scope = scope->outer)
    if (scope->subscription != nullptr)
      scope->subscription->waits_for = nullptr;
}

// Sums up what has ended for good, so that the totals of stats() never shrink.
void bus::forget_finished() {
  std::lock_guard lock(control_);
  forget_finished_locked();
}

void bus::forget_finished_locked() {
  std::erase_if(ending_, [this](const counted_ptr<lane>& l) {
    if (!l->finished())
      return false;
    add_to(ended_, l->stats());
    return true;
  });
}

void bus::restart(std::uint64_t subscription_id) {
  caf::actor dead; // dropped after the readers have gone
  std::string name;
  {
    std::lock_guard lock(control_);
    const auto found = subscriptions_.find(subscription_id);
    if (found == subscriptions_.end() || is_closing())
      return;
    auto& entry = *found->second;
    dead = entry.actor;
    entry.actor = engine_->spawn(entry.data);
    name = entry.data->options().name;
    wait_for_readers();
    entry.data->wake();
    if (entry.data->options().on_control)
      entry.data->actor()->poke();
  }
  restarts_.fetch_add(1, std::memory_order_seq_cst);
  changes_.signal();
  log(log_level::warning, "the actor of subscription '" + name + "' died and was restarted; its mailbox is intact");
}

bool bus::wait_for_restarts(std::uint64_t count, const deadline& until) {
  return changes_.wait(until, [&] { return restarts_.load(std::memory_order_seq_cst) >= count; });
}

void bus::for_each_lane(const std::function<void(lane&)>& visit) const {
  for (const auto& l : living_lanes())
    visit(*l);
}

result<void> bus::set_types(std::uint64_t subscription_id, std::vector<std::uint16_t> types) {
  {
    std::lock_guard lock(control_);
    const auto found = subscriptions_.find(subscription_id);
    if (found == subscriptions_.end())
      return no_such_subscription(subscription_id);
    auto& entry = *found->second;
    auto* data = entry.data.get();
    for (const auto type_id : entry.types)
      if (!std::ranges::binary_search(types, type_id))
        routing_.change(type_id, [&](route& r) { std::erase(r.lanes, data); });
    for (const auto type_id : types)
      if (!std::ranges::binary_search(entry.types, type_id))
        routing_.change(type_id, [&](route& r) { r.lanes.push_back(data); });
    entry.types = std::move(types);
  }
  changes_.signal();
  return {};
}

result<void> bus::wait_for_subscribers(std::uint16_t type_id, std::size_t count, const deadline& until) {
  const auto enough = [&] {
    const read_guard guard;
    const auto* to = routing_.find(type_id);
    return count == 0 || (to != nullptr && to->lanes.size() >= count);
  };
  if (enough())
    return {};
  if (on_pooled_worker)
    return failure{status::unsupported, "a worker thread must not wait; call it from a thread of your own"};
  if (changes_.wait(until, [&] { return is_closing() || enough(); }))
    return is_closing() && !enough() ? result<void>(refuse_closed()) : result<void>();
  return failure{status::timeout, "fewer than " + std::to_string(count) + " subscriptions of type " +
                                      std::to_string(type_id) + " came in time"};
}

counted_ptr<lane> bus::find_lane(std::uint64_t subscription_id) const {
  std::lock_guard lock(control_);
  const auto found = subscriptions_.find(subscription_id);
  return found == subscriptions_.end() ? counted_ptr<lane>{} : found->second->data;
}

bool bus::hand_over(const message& m, lane& to) {
  const read_guard guard; // while it is up, a lane that has not ended has an actor
  if (to.ended())
    return false;
  auto* mine = m.retain();
  if (!to.offer_room(mine)) {
    mine->release();
    return false;
  }
  to.wake();
  return true;
}

void bus::poke(lane& whose, std::int64_t in_ns) {
  const read_guard guard; // as above
  if (whose.ended())
    return;
  if (in_ns == 0)
    whose.actor()->poke();
  else
    whose.actor()->poke_in(in_ns);
}

result<void> bus::keep_history(std::uint16_t type_id, std::uint32_t depth) {
  if (type_id == 0 || depth > max_history)
    return failure{status::invalid_argument,
                   type_id == 0 ? "type_id 0 is reserved" : "history depth is at most " + std::to_string(max_history)};
  std::lock_guard lock(control_);
  if (is_closing())
    return refuse_closed();
  counted_ptr<history> forgotten;
  routing_.change(type_id, [&](route& r) {
    if (depth == 0)
      std::swap(forgotten, r.kept);
    else if (r.kept)
      r.kept->resize(depth);
    else
      r.kept = new_counted<history>(depth);
  });
  return {};
}

// ---- extensions ----

result<std::uint64_t> bus::add_extension(std::shared_ptr<extension> what) {
  std::lock_guard lock(control_);
  if (is_closing())
    return refuse_closed();
  const auto id = next_id();
  extensions_.emplace(id, std::move(what));
  return id;
}

std::shared_ptr<extension> bus::find_extension(std::uint64_t id) const {
  std::lock_guard lock(control_);
  const auto found = extensions_.find(id);
  return found == extensions_.end() ? nullptr : found->second;
}

std::shared_ptr<extension> bus::remove_extension(std::uint64_t id) {
  std::lock_guard lock(control_);
  const auto found = extensions_.find(id);
  if (found == extensions_.end())
    return nullptr;
  auto removed = std::move(found->second);
  extensions_.erase(found);
  return removed;
}

// ---- queues ----

result<std::uint64_t> bus::open_queue() {
  std::lock_guard lock(control_);
  if (is_closing())
    return refuse_closed();
  const auto id = next_id();
  queues_.emplace(id, new_counted<delivery_queue>(id));
  return id;
}

counted_ptr<delivery_queue> bus::find_queue(std::uint64_t queue_id) const {
  std::lock_guard lock(control_);
  const auto found = queues_.find(queue_id);
  return found == queues_.end() ? counted_ptr<delivery_queue>{} : found->second;
}

result<void> bus::close_queue(std::uint64_t queue_id) {
  counted_ptr<delivery_queue> queue;
  std::vector<std::uint64_t> fed_by;
  {
    std::lock_guard lock(control_);
    const auto found = queues_.find(queue_id);
    if (found == queues_.end())
      return failure{status::subscription, "there is no queue " + std::to_string(queue_id)};
    queue = found->second;
    queues_.erase(found);
    for (const auto& [id, entry] : subscriptions_)
      if (entry->data->options().queue == queue)
        fed_by.push_back(id);
  }
  for (auto id : fed_by)
    (void)unsubscribe(id); // one that is gone already is what we want
  queue->close();
  queue->wait_for_receivers();
  queue->discard_rest();
  forget_finished();
  return {};
}

} // namespace mycelium::runtime
