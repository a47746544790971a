// What calls return: a status, a failure with words, or a result that holds one of value and failure.
// Values; distinct objects may be used from distinct threads.
#pragma once

#include <mycelium.h>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

// The inline name space keeps these names apart from any other version of these headers in one program.
namespace mycelium {
inline namespace cpp1 {

enum class status : std::int32_t {
  success = MYCELIUM_SUCCESS,
  deferred = MYCELIUM_DEFERRED, // accepted; completes after the running callback returns
  null = MYCELIUM_ERROR_NULL,
  digest = MYCELIUM_ERROR_DIGEST,
  runtime = MYCELIUM_ERROR_RUNTIME,
  subscription = MYCELIUM_ERROR_SUBSCRIPTION,
  topology = MYCELIUM_ERROR_TOPOLOGY,
  service_not_found = MYCELIUM_ERROR_SERVICE_NOT_FOUND,
  unknown_type = MYCELIUM_ERROR_UNKNOWN_TYPE,
  too_large = MYCELIUM_ERROR_TOO_LARGE,
  invalid_payload = MYCELIUM_ERROR_INVALID_PAYLOAD,
  full = MYCELIUM_ERROR_FULL,
  timeout = MYCELIUM_ERROR_TIMEOUT,
  closed = MYCELIUM_ERROR_CLOSED,
  invalid_argument = MYCELIUM_ERROR_INVALID_ARGUMENT,
  forked = MYCELIUM_ERROR_FORKED,
  no_reply = MYCELIUM_ERROR_NO_REPLY,
  unsupported = MYCELIUM_ERROR_UNSUPPORTED,
  internal = MYCELIUM_ERROR_INTERNAL,
};

// "MYCELIUM_ERROR_FULL"; static storage.
inline std::string_view name_of(status code) noexcept { return mycelium_status_name(static_cast<std::int32_t>(code)); }

// What went wrong, and in words that say what to do about it.
struct failure {
  status code = status::internal;
  std::string text;
};

// What result::value() throws when there is none, and what the library logs when it leaves a callback.
class bad_result : public std::runtime_error {
public:
  explicit bad_result(failure why)
      : std::runtime_error(std::string(name_of(why.code)) + ": " + why.text), code_(why.code) {}

  status code() const noexcept { return code_; }

private:
  status code_;
};

// A value or a failure; like std::expected<T, failure> of C++23, which has the same names. No call of these headers
// throws its error; value() does so on demand, for programs that prefer exceptions:
//   if (auto bus = runtime::create()) ... else report(bus.error().text);
//   auto bus = runtime::create().value();
template <class T>
class [[nodiscard]] result {
public:
  using value_type = T;

  result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  result(failure why) : state_(std::in_place_index<1>, std::move(why)) {}

  bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  // Only if there is a value.
  T& operator*() & noexcept { return *std::get_if<0>(&state_); }
  const T& operator*() const& noexcept { return *std::get_if<0>(&state_); }
  T&& operator*() && noexcept { return std::move(*std::get_if<0>(&state_)); }
  T* operator->() noexcept { return std::get_if<0>(&state_); }
  const T* operator->() const noexcept { return std::get_if<0>(&state_); }

  // Throws bad_result if there is none.
  T& value() & { return demand(), **this; }
  const T& value() const& { return demand(), **this; }
  T&& value() && { return demand(), *std::move(*this); }
  template <class Other>
  T value_or(Other&& other) && {
    return has_value() ? *std::move(*this) : static_cast<T>(std::forward<Other>(other));
  }

  // Only if there is no value.
  const failure& error() const noexcept { return *std::get_if<1>(&state_); }
  // status::success if there is a value.
  status code() const noexcept { return has_value() ? status::success : error().code; }

private:
  void demand() const {
    if (!has_value())
      throw bad_result(error());
  }

  std::variant<T, failure> state_;
};

// Success or a failure. Success is a null pointer: a publish costs no more than in C.
template <>
class [[nodiscard]] result<void> {
public:
  using value_type = void;

  result() noexcept = default;
  result(failure why) : why_(std::make_unique<failure>(std::move(why))) {}

  bool has_value() const noexcept { return why_ == nullptr; }
  explicit operator bool() const noexcept { return has_value(); }
  // Throws bad_result on failure.
  void value() const {
    if (why_)
      throw bad_result(*why_);
  }
  // Only after a failure.
  const failure& error() const noexcept { return *why_; }
  status code() const noexcept { return why_ ? why_->code : status::success; }

private:
  std::unique_ptr<failure> why_;
};

namespace detail {

// The failure of the C call that has just returned code on this thread.
[[gnu::cold]] [[gnu::noinline]] inline failure last_failure(std::int32_t code) {
  return {static_cast<status>(code), mycelium_last_error()};
}

inline result<void> checked(std::int32_t code) {
  if (code < 0) [[unlikely]]
    return last_failure(code);
  return {};
}

} // namespace detail
} // namespace cpp1
} // namespace mycelium
