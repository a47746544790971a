// Receiving on a thread of your own, instead of in callbacks: queues, which gather subscriptions and requests, and
// streams, which are a queue of one typed subscription.
#pragma once

#include <mycelium/request.hpp>
#include <mycelium/subscription.hpp>

#include <iterator>
#include <vector>

namespace mycelium {
inline namespace cpp1 {

enum class delivery_kind : std::int32_t {
  message = MYCELIUM_DELIVERY_MESSAGE,
  complete = MYCELIUM_DELIVERY_COMPLETE, // the subscription has ended; its last delivery
  reply = MYCELIUM_DELIVERY_REPLY,       // a request has ended
};

struct delivery {
  delivery_kind kind = delivery_kind::message;
  status outcome = status::success; // of a request
  std::uint64_t id = 0;             // of the subscription or request
  owned<any_message> message;       // empty for complete, and for a request that failed
};

// Several threads may receive from one queue. Closing the runtime waits until a queue is empty if another thread than
// the closing one has received from it before. Destroying it closes it: its subscriptions end, what waits in them is
// dropped and counted, and every receive returns. It may outlive the runtime. Movable.
class queue {
public:
  queue(MyceliumRuntime* runtime, std::uint64_t id) noexcept : runtime_(runtime), id_(id) {}
  queue(queue&& other) noexcept : runtime_(other.runtime_), id_(std::exchange(other.id_, std::uint64_t{0})) {}
  queue& operator=(queue&& other) noexcept {
    if (this != &other) {
      close();
      runtime_ = other.runtime_;
      id_ = std::exchange(other.id_, std::uint64_t{0});
    }
    return *this;
  }
  ~queue() { close(); }

  std::uint64_t id() const noexcept { return id_; }

  // Delivers a type to this queue. Each subscription keeps a mailbox and a policy of its own.
  result<subscription> subscribe(std::uint16_t type_id, subscribe_options options = {}) {
    return detail::subscribe(runtime_, type_id, nobody(), std::move(options),
                             [this](MyceliumSubscribeOptions& given) { given.queue_id = id_; });
  }
  template <message_type T>
  result<subscription> subscribe(subscribe_options options = {}) {
    return subscribe(T::type_id, std::move(options));
  }

  // Sends a request whose outcome comes to this queue as a delivery_kind::reply with the id that is returned here.
  template <message_type Request>
  result<std::uint64_t> request(const Request& question, duration timeout = default_request_timeout) {
    return detail::with_encoded(question, [&](bytes payload) -> result<std::uint64_t> {
      auto options = detail::request_options(timeout, nullptr, nullptr);
      options.queue_id = id_;
      std::uint64_t id = 0;
      if (const auto code =
              mycelium_request_async(runtime_, Request::type_id, payload.data(), payload.size(), &options, &id);
          code < 0)
        return detail::last_failure(code);
      return id;
    });
  }

  // What has arrived, at most max deliveries; waits up to timeout for the first. None if somebody called wake().
  // status::timeout; status::closed when the queue is closed and empty. Blocks; on a worker thread it does not wait.
  result<std::vector<delivery>> receive(duration timeout = forever, std::size_t max = 256) {
    std::vector<MyceliumDelivery> taken(max);
    std::size_t count = 0;
    if (const auto code = mycelium_queue_receive(runtime_, id_, taken.data(), taken.size(), timeout.count(), &count);
        code < 0)
      return detail::last_failure(code);
    std::vector<delivery> deliveries;
    deliveries.reserve(count);
    for (const auto& each : std::span(taken).first(count))
      deliveries.push_back({static_cast<delivery_kind>(each.kind), static_cast<status>(each.status), each.id,
                            owned<any_message>(each.message)});
    return deliveries;
  }

  // For poll and epoll: readable while the queue may hold something. Receive with timeout 0 until status::timeout
  // before you poll again. The queue's: not to be read or closed.
  result<int> descriptor() {
    int fd = -1;
    if (const auto code = mycelium_queue_fd(runtime_, id_, &fd); code < 0)
      return detail::last_failure(code);
    return fd;
  }

  // Makes one receive, that waits now or comes next, return with nothing.
  result<void> wake() { return detail::checked(mycelium_queue_wake(runtime_, id_)); }

  void close() noexcept {
    if (const auto id = std::exchange(id_, std::uint64_t{0}); id != 0)
      mycelium_queue_close(runtime_, id);
  }

private:
  struct nobody {};

  MyceliumRuntime* runtime_;
  std::uint64_t id_;
};

// The messages of one type, one after the other:
//   for (auto& update : stream) ...              until the runtime closes
//   while (auto update = stream.next(1s)) ...    until a second passes without one
// A reader that is slow meets the policy of the subscription. One thread at a time may read. Movable.
template <message_type T>
class stream {
public:
  stream(queue from, subscription through) noexcept : queue_(std::move(from)), subscription_(std::move(through)) {}

  // The next value. status::timeout; status::closed at the end; status::invalid_payload for a message that is no T,
  // after which the next one can be read.
  result<T> next(duration timeout = forever) {
    auto received = next_message(timeout);
    if (!received)
      return received.error();
    return (*received)->decode();
  }

  // The same undecoded, with its envelope.
  result<owned<message<T>>> next_message(duration timeout = forever) {
    if (next_ == waiting_.size())
      if (auto filled = fill(timeout); !filled)
        return filled.error();
    if (waiting_.empty())
      return failure{status::timeout, "the stream was woken"};
    auto& first = waiting_[next_];
    if (first.kind == delivery_kind::complete) // and stays there
      return failure{status::closed, "the subscription of this stream has ended"};
    ++next_;
    return owned<message<T>>(first.message.release());
  }

  // An input iterator; advancing blocks. A message that is no T throws bad_result.
  class iterator {
  public:
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using reference = T&;
    using pointer = T*;
    using iterator_category = std::input_iterator_tag;

    iterator() = default;
    explicit iterator(stream* of) : of_(of) { ++*this; }
    T& operator*() const noexcept { return value_; }
    T* operator->() const noexcept { return &value_; }
    iterator& operator++() {
      auto value = of_->next();
      if (value)
        value_ = *std::move(value);
      else if (value.code() == status::closed)
        of_ = nullptr;
      else
        static_cast<void>(value.value()); // throws
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const iterator& a, const iterator& b) noexcept { return a.of_ == b.of_; }

  private:
    stream* of_ = nullptr;
    mutable T value_{}; // the reader's to change and to move from
  };
  iterator begin() { return iterator(this); }
  iterator end() { return {}; }

  // As queue::descriptor; read with next(0s) until status::timeout.
  result<int> descriptor() { return queue_.descriptor(); }
  // Makes a next() that waits now or comes next return status::timeout.
  result<void> wake() { return queue_.wake(); }
  std::uint64_t subscription_id() const noexcept { return subscription_.id(); }
  result<subscription_stats> stats() const { return subscription_.stats(); }

private:
  result<void> fill(duration timeout) {
    auto received = queue_.receive(timeout);
    if (!received)
      return received.error();
    waiting_ = *std::move(received);
    next_ = 0;
    return {};
  }

  queue queue_;
  subscription subscription_; // ends first: its completion is then discarded with the queue
  std::vector<delivery> waiting_;
  std::size_t next_ = 0;
};

} // namespace cpp1
} // namespace mycelium
