// A queue behind a mutex and a thread per subscriber: as one writes it first, and as one writes it after measuring.
// Both share one reference-counted copy of the payload between all subscribers.
#include "tools/benchmarks/way.hpp"

#include "tools/benchmarks/block.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace mycelium::bench {

namespace {

// Queue: push(block_ref), drain(receive_fn, user) which returns false once stopped and empty, stop().
template <class Queue, memory_from Source>
class mutex_way final : public stepwise<mutex_way<Queue, Source>> {
public:
  ~mutex_way() override { mutex_way::close(); }
  void open(const load& expected) override { bound_ = queue_bound(expected.payload); }
  void subscribe(std::uint16_t type, receive_fn on_message, void* user) override {
    auto& made = *subscriptions_.emplace_back(std::make_unique<subscription>(type, bound_));
    made.thread = std::thread([&made, on_message, user] {
      while (made.queue.drain(on_message, user)) {
      }
    });
  }
  void start() override {}
  void close() override {
    for (auto& one : subscriptions_) {
      one->queue.stop();
      one->thread.join();
    }
    subscriptions_.clear();
  }

  void send(unsigned, std::uint16_t type, const std::uint8_t* bytes, std::size_t size) {
    const auto shared = block_ref::copy_of(type, bytes, size, Source);
    for (auto& one : subscriptions_) {
      if (one->type == type) {
        one->queue.push(shared);
      }
    }
  }

private:
  struct subscription {
    subscription(std::uint16_t of_type, std::size_t bound) : type(of_type), queue(bound) {}
    std::uint16_t type;
    Queue queue;
    std::thread thread;
  };
  std::vector<std::unique_ptr<subscription>> subscriptions_;
  std::size_t bound_ = 0;
};

// One message at a time, one notify a message.
class plain_queue {
public:
  explicit plain_queue(std::size_t bound) : bound_(bound) {}

  void push(const block_ref& message) {
    {
      std::unique_lock guard(mutex_);
      not_full_.wait(guard, [this] { return waiting_.size() < bound_; });
      waiting_.push_back(message);
    }
    not_empty_.notify_one();
  }
  bool drain(receive_fn on_message, void* user) {
    block_ref message;
    {
      std::unique_lock guard(mutex_);
      not_empty_.wait(guard, [this] { return stopped_ || !waiting_.empty(); });
      if (waiting_.empty()) {
        return false;
      }
      message = std::move(waiting_.front());
      waiting_.pop_front();
    }
    not_full_.notify_one();
    on_message(message->data(), message->size, user);
    return true;
  }
  void stop() {
    const std::lock_guard guard(mutex_);
    stopped_ = true;
    not_empty_.notify_one();
  }

private:
  const std::size_t bound_;
  std::mutex mutex_;
  std::condition_variable not_empty_;
  std::condition_variable not_full_;
  std::deque<block_ref> waiting_;
  bool stopped_ = false;
};

// The subscriber takes everything that waits at once; who publishes wakes it only if it sleeps.
class swap_queue {
public:
  explicit swap_queue(std::size_t bound) : bound_(bound) {
    waiting_.reserve(bound);
    taken_.reserve(bound);
  }

  void push(const block_ref& message) {
    bool wake = false;
    {
      std::unique_lock guard(mutex_);
      if (waiting_.size() == bound_) {
        ++blocked_;
        not_full_.wait(guard, [this] { return waiting_.size() < bound_; });
        --blocked_;
      }
      waiting_.push_back(message);
      wake = std::exchange(asleep_, false);
    }
    if (wake) {
      not_empty_.notify_one();
    }
  }
  bool drain(receive_fn on_message, void* user) {
    bool full = false;
    {
      std::unique_lock guard(mutex_);
      while (waiting_.empty()) {
        if (stopped_) {
          return false;
        }
        asleep_ = true;
        not_empty_.wait(guard);
      }
      asleep_ = false;
      std::swap(waiting_, taken_);
      full = blocked_ != 0;
    }
    if (full) {
      not_full_.notify_all();
    }
    for (const block_ref& message : taken_) {
      on_message(message->data(), message->size, user);
    }
    taken_.clear();
    return true;
  }
  void stop() {
    const std::lock_guard guard(mutex_);
    stopped_ = true;
    not_empty_.notify_one();
  }

private:
  const std::size_t bound_;
  std::mutex mutex_;
  std::condition_variable not_empty_;
  std::condition_variable not_full_;
  std::vector<block_ref> waiting_;
  std::vector<block_ref> taken_; // the subscriber's own
  std::size_t blocked_ = 0;
  bool asleep_ = false;
  bool stopped_ = false;
};

} // namespace

std::unique_ptr<way> make_mutex_queue() { return std::make_unique<mutex_way<plain_queue, memory_from::malloc>>(); }
std::unique_ptr<way> make_mutex_swap() { return std::make_unique<mutex_way<swap_queue, memory_from::pool>>(); }

} // namespace mycelium::bench
