// Messages as a receiver sees them, and what a type has to offer to travel as one.
//
// A message is immutable. In a callback it is borrowed, valid until the callback returns; retain() gives one of your
// own, which may outlive the runtime and be read from any thread.
#pragma once

#include <mycelium/options.hpp>

#include <concepts>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>

namespace mycelium {
inline namespace cpp1 {

using bytes = std::span<const std::uint8_t>;

// Text as a payload, and back; the bytes are the text's own.
inline bytes bytes_of(std::string_view text) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view text_of(bytes payload) noexcept {
  return {reinterpret_cast<const char*>(payload.data()), payload.size()};
}

// What `mycelium schema compile --cpp` writes for a table with a type_id; a class of your own may do the same.
template <class T>
concept message_type = requires(const T& value, bytes payload) {
  { T::type_id } -> std::convertible_to<std::uint16_t>;
  { value.encode() } -> std::convertible_to<bytes>;
  { T::decode(payload) } -> std::same_as<std::optional<T>>;
};

namespace detail {

// Generated types write into a builder that can be used again, and say why a payload is none of theirs. Both types are
// found by the signatures of their functions, so that these headers need neither generated code nor FlatBuffers.
template <class T, class Builder>
Builder builder_type(bytes (T::*)(Builder&) const);
template <class T, class Flaw>
Flaw flaw_type(std::optional<T> (*)(bytes, Flaw*));

template <class T>
using builder_of = decltype(builder_type<T>(&T::encode));
template <class T>
using flaw_of = decltype(flaw_type<T>(&T::decode));

// This thread's builder, unless it is in use further up the stack (an inline callback that publishes): then a new one.
template <class Builder>
class lent_builder {
public:
  lent_builder() : builder_(std::move(spare())) {
    if (!builder_)
      builder_ = std::make_unique<Builder>();
  }
  ~lent_builder() {
    if (written_ <= most_kept)
      spare() = std::move(builder_);
  }
  lent_builder(const lent_builder&) = delete;
  lent_builder& operator=(const lent_builder&) = delete;

  // What value encodes to; valid until this is destroyed.
  template <class T>
  bytes encode(const T& value) {
    const bytes encoded = value.encode(*builder_);
    written_ = encoded.size();
    return encoded;
  }

private:
  static constexpr std::size_t most_kept = 256 * 1024; // a thread that published a large message gives its memory back
  static std::unique_ptr<Builder>& spare() {
    static thread_local std::unique_ptr<Builder> builder;
    return builder;
  }

  std::unique_ptr<Builder> builder_;
  std::size_t written_ = 0;
};

// use(bytes) with the encoding of value, which is valid during the call. A value that cannot be encoded (a required
// field is missing) is a failure.
template <message_type T, class Use>
auto with_encoded(const T& value, Use use) -> decltype(use(bytes())) {
  if constexpr (requires { typename builder_of<T>; }) {
    lent_builder<builder_of<T>> builder;
    bytes encoded;
    try {
      encoded = builder.encode(value);
    } catch (const std::invalid_argument& e) {
      return failure{status::invalid_argument, e.what()};
    }
    return use(encoded);
  } else {
    const auto encoded = value.encode();
    return use(bytes(encoded));
  }
}

template <class T>
[[gnu::cold]] [[gnu::noinline]] failure not_a(bytes payload) {
  failure why{status::invalid_payload, "these " + std::to_string(payload.size()) + " bytes are no message of type " +
                                           std::to_string(T::type_id)};
  if constexpr (requires { typename flaw_of<T>; }) {
    flaw_of<T> flaw;
    if (!T::decode(payload, &flaw))
      why.text += std::string(": ") + flaw.what + ", at byte " + std::to_string(flaw.offset);
  }
  return why;
}

} // namespace detail

// Reads a payload; status::invalid_payload says what is wrong with it.
template <message_type T>
result<T> decode(bytes payload) {
  if (auto value = T::decode(payload))
    return *std::move(value);
  return detail::not_a<T>(payload);
}

template <class Message>
class owned;

// A received message of any type, borrowed. Cannot be copied: keep it with retain().
class any_message {
public:
  explicit any_message(const MyceliumMessage* handle) noexcept : handle_(handle) {}
  any_message& operator=(const any_message&) = delete;

  // For calls of mycelium.h.
  const MyceliumMessage* handle() const noexcept { return handle_; }
  std::uint16_t type_id() const noexcept { return mycelium_message_type_id(handle_); }
  // 16-byte aligned; valid as long as the message.
  bytes payload() const noexcept {
    std::size_t size = 0;
    const auto* data = mycelium_message_payload(handle_, &size);
    return {data, size};
  }
  cpp1::envelope envelope() const noexcept {
    MyceliumEnvelope filled{};
    filled.struct_size = sizeof filled;
    mycelium_message_envelope(handle_, &filled);
    return detail::from_c(filled);
  }
  // The publisher waits for a reply.
  bool is_request() const noexcept { return mycelium_message_is_request(handle_) != 0; }
  // Reads the payload as a T, whatever the type_id.
  template <message_type T>
  result<T> as() const {
    return cpp1::decode<T>(payload());
  }
  // A reference of one's own. status::internal if memory is short.
  result<owned<any_message>> retain() const;

protected:
  any_message(const any_message&) = default;

private:
  template <class>
  friend class owned;

  const MyceliumMessage* handle_;
};

// The same, published with T's type_id; whether its payload is a T shows when it is decoded.
template <message_type T>
class message : public any_message {
public:
  using any_message::any_message;

  result<T> decode() const { return as<T>(); }
  result<owned<message>> retain() const;

private:
  friend class owned<message>;
  message(const message&) = default;
};

// A message that is the holder's: released when it is destroyed, on any thread, also after the runtime. Moves; use it
// as a pointer to what it holds. A moved-from one is empty.
template <class Message>
class owned {
public:
  owned() noexcept : message_(nullptr) {}
  // Takes over a reference: from mycelium_request, mycelium_queue_receive or mycelium_message_retain.
  explicit owned(MyceliumMessage* reference) noexcept : message_(reference) {}
  owned(owned&& other) noexcept : message_(std::exchange(other.message_.handle_, nullptr)) {}
  owned& operator=(owned&& other) noexcept {
    std::swap(message_.handle_, other.message_.handle_);
    return *this;
  }
  ~owned() { mycelium_message_release(const_cast<MyceliumMessage*>(message_.handle_)); }

  explicit operator bool() const noexcept { return message_.handle_ != nullptr; }
  const Message& operator*() const noexcept { return message_; }
  const Message* operator->() const noexcept { return &message_; }
  // Gives the reference away, to be released with mycelium_message_release.
  MyceliumMessage* release() noexcept { return const_cast<MyceliumMessage*>(std::exchange(message_.handle_, nullptr)); }

private:
  Message message_;
};

// The messages that waited for a subscription, in order; borrowed. A range:
//   for (const auto& each : batch) ...
template <class Message>
class batch {
public:
  batch(const MyceliumMessage* const* first, std::size_t count) noexcept : first_(first), count_(count) {}

  class iterator {
  public:
    using value_type = Message;
    using difference_type = std::ptrdiff_t;

    iterator() = default;
    explicit iterator(const MyceliumMessage* const* at) noexcept : at_(at) {}
    Message operator*() const noexcept { return Message(*at_); }
    iterator& operator++() noexcept { return ++at_, *this; }
    iterator operator++(int) noexcept { return iterator(at_++); }
    friend bool operator==(const iterator&, const iterator&) = default;

  private:
    const MyceliumMessage* const* at_ = nullptr;
  };

  iterator begin() const noexcept { return iterator(first_); }
  iterator end() const noexcept { return iterator(first_ + count_); }
  std::size_t size() const noexcept { return count_; }
  Message operator[](std::size_t i) const noexcept { return Message(first_[i]); }

private:
  const MyceliumMessage* const* first_;
  std::size_t count_;
};

namespace detail {

template <class Message>
result<owned<Message>> retained(const MyceliumMessage* borrowed) {
  if (auto* reference = mycelium_message_retain(borrowed))
    return owned<Message>(reference);
  return last_failure(mycelium_last_status());
}

} // namespace detail

inline result<owned<any_message>> any_message::retain() const { return detail::retained<any_message>(handle()); }

template <message_type T>
result<owned<message<T>>> message<T>::retain() const {
  return detail::retained<message>(handle());
}

} // namespace cpp1
} // namespace mycelium
