#include "actors/runtime/request.hpp"

#include "actors/runtime/callback_scope.hpp"
#include "actors/runtime/exit_guard.hpp"

#include <vector>

namespace mycelium::runtime {
namespace {

// Unique in the process, so that a reply can never meet another runtime's request.
std::uint64_t next_request_id() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

} // namespace

bool pending_request::settle(status outcome, message_ptr reply) {
  if (settled_.exchange(true, std::memory_order_seq_cst))
    return false;
  outcome_ = outcome;
  reply_ = std::move(reply);
  table_->on_settled(*this);
  ready_.store(true, std::memory_order_seq_cst);
  waiting_.signal();
  return true;
}

void pending_request::abandon() noexcept {
  abandoned_.store(true, std::memory_order_seq_cst);
  if (!sending_.load(std::memory_order_seq_cst))
    settle(status::no_reply, {});
}

void pending_request::end_sending() noexcept {
  sending_.store(false, std::memory_order_seq_cst);
  if (abandoned_.load(std::memory_order_seq_cst))
    settle(status::no_reply, {});
}

bool pending_request::cancel() {
  if (settled_.exchange(true, std::memory_order_seq_cst))
    return false;
  table_->forget(*this);
  return true;
}

void pending_request::run_handler(const message* reply) noexcept {
  callback_scope scope(table_->owner(), nullptr);
  try {
    target_.handler(id_, std::int32_t(outcome_), reinterpret_cast<const ::MyceliumMessage*>(reply), target_.user_data);
  } catch (...) {
    table_->handler_threw();
  }
}

bool pending_request::wait(const deadline& until) {
  return waiting_.wait(until, [this] { return ready_.load(std::memory_order_seq_cst); });
}

void request_table::connect(std::function<void()> wake, std::function<void(std::int64_t)> arm) {
  std::lock_guard lock(mutex_);
  wake_ = std::move(wake);
  arm_ = std::move(arm);
}

void request_table::disconnect() {
  std::lock_guard lock(mutex_);
  wake_ = nullptr;
  arm_ = nullptr;
}

result<pending_ptr> request_table::open(reply_target target, std::int64_t timeout_ns) {
  std::lock_guard lock(mutex_);
  if (closed_)
    return failure{status::closed, "the runtime is closed"};
  if (open_.size() >= max_pending)
    return failure{status::full, "65536 requests are waiting for a reply already; wait for some of them"};
  const bool waited_for = target.handler == nullptr && !target.queue; // its thread keeps the time
  const auto id = next_request_id();
  const auto due = waited_for ? forever : deadline::in(timeout_ns).at();
  pending_ptr pending(new pending_request(shared_from_this(), id, std::move(target)));
  pending->retain();
  open_.emplace(id, entry{pending.get(), due});
  undelivered_.fetch_add(1, std::memory_order_relaxed);
  if (due != forever) {
    due_.emplace(due, id);
    if (due < armed_for_ && arm_) {
      armed_for_ = due;
      arm_(std::max<std::int64_t>(due - monotonic_ns(), 1));
    }
  }
  return pending;
}

pending_ptr request_table::remove_locked(std::uint64_t id) {
  const auto found = open_.find(id);
  if (found == open_.end())
    return {};
  pending_ptr request(found->second.request);
  due_.erase({found->second.due, id});
  open_.erase(found);
  return request;
}

void request_table::delivered_one() noexcept {
  undelivered_.fetch_sub(1, std::memory_order_seq_cst);
  delivered_.signal();
}

void request_table::on_settled(pending_request& request) {
  const auto& target = request.target();
  if (target.handler != nullptr) {
    std::lock_guard lock(mutex_);
    auto settled = remove_locked(request.id());
    if (!settled)
      return;
    outcomes_.push_back(std::move(settled));
    if (outcomes_.size() == 1 && wake_)
      wake_();
    return;
  }
  pending_ptr settled;
  {
    std::lock_guard lock(mutex_);
    settled = remove_locked(request.id());
  }
  if (!settled)
    return;
  if (target.queue)
    target.queue->announce_reply(
        {delivery_kind::reply, request.outcome(), request.id(), target.user_data, request.take_reply().release()});
  delivered_one();
}

bool request_table::cancel(std::uint64_t id) {
  pending_ptr request;
  {
    std::lock_guard lock(mutex_);
    const auto found = open_.find(id);
    if (found == open_.end())
      return false;
    request = pending_ptr(found->second.request);
    request->retain();
  }
  return request->cancel();
}

void request_table::forget(pending_request& request) {
  {
    std::lock_guard lock(mutex_);
    if (!remove_locked(request.id()))
      return;
  }
  delivered_one();
}

std::size_t request_table::size() const {
  std::lock_guard lock(mutex_);
  return open_.size();
}

void request_table::deliver_outcomes() {
  for (;;) {
    std::deque<pending_ptr> batch;
    {
      std::lock_guard lock(mutex_);
      if (outcomes_.empty())
        return;
      batch.swap(outcomes_);
    }
    for (auto& request : batch) {
      const auto reply = request->take_reply();
      exit_guard::checkpoint();
      request->run_handler(reply.get());
      delivered_one();
    }
  }
}

std::int64_t request_table::expire_overdue() {
  std::vector<pending_ptr> overdue;
  std::int64_t next = 0;
  {
    std::lock_guard lock(mutex_);
    const auto now = monotonic_ns();
    for (auto at = due_.begin(); at != due_.end() && at->first <= now; ++at) {
      auto* request = open_.at(at->second).request;
      request->retain();
      overdue.emplace_back(request);
    }
    const auto rest = due_.upper_bound({now, ~std::uint64_t{0}});
    armed_for_ = rest == due_.end() ? forever : rest->first;
    if (rest != due_.end())
      next = std::max<std::int64_t>(rest->first - now, 1);
  }
  for (auto& request : overdue)
    request->settle(status::timeout, {});
  return next;
}

void request_table::close() {
  std::vector<pending_ptr> open;
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    for (const auto& [id, waiting] : open_) {
      waiting.request->retain();
      open.emplace_back(waiting.request);
    }
  }
  for (auto& request : open)
    request->settle(status::closed, {});
}

bool request_table::wait_until_delivered(const deadline& until) {
  return delivered_.wait(until, [this] { return undelivered_.load(std::memory_order_seq_cst) == 0; });
}

} // namespace mycelium::runtime
