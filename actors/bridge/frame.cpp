#include "actors/bridge/frame.hpp"

#include "actors/bridge/crc32c.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>
#include <new>
#include <string>

namespace mycelium::bridge {
namespace {

static_assert(std::endian::native == std::endian::little, "frames are little endian");

struct wire_key {
  std::uint64_t key;
  std::uint64_t zero;
};
static_assert(sizeof(wire_key) == key_size);

struct wire_trace {
  std::uint8_t trace_id[16];
  std::uint8_t span_id[8];
  std::uint8_t flags;
  std::uint8_t zero[7];
};
static_assert(sizeof(wire_trace) == trace_size);

constexpr std::size_t checksum_at = offsetof(frame_header, checksum);
static_assert(checksum_at % 8 == 0);

// Of a frame that stands in our own memory: its field for the checksum is 0 afterwards.
std::uint32_t checksum(std::span<std::uint8_t> whole) noexcept {
  std::uint64_t word; // what is written in four bytes cannot be read at once in eight
  std::memcpy(&word, whole.data() + checksum_at, sizeof word);
  word &= ~std::uint64_t{0xffffffff};
  std::memcpy(whole.data() + checksum_at, &word, sizeof word);
  return crc32c(whole);
}

std::size_t parts_size(std::uint16_t flags) noexcept {
  if ((flags & flag_control) != 0)
    return 0;
  return envelope_size + ((flags & flag_key) != 0 ? key_size : 0) + ((flags & flag_trace) != 0 ? trace_size : 0);
}

template <class Part>
void put(std::uint8_t*& to, const Part& part) noexcept {
  std::memcpy(to, &part, sizeof part);
  to += sizeof part;
}

template <class Part>
Part take(const std::uint8_t*& from) noexcept {
  Part part;
  std::memcpy(&part, from, sizeof part);
  from += sizeof part;
  return part;
}

std::uint16_t flags_of(const frame& what) noexcept {
  auto flags = what.header.flags & ~(flag_key | flag_trace);
  if (what.key)
    flags |= flag_key;
  if (what.trace)
    flags |= flag_trace;
  return static_cast<std::uint16_t>(flags);
}

failure broken(const std::string& what) { return {status::invalid_argument, what}; }

} // namespace

std::size_t frame_length(const frame& what) noexcept {
  return header_size + parts_size(flags_of(what)) + what.payload.size();
}

void append_frame(byte_buffer& out, const frame& what) {
  auto header = what.header;
  header.flags = flags_of(what);
  header.length = static_cast<std::uint32_t>(frame_length(what));
  header.checksum = 0;
  const auto start = out.size();
  out.resize(start + padded(header.length));
  auto* to = out.data() + start;
  put(to, header);
  if (!what.is_control()) {
    put(to, what.envelope);
    if (what.key)
      put(to, wire_key{*what.key, 0});
    if (what.trace) {
      wire_trace trace{};
      std::memcpy(trace.trace_id, what.trace->trace_id.data(), sizeof trace.trace_id);
      std::memcpy(trace.span_id, what.trace->span_id.data(), sizeof trace.span_id);
      trace.flags = what.trace->flags;
      put(to, trace);
    }
  }
  if (!what.payload.empty())
    std::memcpy(to, what.payload.data(), what.payload.size());
  auto* whole = out.data() + start;
  std::memset(whole + header.length, 0, padded(header.length) - header.length);
  const auto sum = crc32c({whole, header.length});
  std::memcpy(whole + checksum_at, &sum, sizeof sum);
}

void append_control(byte_buffer& out, control kind, bytes payload) {
  frame what;
  what.header.type_id = static_cast<std::uint16_t>(kind);
  what.header.flags = flag_control;
  what.payload = payload;
  append_frame(out, what);
}

frame_reader::frame_reader(std::size_t max_frame) : max_frame_(max_frame) {}

std::span<std::uint8_t> frame_reader::room(std::size_t want) {
  if (begin_ == end_)
    begin_ = end_ = 0;
  if (capacity_ - end_ < want) {
    const auto kept = end_ - begin_;
    if (begin_ != 0 && capacity_ - kept >= want) {
      std::memmove(memory_.get(), memory_.get() + begin_, kept);
    } else {
      const auto capacity = padded(std::max(capacity_ * 2, kept + want));
      std::unique_ptr<std::uint8_t, free_memory> larger(static_cast<std::uint8_t*>(std::aligned_alloc(16, capacity)));
      if (!larger)
        throw std::bad_alloc();
      if (kept != 0)
        std::memcpy(larger.get(), memory_.get() + begin_, kept);
      memory_ = std::move(larger);
      capacity_ = capacity;
    }
    begin_ = 0;
    end_ = kept;
  }
  return {memory_.get() + end_, capacity_ - end_};
}

result<std::size_t> frame_reader::check_header(const frame_header& header) const {
  if (header.length > max_frame_)
    return broken("a frame of " + std::to_string(header.length) + " bytes is over the limit of " +
                  std::to_string(max_frame_));
  if ((header.flags & ~known_flags) != 0)
    return broken("a frame has unknown flags");
  const auto parts = parts_size(header.flags);
  if (header.length < header_size + parts)
    return broken("a frame is shorter than its parts");
  if ((header.flags & flag_control) != 0) {
    if (header.flags != flag_control || header.type_id == 0 || header.type_id > last_control || header.sequence != 0)
      return broken("a control frame of no known kind");
  } else if (header.type_id == 0) {
    return broken("a data frame without a type");
  } else if ((header.flags & flag_confirm) != 0 && (header.flags & (flag_request | flag_reply)) != 0) {
    return broken("a request or a reply that asks for a receipt");
  }
  return parts;
}

result<const frame*> frame_reader::next() {
  if (end_ - begin_ < header_size)
    return nullptr;
  auto* const start = memory_.get() + begin_;
  const std::uint8_t* from = start;
  auto& what = current_;
  what.header = take<frame_header>(from);
  const auto parts = check_header(what.header); // before the rest has come
  if (!parts)
    return parts.error();
  const auto size = padded(what.header.length);
  if (end_ - begin_ < size)
    return nullptr;
  const std::span<std::uint8_t> whole(start, what.header.length);
  if (checksum(whole) != what.header.checksum)
    return broken("a frame's checksum is wrong");
  what.key.reset();
  what.trace.reset();
  if (what.is_control()) {
    what.envelope = {};
  } else {
    what.envelope = take<frame_envelope>(from);
    if ((what.header.flags & flag_key) != 0)
      what.key = take<wire_key>(from).key;
    if ((what.header.flags & flag_trace) != 0) {
      const auto trace = take<wire_trace>(from);
      what.trace.emplace();
      std::memcpy(what.trace->trace_id.data(), trace.trace_id, sizeof trace.trace_id);
      std::memcpy(what.trace->span_id.data(), trace.span_id, sizeof trace.span_id);
      what.trace->flags = trace.flags;
    }
  }
  what.payload = whole.subspan(header_size + *parts);
  begin_ += size;
  return &what;
}

} // namespace mycelium::bridge
