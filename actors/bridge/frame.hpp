// The frames of a bridge, byte by byte: docs/bridge-protocol.md. Pure: bytes in, bytes out. Foreign bytes are checked
// before they are believed.
#pragma once

#include "actors/runtime/message.hpp"
#include "schema/status.hpp"

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace mycelium::bridge {

using bytes = std::span<const std::uint8_t>;

constexpr std::size_t header_size = 32;
constexpr std::size_t envelope_size = 32; // stands behind the header of every data frame
constexpr std::size_t key_size = 16;
constexpr std::size_t trace_size = 32;
constexpr std::uint8_t max_hops = 16;

// What a frame is for; `type_id` of a frame with the flag `control`.
enum class control : std::uint16_t {
  hello = 1,
  proof,
  ready,
  refusal,
  node_state,
  credit,
  lost,
  heartbeat,
  forget,
  receipt
};
constexpr std::uint16_t last_control = 10;

enum flag : std::uint16_t {
  flag_control = 1,
  flag_trace = 2,
  flag_key = 4,
  flag_request = 8,
  flag_reply = 16,
  flag_confirm = 32,
  known_flags = 63,
};

// The 32 bytes with which a frame begins, little endian. A frame is padded with zeros to a multiple of 16; length says
// where the payload ends.
struct frame_header {
  std::uint32_t length = 0; // header, parts and payload, without the padding
  std::uint16_t type_id = 0;
  std::uint16_t flags = 0;
  std::uint64_t sequence = 0;    // of data frames on this link, from 1; 0 in control frames
  std::uint64_t correlation = 0; // of requests and their replies
  std::uint32_t checksum = 0;    // CRC-32C of the frame without its padding, this field taken as 0
  std::uint8_t priority = 0;
  std::uint8_t hops = 0;    // links crossed before this one
  std::int16_t outcome = 0; // of a reply: a MyceliumStatus
};
static_assert(sizeof(frame_header) == header_size);

struct frame_envelope {
  std::uint64_t origin = 0; // node
  std::uint64_t publisher_id = 0;
  std::uint64_t sequence = 0; // of the publisher
  std::int64_t timestamp_ns = 0;
};
static_assert(sizeof(frame_envelope) == envelope_size);

// One frame, in parts. `payload` of one that was read points into the reader's memory, at a multiple of 16.
struct frame {
  frame_header header;
  frame_envelope envelope;
  std::optional<std::uint64_t> key;
  std::optional<runtime::trace_context> trace;
  bytes payload;

  bool is_control() const noexcept { return (header.flags & flag_control) != 0; }
  bool is_request() const noexcept { return (header.flags & flag_request) != 0; }
  bool is_reply() const noexcept { return (header.flags & flag_reply) != 0; }
  bool asks_for_receipt() const noexcept { return (header.flags & flag_confirm) != 0; }
};

// Memory of bytes that are written before they are read: growing it does not fill it with zeros.
template <class T>
struct unfilled : std::allocator<T> {
  template <class U>
  struct rebind {
    using other = unfilled<U>;
  };
  template <class U>
  void construct(U* place) noexcept {
    ::new (static_cast<void*>(place)) U;
  }
  template <class U, class... Arguments>
  void construct(U* place, Arguments&&... arguments) {
    ::new (static_cast<void*>(place)) U(std::forward<Arguments>(arguments)...);
  }
};
using byte_buffer = std::vector<std::uint8_t, unfilled<std::uint8_t>>;

constexpr std::size_t padded(std::size_t size) noexcept { return (size + 15) & ~std::size_t{15}; }
std::size_t frame_length(const frame& what) noexcept; // without padding

// Appends the frame; sets its length, flags of parts, and checksum.
void append_frame(byte_buffer& out, const frame& what);
void append_control(byte_buffer& out, control kind, bytes payload);

// Cuts a stream of bytes into frames. Memory grows with what has come, not with what a length promises.
class frame_reader {
public:
  explicit frame_reader(std::size_t max_frame);

  // Room for the next bytes, at least `want`; then say how many came.
  std::span<std::uint8_t> room(std::size_t want);
  void filled(std::size_t count) noexcept { end_ += count; }
  // The next whole frame, valid until room() or next() is called; nullptr if more bytes are needed. invalid_argument:
  // what came is no frame, and nothing after it can be read.
  result<const frame*> next();
  // A frame longer than that is refused from now on.
  void limit(std::size_t max_frame) noexcept { max_frame_ = max_frame; }
  std::size_t unread() const noexcept { return end_ - begin_; }

private:
  struct free_memory {
    void operator()(std::uint8_t* memory) const noexcept { std::free(memory); }
  };
  result<std::size_t> check_header(const frame_header& header) const;

  std::unique_ptr<std::uint8_t, free_memory> memory_; // 16-byte aligned
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0; // a multiple of 16
  std::size_t end_ = 0;
  std::size_t max_frame_;
  frame current_;
};

} // namespace mycelium::bridge
