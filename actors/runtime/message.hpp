// A message in memory: one block of the pool that holds this header, the payload and, for few, the extras. Immutable
// and shared: each lane that holds it counts one reference. References may be taken and dropped on any thread.
#pragma once

#include "actors/runtime/block_pool.hpp"
#include "actors/runtime/counted.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>
#include <utility>

namespace mycelium::runtime {

class pending_request;

enum class destination : std::int32_t { all = 0, subscription = 1, key = 2 };

struct trace_context {
  std::array<std::uint8_t, 16> trace_id{};
  std::array<std::uint8_t, 8> span_id{};
  std::uint8_t flags = 0;
};

// Where a message from another node comes from. Of our own messages all is 0.
struct remote_origin {
  std::uint64_t node = 0;
  std::uint64_t publisher_id = 0; // there
  std::uint64_t sequence = 0;
  std::int64_t timestamp_ns = 0; // when it was published, by that machine's clock
  std::uint64_t link = 0;        // of this process, by which it came
  std::uint8_t hops = 0;         // links that it has crossed
};

// Ends when nobody holds the messages any more that carry it: what they are about has been dealt with. On any thread.
class receipt : public counted<receipt> {
public:
  virtual ~receipt() = default;
};

// What few messages carry; stands behind the payload.
struct message_extras {
  trace_context trace;
  bool has_trace = false;
  destination to = destination::all;
  std::uint64_t destination_key = 0;
  std::uint64_t history_index = 0;    // position among the kept messages of its type, 0: not kept
  remote_origin from;                 // of a message from another node
  pending_request* request = nullptr; // counted; to be answered
  receipt* due = nullptr;             // counted
};

class alignas(16) message {
public:
  using bytes = std::span<const std::uint8_t>;

  // One reference, payload not yet written. Throws std::bad_alloc.
  static message* make(std::uint16_t type_id, std::size_t size, bool with_extras);
  // A header, and extras, for a payload that stays the caller's; lives on the stack, is never counted. The extras carry
  // no request and no receipt.
  struct borrowed;

  std::uint16_t type_id() const noexcept { return type_id_; }
  std::size_t size() const noexcept { return size_; }
  const std::uint8_t* data() const noexcept;
  std::uint8_t* data() noexcept { return reinterpret_cast<std::uint8_t*>(this + 1) + offset_; }
  bytes payload() const noexcept { return {data(), size_}; }
  const message_extras* extras() const noexcept;
  message_extras* extras() noexcept { return const_cast<message_extras*>(std::as_const(*this).extras()); }
  pending_request* request() const noexcept { return extras() != nullptr ? extras()->request : nullptr; }

  // A reference of one's own; for a borrowed message a copy. Throws std::bad_alloc.
  message* retain() const;
  // The same, for whoever keeps the message although it has been dealt with: where a receipt is due, a copy without it.
  message* retain_without_receipt() const;
  void add_references(std::uint32_t n) const noexcept { references_.fetch_add(n, std::memory_order_relaxed); }
  void set_references(std::uint32_t n) noexcept { references_.store(n, std::memory_order_relaxed); }
  void release() const noexcept {
    // The last holder needs no read-modify-write.
    if (references_.load(std::memory_order_acquire) != 1 && references_.fetch_sub(1, std::memory_order_acq_rel) != 1)
      return;
    if (has_extras_) [[unlikely]]
      end_extras();
    block_pool::give(const_cast<message*>(this), size_class_);
  }

  // Makes the `size` bytes at `offset` the payload; moves them down to a multiple of 16 if need be.
  void keep(std::size_t offset, std::size_t size) noexcept;
  // Bytes from data() to the end of what was allocated for the payload.
  std::size_t capacity() const noexcept { return capacity_ - offset_; }
  bool is_borrowed() const noexcept { return borrowed_; }

  void set_type(std::uint16_t type_id) noexcept { type_id_ = type_id; }

  // Set by the runtime before the message is shared.
  std::uint8_t priority = 0;

private:
  friend struct borrowed;
  message() = default;
  ~message() = default;
  message* copy(bool with_extras) const;
  void end_extras() const noexcept;

  bool borrowed_ = false;
  bool has_extras_ = false;
  std::int8_t size_class_ = block_pool::unpooled;
  mutable std::atomic<std::uint32_t> references_{1};
  std::uint16_t type_id_ = 0;
  std::uint32_t size_ = 0;
  std::uint32_t capacity_ = 0; // where the extras begin
  std::uint32_t offset_ = 0;   // where the payload begins, a multiple of 16

public:
  std::uint64_t sequence = 0; // per publisher, from 1
  std::uint64_t publisher_id = 0;
  std::uint64_t stamp = 0; // see stamp.hpp; of a message from another node 0
  std::uint64_t correlation_id = 0;
};

struct message::borrowed {
  message header;
  const std::uint8_t* payload;
  alignas(message_extras) std::array<std::byte, sizeof(message_extras)> extras; // not filled unless it has some

  borrowed(std::uint16_t type_id, bytes content, bool with_extras) noexcept : payload(content.data()) {
    header.borrowed_ = true;
    header.has_extras_ = with_extras;
    header.type_id_ = type_id;
    header.size_ = static_cast<std::uint32_t>(content.size());
    header.capacity_ = sizeof payload;
    if (with_extras)
      new (extras.data()) message_extras;
  }
};

inline const std::uint8_t* message::data() const noexcept {
  return borrowed_ ? reinterpret_cast<const borrowed*>(this)->payload
                   : reinterpret_cast<const std::uint8_t*>(this + 1) + offset_;
}

inline const message_extras* message::extras() const noexcept {
  return has_extras_
             ? reinterpret_cast<const message_extras*>(reinterpret_cast<const std::uint8_t*>(this + 1) + capacity_)
             : nullptr;
}

inline message* message::make(std::uint16_t type_id, std::size_t size, bool with_extras) {
  constexpr std::size_t align = alignof(message_extras) - 1;
  const auto capacity = (size + align) & ~align;
  const auto bytes = sizeof(message) + capacity + (with_extras ? sizeof(message_extras) : 0);
  const auto size_class = block_pool::class_of(bytes);
  auto* m = new (block_pool::take(bytes, size_class)) message;
  m->size_class_ = static_cast<std::int8_t>(size_class);
  m->type_id_ = type_id;
  m->size_ = static_cast<std::uint32_t>(size);
  m->capacity_ = static_cast<std::uint32_t>(capacity);
  if (with_extras) {
    m->has_extras_ = true;
    new (m->extras()) message_extras;
  }
  return m;
}

// Owns one reference.
class message_ptr {
public:
  message_ptr() = default;
  explicit message_ptr(const message* m) noexcept : m_(m) {} // adopts
  message_ptr(message_ptr&& other) noexcept : m_(std::exchange(other.m_, nullptr)) {}
  message_ptr& operator=(message_ptr&& other) noexcept {
    std::swap(m_, other.m_);
    return *this;
  }
  ~message_ptr() {
    if (m_ != nullptr)
      m_->release();
  }
  const message* get() const noexcept { return m_; }
  const message* release() noexcept { return std::exchange(m_, nullptr); }
  const message* operator->() const noexcept { return m_; }
  const message& operator*() const noexcept { return *m_; }
  explicit operator bool() const noexcept { return m_ != nullptr; }

private:
  const message* m_ = nullptr;
};

// A reference more.
inline message_ptr share(const message& m) { return message_ptr(m.retain()); }

} // namespace mycelium::runtime
