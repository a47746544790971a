// Subscriptions, and the callables that they run.
//
// Threads     A callable runs as the subscription's placement says, with no lock held and never twice at once for one
//             subscription, so it needs no lock for what only it uses. It may call everything in these headers.
// Ownership   The callable is moved into the subscription and destroyed once, after its last run. What it refers to has
//             to live until unsubscribe() has returned, or until the runtime has ended.
// Errors      An exception that leaves a callable ends this one call: the library catches it, counts it
//             (callback_errors) and logs its what(). A payload that is no T is such an exception, bad_result.
#pragma once

#include <mycelium/message.hpp>

#include <concepts>
#include <functional>
#include <memory>

namespace mycelium {
inline namespace cpp1 {

// The end of a subscription. Destroying it unsubscribes, so declare it after what its callable refers to. It may
// outlive the runtime. Movable; not to be used from two threads at once.
class subscription {
public:
  subscription() noexcept = default; // none
  subscription(MyceliumRuntime* runtime, std::uint64_t id) noexcept : runtime_(runtime), id_(id) {}
  subscription(subscription&& other) noexcept
      : runtime_(other.runtime_), id_(std::exchange(other.id_, std::uint64_t{0})) {}
  subscription& operator=(subscription&& other) noexcept {
    if (this != &other) {
      end();
      runtime_ = other.runtime_;
      id_ = std::exchange(other.id_, std::uint64_t{0});
    }
    return *this;
  }
  ~subscription() { end(); }

  explicit operator bool() const noexcept { return id_ != 0; }
  std::uint64_t id() const noexcept { return id_; } // 0: none

  // Ends it. After status::success the callable neither runs nor will run, and is destroyed. Waits for a running one:
  // blocks, except in the callable itself, where it is status::deferred and completes when that returns. Ending what
  // has ended, with its runtime or before, is success.
  result<status> unsubscribe() {
    const auto code = end();
    if (code >= 0)
      return static_cast<status>(code);
    if (code == MYCELIUM_ERROR_CLOSED || code == MYCELIUM_ERROR_SUBSCRIPTION)
      return status::success;
    return detail::last_failure(code);
  }

  // Lets it last as long as the runtime; returns its id.
  std::uint64_t detach() noexcept { return std::exchange(id_, std::uint64_t{0}); }

  result<subscription_stats> stats() const {
    subscription_stats filled{};
    filled.struct_size = sizeof filled;
    if (const auto code = mycelium_subscription_stats(runtime_, id_, &filled); code < 0)
      return detail::last_failure(code);
    return filled;
  }

private:
  std::int32_t end() noexcept {
    const auto id = std::exchange(id_, std::uint64_t{0});
    return id == 0 ? MYCELIUM_SUCCESS : mycelium_unsubscribe(runtime_, id);
  }

  MyceliumRuntime* runtime_ = nullptr;
  std::uint64_t id_ = 0;
};

// An open request: answered once, from any thread, now or later. Destroyed unanswered, its requester gets
// status::no_reply unless another server answers. Movable.
template <message_type Request>
class responder {
public:
  responder(MyceliumRuntime* runtime, owned<message<Request>> request) noexcept
      : runtime_(runtime), request_(std::move(request)) {}

  const message<Request>& request() const noexcept { return *request_; }
  result<Request> decode() const { return request_->decode(); }

  // status::subscription if it was answered before, or its sender no longer waits.
  template <message_type Reply>
  result<void> reply(const Reply& answer) {
    return detail::with_encoded(answer, [&](bytes payload) -> result<void> {
      return detail::checked(
          mycelium_reply(runtime_, request_->handle(), Reply::type_id, payload.data(), payload.size()));
    });
  }

private:
  MyceliumRuntime* runtime_;
  owned<message<Request>> request_;
};

namespace detail {

// What a subscription's user_data points to. The library frees it through user_data_free.
struct event_handlers {
  std::function<void(const drop_event&)> on_drop;
  std::function<void()> on_complete;
};

template <class Callable>
struct callback_state : event_handlers {
  template <class Given>
  callback_state(Given&& given, event_handlers events)
      : event_handlers(std::move(events)), callable(std::forward<Given>(given)) {}

  static Callable& of(void* user_data) noexcept { return static_cast<callback_state*>(user_data)->callable; }

  Callable callable;
};

template <class State>
void set_user_data(MyceliumSubscribeOptions& options, State* state) noexcept {
  options.user_data = state;
  options.user_data_free = [](void* user_data) { delete static_cast<State*>(user_data); };
  if (state->on_drop)
    options.on_drop = [](const MyceliumDropEvent* event, void* user_data) {
      static_cast<State*>(user_data)->on_drop({.subscription_id = event->subscription_id,
                                               .dropped = event->dropped,
                                               .reason = static_cast<drop_reason>(event->reason),
                                               .recovered = event->recovered != 0});
    };
  if (state->on_complete)
    options.on_complete = [](std::uint64_t, void* user_data) { static_cast<State*>(user_data)->on_complete(); };
}

template <class>
inline constexpr bool never = false;

// A callable for payloads of a type without generated code.
template <class Callable>
void receive_any(MyceliumSubscribeOptions& options) noexcept {
  using state = callback_state<Callable>;
  if constexpr (std::invocable<Callable&, bytes>)
    options.on_payload = [](std::uint16_t, const std::uint8_t* payload, std::size_t size, void* user_data) {
      std::invoke(state::of(user_data), bytes(payload, size));
    };
  else if constexpr (std::invocable<Callable&, const any_message&>)
    options.on_message = [](const MyceliumMessage* each, void* user_data) {
      const any_message view(each);
      std::invoke(state::of(user_data), view);
    };
  else if constexpr (std::invocable<Callable&, const batch<any_message>&>)
    options.on_batch = [](const MyceliumMessage* const* first, std::size_t count, void* user_data) {
      std::invoke(state::of(user_data), batch<any_message>(first, count));
    };
  else
    static_assert(never<Callable>, "the callable takes bytes, const any_message& or const batch<any_message>&");
}

// A callable for messages of type T.
template <message_type T, class Callable>
void receive_typed(MyceliumSubscribeOptions& options) noexcept {
  using state = callback_state<Callable>;
  if constexpr (std::invocable<Callable&, T>)
    options.on_payload = [](std::uint16_t, const std::uint8_t* payload, std::size_t size, void* user_data) {
      auto value = T::decode(bytes(payload, size));
      if (!value) [[unlikely]]
        throw bad_result(not_a<T>(bytes(payload, size)));
      std::invoke(state::of(user_data), *std::move(value));
    };
  else if constexpr (std::invocable<Callable&, const message<T>&>)
    options.on_message = [](const MyceliumMessage* each, void* user_data) {
      const message<T> view(each);
      std::invoke(state::of(user_data), view);
    };
  else if constexpr (std::invocable<Callable&, const batch<message<T>>&>)
    options.on_batch = [](const MyceliumMessage* const* first, std::size_t count, void* user_data) {
      std::invoke(state::of(user_data), batch<message<T>>(first, count));
    };
  else
    static_assert(never<Callable>, "the callable takes T, const message<T>& or const batch<message<T>>&");
}

template <class Value>
struct reply_of {
  using type = Value;
};
template <class Value>
struct reply_of<std::optional<Value>> {
  using type = Value;
};
template <class Value>
struct reply_of<result<Value>> {
  using type = Value;
};

// A server: the handler and where its answers go.
template <message_type Request, class Handler>
struct server {
  MyceliumRuntime* runtime;
  Handler handler;

  void operator()(const message<Request>& request) {
    if (!request.is_request())
      return; // published, not asked
    if constexpr (std::invocable<Handler&, Request>)
      answer(request, std::invoke(handler, request.decode().value()));
    else if constexpr (std::invocable<Handler&, responder<Request>>)
      std::invoke(handler, responder<Request>(runtime, request.retain().value()));
    else
      static_assert(never<Handler>, "the handler takes Request and returns its reply, or takes responder<Request>");
  }

private:
  template <class Answer>
  void answer(const message<Request>& request, Answer&& given) {
    using reply = typename reply_of<std::remove_cvref_t<Answer>>::type;
    if constexpr (message_type<std::remove_cvref_t<Answer>>) {
      const auto sent = with_encoded(given, [&](bytes payload) -> result<void> {
        return checked(mycelium_reply(runtime, request.handle(), reply::type_id, payload.data(), payload.size()));
      });
      if (!sent && sent.code() != status::subscription) // it gave up waiting: its business
        sent.value();
    } else {
      if (given.has_value())
        answer(request, *std::forward<Answer>(given));
      else if constexpr (requires { given.error(); })
        throw bad_result(given.error());
    }
  }
};

// Makes set(options) choose the receiver, and subscribes. The state is the library's once the call has succeeded.
template <class Callable, class Set>
result<subscription> subscribe(MyceliumRuntime* runtime, std::uint16_t type_id, Callable&& callable,
                               subscribe_options options, Set set) {
  using state_type = callback_state<std::decay_t<Callable>>;
  auto state = std::make_unique<state_type>(std::forward<Callable>(callable),
                                            event_handlers{std::move(options.on_drop), std::move(options.on_complete)});
  auto given = to_c(options);
  set(given);
  set_user_data(given, state.get());
  std::uint64_t id = 0;
  if (const auto code = mycelium_subscribe_with_options(runtime, type_id, &given, &id); code < 0)
    return last_failure(code);
  static_cast<void>(state.release());
  return subscription(runtime, id);
}

} // namespace detail
} // namespace cpp1
} // namespace mycelium
