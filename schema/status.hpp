// Statuses and results: how every room reports an error as a value. Numbers equal those of ffi/include/mycelium.h
// (checked there); this header exists because nothing may point from here to ffi.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>

namespace mycelium {

enum class status : std::int32_t {
  success = 0,
  deferred = 1,
  null = -1,
  digest = -2,
  runtime = -3,
  subscription = -4,
  topology = -5,
  service_not_found = -6,
  unknown_type = -7,
  too_large = -8,
  invalid_payload = -9,
  full = -10,
  timeout = -11,
  closed = -12,
  invalid_argument = -13,
  forked = -14,
  no_reply = -15,
  unsupported = -16,
  internal = -99,
};

// What went wrong, and in words that say what to do about it.
struct failure {
  status code = status::internal;
  std::string text;
};

// A value or a failure. `result<void>` holds success or a failure.
template <class T>
class [[nodiscard]] result {
public:
  result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  result(failure why) : state_(std::in_place_index<1>, std::move(why)) {}

  explicit operator bool() const noexcept { return state_.index() == 0; }
  T& operator*() & { return std::get<0>(state_); }
  const T& operator*() const& { return std::get<0>(state_); }
  T&& operator*() && { return std::get<0>(std::move(state_)); }
  T* operator->() { return &std::get<0>(state_); }
  const T* operator->() const { return &std::get<0>(state_); }
  const failure& error() const { return std::get<1>(state_); }

private:
  std::variant<T, failure> state_;
};

template <>
class [[nodiscard]] result<void> {
public:
  result() = default;
  result(failure why) : failed_(true), why_(std::move(why)) {}

  explicit operator bool() const noexcept { return !failed_; }
  const failure& error() const { return why_; }

private:
  bool failed_ = false;
  failure why_;
};

} // namespace mycelium
