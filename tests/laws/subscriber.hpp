// A subscription of any kind under one interface, so that a law can be asked of all of them: what arrives is recorded,
// then given to a hook. A queue is read by a thread of the test.
#pragma once

#include "collector.hpp"
#include "gate.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

namespace mycelium::laws {

enum class delivery { payload, message, batch, dedicated, inlined, queue };

class subscriber {
public:
  using hook = std::function<void(const MyceliumMessage*)>;
  using tweak = std::function<void(MyceliumSubscribeOptions&)>;

  subscriber(MyceliumRuntime* rt, std::uint16_t type_id, delivery kind = delivery::message, hook on_message = {},
             const tweak& change = {})
      : rt_(rt), kind_(kind), hook_(std::move(on_message)) {
    auto options = new_options();
    options.user_data = this;
    switch (kind) {
    case delivery::payload:
      options.on_payload = on_payload;
      break;
    case delivery::batch:
      options.on_batch = on_batch;
      break;
    case delivery::queue:
      EXPECT_TRUE(ok(mycelium_queue_open(rt, &queue_)));
      options.queue_id = queue_;
      break;
    case delivery::dedicated:
      options.flags = MYCELIUM_SUBSCRIBE_DEDICATED;
      [[fallthrough]];
    case delivery::message:
      options.on_message = on_single;
      break;
    case delivery::inlined:
      options.flags = MYCELIUM_SUBSCRIBE_INLINE;
      options.on_message = on_single;
      break;
    }
    if (kind != delivery::queue) // there the last delivery tells
      options.on_complete = [](std::uint64_t, void* self) { static_cast<subscriber*>(self)->completed_.fetch_add(1); };
    options.user_data_free = [](void* self) { static_cast<subscriber*>(self)->freed_.add(); };
    if (change)
      change(options);
    subscribed_ = mycelium_subscribe_with_options(rt, type_id, &options, &id_) == MYCELIUM_SUCCESS;
    EXPECT_TRUE(subscribed_) << mycelium_last_error();
    if (kind == delivery::queue) {
      reader_ = std::thread{[this] { read_queue(); }};
      // Once it took a wake it is a receiver: what is published from now on has somebody to go to, also at close.
      EXPECT_TRUE(ok(mycelium_queue_wake(rt_, queue_)));
      EXPECT_TRUE(reading_.wait_for(1));
    }
  }

  ~subscriber() {
    mycelium_unsubscribe(rt_, id_);
    if (kind_ == delivery::queue)
      mycelium_queue_close(rt_, queue_);
    if (reader_.joinable())
      reader_.join();
    // Whoever ended it, the destructor of the user data is the last that the runtime does with it.
    EXPECT_TRUE(!subscribed_ || freed_.wait_for(1));
    EXPECT_EQ(freed_.count(), subscribed_ ? 1u : 0u);
  }
  subscriber(const subscriber&) = delete;
  subscriber& operator=(const subscriber&) = delete;

  std::uint64_t id() const { return id_; }
  std::uint64_t queue_id() const { return queue_; }
  int completed() const { return completed_.load(); }
  bool overlapped() const { return overlapped_.load(); }
  const collector& got() const { return got_; }

private:
  static void on_payload(std::uint16_t type_id, const std::uint8_t* payload, std::size_t len, void* self) {
    const auto* message = mycelium_message_current();
    EXPECT_NE(message, nullptr);
    EXPECT_EQ(type_id, mycelium_message_type_id(message));
    std::size_t same_len = 0;
    EXPECT_EQ(payload, mycelium_message_payload(message, &same_len));
    EXPECT_EQ(len, same_len);
    static_cast<subscriber*>(self)->take({&message, 1});
  }
  static void on_single(const MyceliumMessage* message, void* self) {
    static_cast<subscriber*>(self)->take({&message, 1});
  }
  static void on_batch(const MyceliumMessage* const* messages, std::size_t count, void* self) {
    static_cast<subscriber*>(self)->take({messages, count});
  }

  void take(std::span<const MyceliumMessage* const> messages) {
    if (busy_.exchange(true))
      overlapped_ = true;
    struct done { // also when the hook throws
      std::atomic<bool>& busy;
      ~done() { busy = false; }
    } leave{busy_};
    for (const auto* message : messages) {
      got_.add(message);
      if (hook_)
        hook_(message);
    }
  }

