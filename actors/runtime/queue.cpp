#include "actors/runtime/queue.hpp"

#include "actors/runtime/lane.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <sys/eventfd.h>
#include <unistd.h>

namespace mycelium::runtime {
namespace {

constexpr std::size_t turn = 64; // messages of one lane before the next has its turn

} // namespace

delivery_queue::delivery_queue(std::uint64_t id) : id_(id) { batch_.reserve(turn); }

delivery_queue::~delivery_queue() {
  discard_rest();
  if (fd_ >= 0)
    ::close(fd_);
}

void delivery_queue::announce(lane& holder) noexcept {
  if (holder.ready.load(std::memory_order_seq_cst))
    return;
  // Under the lock, so that who sees it ready finds it in the list: a receive that does not wait would find nothing.
  std::lock_guard lock(mutex_);
  if (holder.ready.exchange(true, std::memory_order_seq_cst))
    return;
  ready_.push_back(counted_ptr<lane>::share(&holder));
  notify_locked();
}

void delivery_queue::announce_end(counted_ptr<lane> ended) noexcept {
  std::lock_guard lock(mutex_);
  ended_.push_back(std::move(ended));
  notify_locked();
}

void delivery_queue::announce_reply(delivery outcome) noexcept {
  std::lock_guard lock(mutex_);
  replies_.push_back(outcome);
  notify_locked();
}

void delivery_queue::notify_locked() noexcept {
  arrived_.notify_one();
  if (fd_ < 0 || fd_raised_)
    return;
  fd_raised_ = true;
  const std::uint64_t one = 1;
  while (::write(fd_, &one, sizeof one) < 0 && errno == EINTR) {
  }
}

void delivery_queue::settle_descriptor_locked() noexcept {
  if (fd_ < 0 || !fd_raised_ || closed_ || wakes_ != 0 || holds_something_locked())
    return;
  fd_raised_ = false;
  std::uint64_t count;
  while (::read(fd_, &count, sizeof count) < 0 && errno == EINTR) {
  }
}

result<int> delivery_queue::descriptor() {
  std::lock_guard lock(mutex_);
  if (fd_ < 0) {
    fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd_ < 0)
      return failure{status::runtime,
                     std::string("eventfd: ") + std::strerror(errno) + "; raise the limit on open files (ulimit -n)"};
    if (closed_ || wakes_ != 0 || holds_something_locked())
      notify_locked();
  }
  return fd_;
}

void delivery_queue::wake() noexcept {
  std::lock_guard lock(mutex_);
  ++wakes_;
  notify_locked();
}

void delivery_queue::close() noexcept {
  std::lock_guard lock(mutex_);
  closed_ = true;
  notify_locked();
  arrived_.notify_all();
}

result<std::size_t> delivery_queue::receive(std::span<delivery> out, const deadline& until) {
  for (;;) {
    if (const auto count = take(out))
      return count;
    std::unique_lock lock(mutex_);
    const auto something = [this] { return holds_something_locked() || wakes_ != 0 || closed_; };
    if (!something()) {
      if (until.passed())
        return failure{status::timeout, "nothing arrived in time"};
      if (until.never())
        arrived_.wait(lock, something);
      else
        arrived_.wait_for(lock, std::chrono::nanoseconds(std::min(until.left(), std::int64_t{1} << 60)), something);
    }
    if (holds_something_locked())
      continue;
    if (wakes_ != 0) {
      --wakes_;
      settle_descriptor_locked();
      return std::size_t{0};
    }
    if (closed_)
      return failure{status::closed, "the queue is closed; open another one"};
  }
}

std::size_t delivery_queue::take(std::span<delivery> out) {
  std::vector<counted_ptr<lane>> completed;
  std::size_t count = 0;
  {
    std::lock_guard receiver(receiving_);
    {
      std::lock_guard lock(mutex_);
      last_receiver_ = std::this_thread::get_id();
      for (; count < out.size() && !replies_.empty(); replies_.pop_front())
        out[count++] = replies_.front();
    }
    while (count < out.size()) {
      counted_ptr<lane> holder;
      {
        std::lock_guard lock(mutex_);
        if (ready_.empty())
          break;
        holder = std::move(ready_.front());
        ready_.pop_front();
      }
      batch_.clear();
      holder->take(batch_, std::min(turn, out.size() - count));
      for (const auto* m : batch_)
        out[count++] = {delivery_kind::message, status::success, holder->id(), holder->options().user_data, m};
      // Not ready any more; look once more, for a publisher that saw it ready just before.
      holder->ready.store(false, std::memory_order_seq_cst);
      if (!holder->holds_nothing()) {
        std::lock_guard lock(mutex_);
        if (!holder->ready.exchange(true, std::memory_order_seq_cst))
          ready_.push_back(std::move(holder));
      }
    }
    count += take_ended(out.subspan(count), completed);
    std::lock_guard lock(mutex_);
    settle_descriptor_locked();
    if (holds_something_locked())
      arrived_.notify_one(); // another receiver may go on
  }
  for (const auto& ended : completed)
    ended->complete();
  return count;
}

std::size_t delivery_queue::take_ended(std::span<delivery> out, std::vector<counted_ptr<lane>>& completed) {
  std::lock_guard lock(mutex_);
  std::size_t count = 0;
  for (; count < out.size() && !ended_.empty(); ended_.pop_front()) {
    auto& ended = ended_.front();
    out[count++] = {delivery_kind::complete, status::success, ended->id(), ended->options().user_data, nullptr};
    completed.push_back(std::move(ended));
  }
  return count;
}

bool delivery_queue::is_served_elsewhere() const noexcept {
  std::lock_guard lock(mutex_);
  return last_receiver_ != std::thread::id{} && last_receiver_ != std::this_thread::get_id();
}

bool delivery_queue::is_served_here() const noexcept {
  std::lock_guard lock(mutex_);
  return last_receiver_ == std::this_thread::get_id();
}

void delivery_queue::discard_rest() noexcept {
  std::vector<counted_ptr<lane>> completed;
  {
    std::lock_guard lock(mutex_);
    for (auto& reply : replies_)
      if (reply.content != nullptr)
        reply.content->release();
    replies_.clear();
    completed.assign(ended_.begin(), ended_.end());
    ended_.clear();
    ready_.clear();
  }
  for (const auto& ended : completed)
    ended->complete();
}

} // namespace mycelium::runtime
