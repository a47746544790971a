// Requests that wait for their reply. A pending_request is settled exactly once: by a reply, by the last server letting
// go of the message, by its deadline, by a cancel or by the runtime's close. Who waits is a thread, a callback (run by
// the requests actor) or a queue.
#pragma once

#include "actors/runtime/deadline.hpp"
#include "actors/runtime/futex.hpp"
#include "actors/runtime/message.hpp"
#include "actors/runtime/queue.hpp"
#include "schema/status.hpp"

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <unordered_map>

struct MyceliumMessage;

namespace mycelium::runtime {

class request_table;

using reply_handler = void (*)(std::uint64_t request_id, std::int32_t status, const ::MyceliumMessage* reply,
                               void* user_data);

// Where an outcome goes; neither handler nor queue: a thread waits for it.
struct reply_target {
  reply_handler handler = nullptr;
  counted_ptr<delivery_queue> queue;
  void* user_data = nullptr;
};

class pending_request {
public:
  pending_request(std::shared_ptr<request_table> table, std::uint64_t id, reply_target target)
      : table_(std::move(table)), id_(id), target_(std::move(target)) {}

  std::uint64_t id() const noexcept { return id_; }
  const reply_target& target() const noexcept { return target_; }
  bool settled() const noexcept { return settled_.load(std::memory_order_acquire); }
  // False if it was settled before; the reply is dropped then. The caller holds a reference.
  bool settle(status outcome, message_ptr reply);
  // The last message that carried it is gone: no_reply. While it is being sent, that has to wait: publish may yet say
  // why.
  void abandon() noexcept;
  void begin_sending() noexcept { sending_.store(true, std::memory_order_seq_cst); }
  void end_sending() noexcept;
  // Settles it with no outcome at all; false if it was settled before.
  bool cancel();
  void run_handler(const message* reply) noexcept;
  // For the thread that waits: false if the deadline came first.
  bool wait(const deadline& until);
  // Once settled: status and reply, to be taken by whom they are for.
  status outcome() const noexcept { return outcome_; }
  message_ptr take_reply() noexcept { return std::move(reply_); }

  void mark_carried() noexcept { abandoned_.store(false, std::memory_order_seq_cst); }

  void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1)
      delete this;
  }

private:
  ~pending_request() = default;

  std::atomic<std::uint32_t> references_{1};
  std::atomic<bool> settled_{false};
  std::atomic<bool> sending_{false};
  std::atomic<bool> abandoned_{true}; // until a message carries it
  std::atomic<bool> ready_{false};    // outcome_ and reply_ are written
  waiting_room waiting_;
  status outcome_ = status::internal;
  message_ptr reply_;
  std::shared_ptr<request_table> table_;
  std::uint64_t id_;
  reply_target target_;
};

struct pending_release {
  void operator()(pending_request* p) const noexcept { p->release(); }
};
using pending_ptr = std::unique_ptr<pending_request, pending_release>;

// The requests of one runtime. Outlives it while a server still holds a request.
class request_table : public std::enable_shared_from_this<request_table> {
public:
  static constexpr std::size_t max_pending = 65536;

  // owner: what callback_scope calls the runtime; threw: an exception left a reply handler.
  request_table(const void* owner, std::function<void()> threw) : owner_(owner), threw_(std::move(threw)) {}

  // wake: outcomes wait for deliver_outcomes(); arm: expire_overdue() is due in so many nanoseconds.
  void connect(std::function<void()> wake, std::function<void(std::int64_t)> arm);

  // full, closed. The table keeps one reference until the request is settled and delivered; timeout_ns `forever`: none.
  result<pending_ptr> open(reply_target target, std::int64_t timeout_ns);
  // Forgets an unsettled request; false if there is none.
  bool cancel(std::uint64_t id);
  std::size_t size() const;

  // Run by the requests actor.
  void deliver_outcomes();
  // Settles what is overdue; returns nanoseconds until the next deadline, or 0 if there is none.
  std::int64_t expire_overdue();

  // Settles everything with `closed` and refuses new requests.
  void close();
  // True once every outcome has been delivered.
  bool wait_until_delivered(const deadline& until);
  void disconnect();

private:
  friend class pending_request;
  struct entry {
    pending_request* request; // counted
    std::int64_t due;
  };
  void on_settled(pending_request& request);
  void forget(pending_request& request);
  const void* owner() const noexcept { return owner_; }
  void handler_threw() const { threw_(); }
  pending_ptr remove_locked(std::uint64_t id);
  void delivered_one() noexcept;

  const void* owner_;
  std::function<void()> threw_;
  mutable std::mutex mutex_;
  std::unordered_map<std::uint64_t, entry> open_; // not yet settled
  std::set<std::pair<std::int64_t, std::uint64_t>> due_;
  std::deque<pending_ptr> outcomes_; // settled, for the actor
  std::atomic<std::size_t> undelivered_{0};
  waiting_room delivered_;
  std::function<void()> wake_;
  std::function<void(std::int64_t)> arm_;
  std::int64_t armed_for_ = forever;
  bool closed_ = false;
};

} // namespace mycelium::runtime
