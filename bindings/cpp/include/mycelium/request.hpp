// The asking side of request and reply: with a handler, or as something to co_await.
#pragma once

#include <mycelium/message.hpp>

#include <atomic>
#include <coroutine>
#include <vector>

namespace mycelium {
inline namespace cpp1 {

inline constexpr duration default_request_timeout = std::chrono::seconds(5);

namespace detail {

inline failure failed_outcome(std::int32_t code) {
  switch (code) {
  case MYCELIUM_ERROR_TIMEOUT:
    return {status::timeout, "no reply came in time"};
  case MYCELIUM_ERROR_NO_REPLY:
    return {status::no_reply, "nobody answered: no subscription of this type exists, or each let the request go; "
                              "start the server first (wait_for_subscribers)"};
  case MYCELIUM_ERROR_CLOSED:
    return {status::closed, "the runtime was closed before a reply came"};
  default:
    return {static_cast<status>(code), "the request ended with " + std::string(mycelium_status_name(code))};
  }
}

template <message_type Reply>
result<Reply> read_reply(const any_message& reply) {
  if (reply.type_id() != Reply::type_id)
    return failure{status::invalid_payload, "the reply is a message of type " + std::to_string(reply.type_id()) +
                                                ", not " + std::to_string(Reply::type_id)};
  return reply.as<Reply>();
}

inline MyceliumRequestOptions request_options(duration timeout, MyceliumReplyHandler on_reply, void* user_data) {
  MyceliumRequestOptions options{};
  options.struct_size = sizeof options;
  options.timeout_ns = std::max<std::int64_t>(timeout.count(), 1); // 0 would be the library's default
  options.on_reply = on_reply;
  options.user_data = user_data;
  return options;
}

} // namespace detail

// A request whose outcome a handler will get. It may be forgotten: the outcome comes all the same.
class pending_request {
public:
  pending_request(MyceliumRuntime* runtime, std::uint64_t id, void* state, void (*drop)(void*)) noexcept
      : runtime_(runtime), id_(id), state_(state), drop_(drop) {}

  std::uint64_t id() const noexcept { return id_; }

  // True if the handler was destroyed and will not run; false if it runs, or has run.
  bool cancel() {
    if (mycelium_request_cancel(runtime_, id_) != MYCELIUM_SUCCESS)
      return false;
    drop_(state_);
    return true;
  }

private:
  MyceliumRuntime* runtime_;
  std::uint64_t id_;
  void* state_;
  void (*drop_)(void*);
};

// A request to co_await, for a result<Reply>. It is sent when it is awaited. Name the question before:
//   const WordCountRequest question{.text = "how many words"};
//   const auto reply = co_await bus.request_async<WordCountReply>(question);
// GCC 12 destroys an aggregate twice that is made inside of a co_await expression.
//
// Threads        The coroutine goes on in a worker of the runtime, where it must not block, and on the awaiting thread
//                if the outcome is there at once. An exception that leaves it is counted and logged by the library.
// Cancellation   Destroying the coroutine while it waits here cancels the request. As with every coroutine, nobody may
//                destroy it while another thread resumes it: end it where it is resumed, or before its deadline can
//                pass and a reply can come.
template <message_type Reply>
class [[nodiscard]] awaitable_request {
public:
  awaitable_request(MyceliumRuntime* runtime, std::uint16_t type_id, result<std::vector<std::uint8_t>> payload,
                    duration timeout)
      : runtime_(runtime), type_id_(type_id), timeout_(timeout), payload_(std::move(payload)) {}
  awaitable_request(awaitable_request&& other) noexcept // before it is awaited
      : runtime_(other.runtime_), type_id_(other.type_id_), timeout_(other.timeout_),
        payload_(std::move(other.payload_)), state_(std::exchange(other.state_, nullptr)) {}
  awaitable_request& operator=(awaitable_request&&) = delete;
  ~awaitable_request() {
    if (state_)
      abandon();
  }

  bool await_ready() const noexcept { return !payload_.has_value(); }

  bool await_suspend(std::coroutine_handle<> waiter) {
    auto* const shared = state_ = new state;
    shared->waiter = waiter;
    const auto options = detail::request_options(timeout_, &state::on_reply, shared);
    const auto code =
        mycelium_request_async(runtime_, type_id_, payload_->data(), payload_->size(), &options, &shared->id);
    if (code < 0) {
      payload_ = detail::last_failure(code);
      delete std::exchange(state_, nullptr);
      return false;
    }
    // Once it is suspended another thread may resume and destroy it: nothing here is touched after that.
    auto expected = phase::sending;
    return shared->now.compare_exchange_strong(expected, phase::suspended, std::memory_order_acq_rel);
  }

  result<Reply> await_resume() {
    if (!payload_)
      return payload_.error();
    if (state_->code != MYCELIUM_SUCCESS)
      return detail::failed_outcome(state_->code);
    return detail::read_reply<Reply>(*state_->reply);
  }

private:
  enum class phase { sending, suspended, done, abandoned };

  // Shared by the coroutine and the library's call of on_reply; the last of them frees it.
  struct state {
    std::atomic<phase> now{phase::sending};
    std::atomic<int> holders{2};
    std::coroutine_handle<> waiter;
    std::uint64_t id = 0;
    std::int32_t code = MYCELIUM_ERROR_INTERNAL;
    owned<any_message> reply;

    static void on_reply(std::uint64_t, std::int32_t code, const MyceliumMessage* reply, void* user_data) {
      auto* self = static_cast<state*>(user_data);
      self->code = code;
      if (code == MYCELIUM_SUCCESS) {
        self->reply = owned<any_message>(mycelium_message_retain(reply));
        if (!self->reply)
          self->code = MYCELIUM_ERROR_INTERNAL;
      }
      const auto waiter = self->waiter;
      const auto before = self->now.exchange(phase::done, std::memory_order_acq_rel);
      self->let_go();
      if (before == phase::suspended)
        waiter.resume();
    }

    void let_go() noexcept {
      if (holders.fetch_sub(1, std::memory_order_acq_rel) == 1)
        delete this;
    }
  };

  void abandon() noexcept {
    if (state_->now.exchange(phase::abandoned, std::memory_order_acq_rel) == phase::suspended &&
        mycelium_request_cancel(runtime_, state_->id) == MYCELIUM_SUCCESS)
      state_->let_go(); // on_reply will not come
    state_->let_go();
  }

  MyceliumRuntime* runtime_;
  std::uint16_t type_id_;
  duration timeout_;
  result<std::vector<std::uint8_t>> payload_;
  state* state_ = nullptr;
};

namespace detail {

// Sends a request whose outcome goes to handler, which is destroyed after that.
template <message_type Reply, class Handler>
result<pending_request> request_with_handler(MyceliumRuntime* runtime, std::uint16_t type_id, bytes payload,
                                             Handler&& handler, duration timeout) {
  using state_type = std::decay_t<Handler>;
  auto state = std::make_unique<state_type>(std::forward<Handler>(handler));
  const auto options = request_options(
      timeout,
      [](std::uint64_t, std::int32_t code, const MyceliumMessage* reply, void* user_data) {
        const std::unique_ptr<state_type> mine(static_cast<state_type*>(user_data));
        if (code == MYCELIUM_SUCCESS)
          std::invoke(*mine, read_reply<Reply>(any_message(reply)));
        else
          std::invoke(*mine, result<Reply>(failed_outcome(code)));
      },
      state.get());
  std::uint64_t id = 0;
  if (const auto code = mycelium_request_async(runtime, type_id, payload.data(), payload.size(), &options, &id);
      code < 0)
    return last_failure(code);
  return pending_request(runtime, id, state.release(),
                         [](void* user_data) { delete static_cast<state_type*>(user_data); });
}

} // namespace detail
} // namespace cpp1
} // namespace mycelium
