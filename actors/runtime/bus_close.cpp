// The end of a runtime, in the order that never hangs: refuse, wait for publishers, deliver, complete, dismiss the
// actors, join the workers. Whatever user code may hold up waits with the caller's deadline; the rest is ours and
// short.
#include "actors/runtime/bus.hpp"
#include "actors/runtime/engine.hpp"
#include "actors/runtime/exit_guard.hpp"
#include "actors/runtime/subscription.hpp"

#include <algorithm>

namespace mycelium::runtime {
namespace {

failure still_running(const std::vector<std::string>& names) {
  std::string text = "still in a callback: ";
  for (std::size_t i = 0; i < names.size(); ++i)
    text += (i == 0 ? "'" : ", '") + names[i] + "'";
  return {status::timeout, text + "; close again, or find out what the callback waits for"};
}

} // namespace

void bus::stop_accepting() noexcept {
  {
    // Under the lock, so that no subscription slips in between.
    std::lock_guard lock(control_);
    closing_.store(true, std::memory_order_seq_cst);
    for (const auto& [id, entry] : subscriptions_)
      entry->data->wake_publishers();
  }
  changes_.signal();
}

std::vector<counted_ptr<lane>> bus::living_lanes() const {
  std::vector<counted_ptr<lane>> lanes;
  std::lock_guard lock(control_);
  for (const auto& [id, entry] : subscriptions_)
    lanes.push_back(entry->data);
  return lanes;
}

result<void> bus::flush(const deadline& until) {
  if (innermost_callback != nullptr || on_pooled_worker)
    return failure{status::unsupported, "a callback cannot wait for callbacks; flush from a thread of your own"};
  wait_for_readers(); // publishes that have returned are in the lanes; those under way are not ours to wait for
  struct goal {
    counted_ptr<lane> of;
    lane::progress accepted;
  };
  std::vector<goal> goals;
  for (auto& l : living_lanes())
    goals.push_back({l, l->accepted()});
  for (const auto& g : goals) {
    if (g.of->wait_until_settled(g.accepted, until))
      continue;
    if (is_closing())
      return refuse_closed();
    return failure{status::timeout, "subscription '" + g.of->options().name + "' has not delivered everything yet"};
  }
  return {};
}

result<void> bus::close(const deadline& until) {
  if (in_callback_of(this) || on_pooled_worker)
    return failure{
        status::unsupported,
        "a callback cannot wait for its own end; use mycelium_runtime_destroy_later, or close from another thread"};
  if (exit_guard::is_exiting())
    return failure{status::runtime, "the process is exiting; the runtime's threads are parked"};
  std::lock_guard one_at_a_time(closing_mutex_);
  if (closed_)
    return {};
  stop_accepting();
  wait_for_readers();
  if (const auto bridge = attached())
    bridge->close(until); // what is for other nodes goes out, what came from them is in the lanes
  // What was accepted is delivered, as far as the deadline allows. Callbacks get `closed` for what they publish now.
  // A queue that this very thread serves cannot get emptier while we wait.
  for (auto& l : living_lanes())
    if (!l->ended() && (!l->options().queue || l->options().queue->is_served_elsewhere()))
      l->wait_until_settled(l->accepted(), until);
  requests_->close();
  if (auto ended = end_lanes(living_lanes(), until); !ended)
    return ended;
  if (!requests_->wait_until_delivered(until))
    return still_running({"a reply handler"});
  if (!changes_.wait(until, [this] { return busy_publishers_.load(std::memory_order_seq_cst) == 0; }))
    return still_running({"a publisher"});
  dismiss_actors();
  engine_->stop();
  engine_.reset();
  closed_ = true;
  return {};
}

result<void> bus::end_lanes(const std::vector<counted_ptr<lane>>& lanes, const deadline& until) {
  std::vector<std::string> busy;
  for (const auto& l : lanes)
    l->end(drop_reason::closed);
  {
    std::lock_guard lock(control_);
    routing_.clear();
  }
  for (const auto& l : lanes) {
    if (!l->wait_until_idle(until)) {
      busy.push_back(l->options().name);
      continue;
    }
    if (l->options().queue)
      l->options().queue->wait_for_receivers();
    l->finish();
  }
  close_queues();
  // Those that a callback of their own unsubscribed complete when it returns.
  for (const auto& l : ending_lanes())
    if (!l->options().queue && !l->wait_until_finished(until))
      busy.push_back(l->options().name);
  forget_finished();
  return busy.empty() ? result<void>() : result<void>(still_running(busy));
}

std::vector<counted_ptr<lane>> bus::ending_lanes() const {
  std::lock_guard lock(control_);
  return ending_;
}

void bus::close_queues() {
  std::vector<counted_ptr<delivery_queue>> queues;
  {
    std::lock_guard lock(control_);
    for (auto& [id, queue] : queues_)
      queues.push_back(queue);
  }
  for (auto& queue : queues) {
    queue->close();
    queue->wait_for_receivers();
  }
}

void bus::dismiss_actors() {
  std::map<std::uint64_t, std::unique_ptr<subscription>> all;
  {
    std::lock_guard lock(control_);
    all.swap(subscriptions_);
    for (auto& [id, entry] : all)
      add_to(ended_, entry->data->stats());
  }
  for (auto& [id, entry] : all)
    engine::dismiss(entry->actor);
}

} // namespace mycelium::runtime
