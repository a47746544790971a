// The bus: runtime, which owns one, and runtime_ref, which uses one that somebody else owns.
#pragma once

#include <mycelium/bridge.hpp>
#include <mycelium/loan.hpp>
#include <mycelium/queue.hpp>
#include <mycelium/request.hpp>
#include <mycelium/subscription.hpp>

#include <array>
#include <vector>

namespace mycelium {
inline namespace cpp1 {

using digest = std::array<std::uint8_t, MYCELIUM_DIGEST_SIZE>;

struct payload {
  std::uint16_t type_id = 0;
  bytes content;
};

// How many of a batch were published, and why the others were not.
struct batch_outcome {
  std::size_t accepted = 0;
  result<void> outcome;

  explicit operator bool() const noexcept { return outcome.has_value(); }
};

namespace detail {

// Text from a function that fills a buffer and tells how much there is.
template <class Fill>
result<std::string> text_from(Fill fill) {
  std::string text(1024, '\0');
  for (;;) {
    std::size_t size = 0;
    if (const auto code = fill(text.data(), text.size(), &size); code < 0)
      return last_failure(code);
    const bool complete = size < text.size();
    text.resize(complete ? size : size + 1);
    if (complete)
      return text;
  }
}

} // namespace detail

// A bus that lives elsewhere: in a runtime, or in the host that gave a plug-in its handle. Copy it freely; every
// function may be called from any thread. After the runtime has ended all of them return status::closed, and
// status::forked in a child of fork.
class runtime_ref {
public:
  runtime_ref(MyceliumRuntime* handle) noexcept : handle_(handle) {}

  // For calls of mycelium.h and for plug-ins in any language.
  MyceliumRuntime* handle() const noexcept { return handle_; }

  // ---- publish -----------------------------------------------------------------------------------------------------

  // Delivers value to every subscription of its type; none is no error. Encoded once, copied once. May block: see
  // policy. status::full and status::timeout: at least one subscription did not get it, the others did. Any other
  // failure: nobody got it.
  template <message_type T>
  result<void> publish(const T& value) const {
    return detail::with_encoded(value, [this](bytes encoded) { return publish(T::type_id, encoded); });
  }
  template <message_type T>
  result<void> publish(const T& value, const headers& with) const {
    return detail::with_encoded(value, [&](bytes encoded) { return publish(T::type_id, encoded, with); });
  }
  result<void> publish(std::uint16_t type_id, bytes content) const {
    return detail::checked(mycelium_publish(handle_, type_id, content.data(), content.size()));
  }
  result<void> publish(std::uint16_t type_id, bytes content, const headers& with) const {
    const auto given = detail::to_c(type_id, with);
    return detail::checked(mycelium_publish_envelope(handle_, &given, content.data(), content.size()));
  }

  // Publishes all in order, with one wake-up per subscription.
  template <message_type T>
  batch_outcome publish_batch(std::span<const T> values) const {
    std::vector<std::uint8_t> encoded;
    std::vector<std::size_t> ends;
    for (const auto& each : values) {
      auto added = detail::with_encoded(each, [&](bytes content) -> result<void> {
        encoded.insert(encoded.end(), content.begin(), content.end());
        ends.push_back(encoded.size());
        return {};
      });
      if (!added)
        return {0, std::move(added)};
    }
    std::vector<payload> payloads;
    std::size_t begin = 0;
    for (const auto end : ends) {
      payloads.push_back({T::type_id, bytes(encoded).subspan(begin, end - begin)});
      begin = end;
    }
    return publish_batch(payloads);
  }
  batch_outcome publish_batch(std::span<const payload> payloads) const {
    std::vector<MyceliumPayload> given;
    given.reserve(payloads.size());
    for (const auto& each : payloads)
      given.push_back({each.type_id, each.content.data(), each.content.size()});
    batch_outcome done;
    done.outcome = detail::checked(mycelium_publish_batch(handle_, given.data(), given.size(), &done.accepted));
    return done;
  }

  // Memory to build a payload in.
  result<loan> borrow(std::size_t capacity) const {
    MyceliumLoan* lent = nullptr;
    std::uint8_t* memory = nullptr;
    if (const auto code = mycelium_loan(handle_, capacity, &lent, &memory); code < 0)
      return detail::last_failure(code);
    return loan(handle_, lent, {memory, capacity});
  }

  // ---- subscribe ---------------------------------------------------------------------------------------------------

  // Runs callable for every T. It takes T (decoded; also const T&, T&&), or const message<T>& for its envelope, its
  // bytes or to keep it, or const batch<message<T>>& for all that waits at once. subscription.hpp tells of threads,
  // ownership and exceptions.
  template <message_type T, class Callable>
  result<subscription> subscribe(Callable&& callable, subscribe_options options = {}) const {
    return detail::subscribe(handle_, T::type_id, std::forward<Callable>(callable), std::move(options),
                             detail::receive_typed<T, std::decay_t<Callable>>);
  }
  // The same for a type without generated code; callable takes bytes, const any_message& or const batch<any_message>&.
  template <class Callable>
  result<subscription> subscribe(std::uint16_t type_id, Callable&& callable, subscribe_options options = {}) const {
    return detail::subscribe(handle_, type_id, std::forward<Callable>(callable), std::move(options),
                             detail::receive_any<std::decay_t<Callable>>);
  }

  // Answers requests. handler takes a Request and returns its reply, or a std::optional or result of one: without a
  // value the request goes unanswered. Or it takes responder<Request>, to answer later from any thread. Messages that
  // are no requests are ignored. An exception leaves the request unanswered, is counted and logged.
  template <message_type Request, class Handler>
  result<subscription> serve(Handler&& handler, subscribe_options options = {}) const {
    using server = detail::server<Request, std::decay_t<Handler>>;
    return subscribe<Request>(server{handle_, std::forward<Handler>(handler)}, std::move(options));
  }

  result<queue> open_queue() const {
    std::uint64_t id = 0;
    if (const auto code = mycelium_queue_open(handle_, &id); code < 0)
      return detail::last_failure(code);
    return queue(handle_, id);
  }

  template <message_type T>
  result<stream<T>> open_stream(subscribe_options options = {}) const {
    auto from = open_queue();
    if (!from)
      return from.error();
    auto through = from->subscribe<T>(std::move(options));
    if (!through)
      return through.error();
    return stream<T>(*std::move(from), *std::move(through));
  }

  // Keeps the last depth messages for subscriptions that ask for history; 0 forgets them.
  result<void> keep_history(std::uint16_t type_id, std::uint32_t depth) const {
    return detail::checked(mycelium_keep_history(handle_, type_id, depth));
  }
  // Waits until count subscriptions of the type exist. Blocks; status::unsupported on a worker unless they exist
  // already.
  result<void> wait_for_subscribers(std::uint16_t type_id, std::size_t count, duration timeout) const {
    return detail::checked(mycelium_wait_for_subscribers(handle_, type_id, count, timeout.count()));
  }

  // ---- request -----------------------------------------------------------------------------------------------------

  // Asks and waits for the first reply. status::no_reply at once if nobody serves it, status::timeout, or publish's.
  // Blocks; status::unsupported on a worker thread: use request_async there.
  template <message_type Reply, message_type Request>
  result<Reply> request(const Request& question, duration timeout = default_request_timeout) const {
    return detail::with_encoded(question, [&](bytes content) -> result<Reply> {
      auto reply = request(Request::type_id, content, timeout);
      if (!reply)
        return reply.error();
      return detail::read_reply<Reply>(**reply);
    });
  }
  result<owned<any_message>> request(std::uint16_t type_id, bytes content,
                                     duration timeout = default_request_timeout) const {
    MyceliumMessage* reply = nullptr;
    if (const auto code = mycelium_request(handle_, type_id, content.data(), content.size(), timeout.count(), &reply);
        code < 0)
      return detail::last_failure(code);
    return owned<any_message>(reply);
  }

  // Asks and goes on. handler takes the result<Reply>, once, on a worker thread, and is destroyed after that.
  template <message_type Reply, message_type Request, std::invocable<result<Reply>> Handler>
  result<pending_request> request_async(const Request& question, Handler&& handler,
                                        duration timeout = default_request_timeout) const {
    return detail::with_encoded(question, [&](bytes content) -> result<pending_request> {
      return detail::request_with_handler<Reply>(handle_, Request::type_id, content, std::forward<Handler>(handler),
                                                 timeout);
    });
  }
  // The same for coroutines: result<Reply> reply = co_await bus.request_async<Reply>(question);
  template <message_type Reply, message_type Request>
  awaitable_request<Reply> request_async(const Request& question, duration timeout = default_request_timeout) const {
    using encoded = std::vector<std::uint8_t>;
    return {handle_, Request::type_id,
            detail::with_encoded(
                question, [](bytes content) -> result<encoded> { return encoded(content.begin(), content.end()); }),
            timeout};
  }

  // ---- schemas -----------------------------------------------------------------------------------------------------

  // status::digest unless it is that of the built-in schema set or of a registered one.
  result<void> verify_digest(bytes of_schema) const {
    return detail::checked(mycelium_verify_schema_digest(handle_, of_schema.data(), of_schema.size()));
  }
  // Adds the types of a .bfbs; the digest of the set.
  result<digest> register_schema(bytes bfbs) const {
    digest of_set{};
    if (const auto code = mycelium_register_schema(handle_, bfbs.data(), bfbs.size(), of_set.data()); code < 0)
      return detail::last_failure(code);
    return of_set;
  }
  result<digest> type_digest(std::uint16_t type_id) const {
    digest of_type{};
    if (const auto code = mycelium_type_digest(handle_, type_id, of_type.data()); code < 0)
      return detail::last_failure(code);
    return of_type;
  }
  result<void> verify_payload(std::uint16_t type_id, bytes content) const {
    return detail::checked(mycelium_verify_payload(handle_, type_id, content.data(), content.size()));
  }

  // ---- other processes ---------------------------------------------------------------------------------------------

  // Gives the runtime a bridge, without an address yet; needed for options only, as listen and dial open one with the
  // defaults. status::invalid_argument if it has one. None of these calls may be made in a callback:
  // status::unsupported.
  result<void> bridge_open(const bridge_options& options = {}) const {
    const auto given = detail::to_c(options);
    return detail::checked(mycelium_bridge_open(handle_, &given));
  }
  // Listens at "unix:PATH", "tcp:HOST:PORT", "tcp:[IPV6]:PORT" or "tls:HOST:PORT"; the address as it came to be: port 0
  // lets the system choose one.
  result<std::string> bridge_listen(const std::string& address) const {
    // It is not asked twice: the second time something would listen there.
    std::string bound(4096, '\0');
    std::size_t size = 0;
    if (const auto code = mycelium_bridge_listen(handle_, address.c_str(), bound.data(), bound.size(), &size); code < 0)
      return detail::last_failure(code);
    bound.resize(std::min(size, bound.size() - 1));
    return bound;
  }
  // Links with whoever listens at the address, now or later, and again after the link is cut. Does not wait for it.
  result<void> bridge_dial(const std::string& address) const {
    return detail::checked(mycelium_bridge_dial(handle_, address.c_str()));
  }
  // Waits until at least count neighbours are linked. To know that a subscriber elsewhere can be reached, use
  // wait_for_subscribers. Blocks.
  result<void> bridge_wait_for_links(std::size_t count, duration timeout) const {
    return detail::checked(mycelium_bridge_wait_for_links(handle_, count, timeout.count()));
  }
  // Reads the files of the options again; a link that would not come up with them is ended. If anything is wrong with a
  // file, all stays as it was: status::invalid_argument.
  result<void> bridge_reload() const { return detail::checked(mycelium_bridge_reload(handle_)); }
  // status::invalid_argument without a bridge.
  result<mycelium::bridge_stats> bridge_stats() const {
    mycelium::bridge_stats filled{};
    filled.struct_size = sizeof filled;
    if (const auto code = mycelium_bridge_stats(handle_, &filled); code < 0)
      return detail::last_failure(code);
    return filled;
  }
  // The same, and each neighbour, as a JSON object.
  result<std::string> bridge_json() const {
    return detail::text_from(
        [this](char* to, std::size_t cap, std::size_t* size) { return mycelium_bridge_json(handle_, to, cap, size); });
  }

  // ---- state and end -----------------------------------------------------------------------------------------------

  result<runtime_stats> stats() const {
    runtime_stats filled{};
    filled.struct_size = sizeof filled;
    if (const auto code = mycelium_runtime_stats(handle_, &filled); code < 0)
      return detail::last_failure(code);
    return filled;
  }
  // The counters as OpenMetrics text.
  result<std::string> metrics_text() const {
    return detail::text_from(
        [this](char* to, std::size_t cap, std::size_t* size) { return mycelium_metrics_text(handle_, to, cap, size); });
  }

  // Waits until what was accepted before the call was delivered or dropped. Blocks; status::unsupported in a callback.
  result<void> flush(duration timeout = forever) const {
    return detail::checked(mycelium_flush(handle_, timeout.count()));
  }
  // Stops accepting, delivers what was accepted until timeout, ends every subscription, request and thread.
  // status::timeout names a callback that still runs; call again. Blocks; status::unsupported in a callback.
  result<void> close(duration timeout) const {
    return detail::checked(mycelium_runtime_close(handle_, timeout.count()));
  }

protected:
  MyceliumRuntime* handle_;
};

// Owns a bus. Destroying it delivers what was accepted (for at most close_timeout), runs what is still to run, and
// joins its threads: it blocks, except in a callback of the same runtime, where a thread of its own does the work.
// Subscriptions, queues and messages may outlive it. Movable.
class runtime : public runtime_ref {
public:
  // Starts the threads of a new bus. status::unsupported if the library is of another major ABI than these headers.
  static result<runtime> create(runtime_options options = {}) {
    if (mycelium_abi_version() >> 16 != MYCELIUM_ABI_MAJOR)
      return failure{status::unsupported, "the loaded libmycelium_ffi is " + std::string(mycelium_version()) +
                                              ", of another major ABI version than the headers: install the same"};
    auto config = detail::to_c(options);
    std::unique_ptr<log_function> log;
    if (options.log) {
      log = std::make_unique<log_function>(std::move(options.log));
      config.log_user_data = log.get();
      config.log = [](MyceliumLogLevel level, const char* text, void* user_data) {
        (*static_cast<log_function*>(user_data))(static_cast<log_level>(level), text);
      };
    }
    return made(mycelium_runtime_create_with_config(&config), std::move(log));
  }
  // For a service of a topology file. status::topology names line and key; status::service_not_found.
  static result<runtime> create_from_topology(const std::string& path, const std::string& service) {
    return made(mycelium_runtime_create_from_topology(path.c_str(), service.c_str()), nullptr);
  }

  runtime(runtime&& other) noexcept : runtime_ref(std::exchange(other.handle_, nullptr)), log_(std::move(other.log_)) {}
  runtime& operator=(runtime&& other) noexcept {
    std::swap(handle_, other.handle_);
    std::swap(log_, other.log_);
    return *this;
  }
  ~runtime() {
    if (handle_ == nullptr)
      return;
    // A failure of this thread that destroy cannot leave, so that one of its own can be told from an older one.
    mycelium_message_envelope(nullptr, nullptr);
    mycelium_runtime_destroy(handle_);
    const auto outcome = mycelium_last_status();
    if (outcome == MYCELIUM_ERROR_UNSUPPORTED) // in a callback of its own
      mycelium_runtime_destroy_later(handle_);
    if (outcome == MYCELIUM_ERROR_UNSUPPORTED || outcome == MYCELIUM_ERROR_RUNTIME)
      static_cast<void>(log_.release()); // its threads live on, and may log
  }

private:
  using log_function = std::function<void(log_level, std::string_view)>;

  runtime(MyceliumRuntime* handle, std::unique_ptr<log_function> log) noexcept
      : runtime_ref(handle), log_(std::move(log)) {}

  static result<runtime> made(MyceliumRuntime* handle, std::unique_ptr<log_function> log) {
    if (handle == nullptr)
      return detail::last_failure(mycelium_last_status());
    return runtime(handle, std::move(log));
  }

  std::unique_ptr<log_function> log_;
};

// ---- the library ----

// "1.0.0"; static storage.
inline std::string_view version() noexcept { return mycelium_version(); }
// Everything that a bug report needs, as a JSON object.
inline result<std::string> info_json() { return detail::text_from(mycelium_info_json); }
// Of the schema set that is built in.
inline digest built_in_digest() {
  digest of_set{};
  mycelium_schema_digest(of_set.data());
  return of_set;
}

} // namespace cpp1
} // namespace mycelium