  void read_queue() {
    std::vector<MyceliumDelivery> deliveries(16);
    std::size_t count = 0;
    while (mycelium_queue_receive(rt_, queue_, deliveries.data(), deliveries.size(), MYCELIUM_FOREVER, &count) ==
           MYCELIUM_SUCCESS) {
      reading_.add();
      for (const auto& one : std::span{deliveries}.first(count)) {
        if (one.kind == MYCELIUM_DELIVERY_COMPLETE) {
          completed_.fetch_add(1);
          continue;
        }
        const MyceliumMessage* message = one.message;
        take({&message, 1});
        mycelium_message_release(one.message);
      }
    }
  }

  MyceliumRuntime* rt_;
  delivery kind_;
  hook hook_;
  collector got_;
  std::atomic<bool> busy_{false};
  std::atomic<bool> overlapped_{false};
  std::atomic<int> completed_{0};
  tally freed_;
  tally reading_;
  bool subscribed_ = false;
  std::uint64_t id_ = 0;
  std::uint64_t queue_ = 0;
  std::thread reader_;
};

// A mailbox that nobody empties: a queue subscription whose queue is closed when the test leaves its scope.
class unread {
public:
  explicit unread(MyceliumRuntime* rt, std::uint16_t type_id = apples, const subscriber::tweak& change = {}) : rt_(rt) {
    EXPECT_TRUE(ok(mycelium_queue_open(rt, &queue_)));
    auto options = new_options();
    options.queue_id = queue_;
    if (change)
      change(options);
    EXPECT_TRUE(ok(mycelium_subscribe_with_options(rt, type_id, &options, &id_)));
  }
  unread(MyceliumRuntime* rt, std::uint16_t type_id, int policy, std::uint32_t capacity)
      : unread(rt, type_id, [=](MyceliumSubscribeOptions& options) {
          options.policy = policy;
          options.capacity = capacity;
          options.block_timeout_ns = MYCELIUM_FOREVER;
        }) {}
  ~unread() { mycelium_queue_close(rt_, queue_); }
  unread(const unread&) = delete;
  unread& operator=(const unread&) = delete;

  std::uint64_t id() const { return id_; }
  std::uint64_t queue_id() const { return queue_; }

private:
  MyceliumRuntime* rt_;
  std::uint64_t queue_ = 0;
  std::uint64_t id_ = 0;
};

// A kind of delivery on a number of workers: the parameter of the laws that hold for all.
struct way {
  delivery kind;
  std::uint32_t threads;
};

inline std::string name_of(delivery kind) {
  switch (kind) {
  case delivery::payload:
    return "payload";
  case delivery::message:
    return "pooled";
  case delivery::batch:
    return "batch";
  case delivery::dedicated:
    return "dedicated";
  case delivery::inlined:
    return "inline";
  case delivery::queue:
    return "queue";
  }
  return "unknown";
}

inline std::string name_of_way(const testing::TestParamInfo<way>& info) {
  return name_of(info.param.kind) + "_on_" + std::to_string(info.param.threads);
}

inline std::vector<way> ways_of(std::initializer_list<delivery> kinds) {
  std::vector<way> all;
  for (auto kind : kinds)
    for (auto threads : {1u, 2u})
      all.push_back({kind, threads});
  return all;
}

inline std::vector<way> every_way() {
  return ways_of(
      {delivery::payload, delivery::message, delivery::batch, delivery::dedicated, delivery::inlined, delivery::queue});
}

inline std::vector<way> every_callback_way() {
  return ways_of({delivery::payload, delivery::message, delivery::batch, delivery::dedicated, delivery::inlined});
}

// Callbacks that run on threads of the runtime: the publisher goes on while one waits at a gate.
inline std::vector<way> every_asynchronous_way() {
  return ways_of({delivery::payload, delivery::message, delivery::batch, delivery::dedicated});
}

class law_on_every_way : public testing::TestWithParam<way> {
protected:
  const std::size_t threads_before_ = thread_count_before();
  bus rt_{GetParam().threads};
  delivery kind() const { return GetParam().kind; }
};

} // namespace mycelium::laws
