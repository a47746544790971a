// Memory of the runtime to build a payload in, published without a copy.
#pragma once

#include <mycelium/message.hpp>

namespace mycelium {
inline namespace cpp1 {

// Movable; may be filled on any thread, by one at a time. Destroyed unpublished, it is given back.
class loan {
public:
  loan(MyceliumRuntime* runtime, MyceliumLoan* handle, std::span<std::uint8_t> memory) noexcept
      : runtime_(runtime), handle_(handle), memory_(memory) {}
  loan(loan&& other) noexcept
      : runtime_(other.runtime_), handle_(std::exchange(other.handle_, nullptr)),
        memory_(std::exchange(other.memory_, std::span<std::uint8_t>())) {}
  loan& operator=(loan&& other) noexcept {
    std::swap(runtime_, other.runtime_);
    std::swap(handle_, other.handle_);
    std::swap(memory_, other.memory_);
    return *this;
  }
  ~loan() { mycelium_loan_discard(handle_); }

  // 16-byte aligned, of the capacity that was asked for; empty once it was published.
  std::span<std::uint8_t> memory() const noexcept { return memory_; }
  explicit operator bool() const noexcept { return handle_ != nullptr; }

  // Publishes the size bytes at offset. May block, as publish. The loan is spent by success, status::full and
  // status::timeout (some subscription got it); after another failure it is still here and can be published again.
  result<void> publish(std::uint16_t type_id, std::size_t size, std::size_t offset = 0) {
    const auto code = mycelium_publish_loan(runtime_, type_id, handle_, offset, size);
    switch (code) {
    case MYCELIUM_ERROR_TOO_LARGE:
    case MYCELIUM_ERROR_UNKNOWN_TYPE:
    case MYCELIUM_ERROR_INVALID_PAYLOAD:
    case MYCELIUM_ERROR_CLOSED:
    case MYCELIUM_ERROR_FORKED:
    case MYCELIUM_ERROR_INVALID_ARGUMENT:
    case MYCELIUM_ERROR_NULL:
      break;
    default:
      handle_ = nullptr;
      memory_ = {};
    }
    return detail::checked(code);
  }

private:
  MyceliumRuntime* runtime_;
  MyceliumLoan* handle_;
  std::span<std::uint8_t> memory_;
};

} // namespace cpp1
} // namespace mycelium
