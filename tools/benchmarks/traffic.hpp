// What travels in every benchmark, and the proof that it arrived: each message carries its publisher, a sequence number
// and a check value; every subscriber checks every header, and the whole payload of each 1024th message.
#pragma once

#include "tools/benchmarks/clock.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace mycelium::bench {

struct header {
  std::uint64_t sequence; // 0, 1, 2 ... per publisher
  std::uint64_t stamp;    // when it was published, in ticks; 0 in throughput runs
  std::uint64_t check;    // of the sequence and publisher; for sampled messages of the payload too
  std::uint32_t publisher;
  std::uint32_t size; // of the whole payload
};
static_assert(sizeof(header) == 32);

inline constexpr std::uint64_t sample_every = 1024;
inline constexpr std::size_t smallest_payload = sizeof(header) + 8;

inline header read_header(const std::uint8_t* payload) {
  header h;
  std::memcpy(&h, payload, sizeof h);
  return h;
}

namespace detail {
inline std::uint64_t scramble(std::uint64_t x) { // splitmix64: every bit of x changes half of the result's
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}
inline std::uint64_t header_check(const header& h) {
  return scramble(h.sequence ^ (std::uint64_t{h.publisher} << 48) ^ h.size);
}
void fill_body(std::uint8_t* payload, std::size_t size, std::uint64_t seed);
std::uint64_t body_sum(const std::uint8_t* payload, std::size_t size);
} // namespace detail

// The messages of one publisher, in order. Used by one thread at a time.
class alignas(64) stream {
public:
  stream(std::uint32_t publisher, std::size_t size);

  // The publisher's own memory, for ways that copy from it.
  std::uint8_t* own_buffer() { return own_.data(); }
  std::size_t size() const { return own_.size(); }
  std::uint64_t written() const { return next_; }
  void stamp(ticks when) { stamp_ = when; }
  // Writes the next message to out, size() bytes long: the header, and each 1024th time the rest too. (Writing 64 KiB
  // each time would measure memset.)
  void write_next(std::uint8_t* out) {
    header h{next_, stamp_, 0, publisher_, static_cast<std::uint32_t>(own_.size())};
    h.check = detail::header_check(h);
    if (next_ % sample_every == 0) [[unlikely]] {
      detail::fill_body(out, own_.size(), h.check);
      h.check ^= detail::body_sum(out, own_.size());
    }
    std::memcpy(out, &h, sizeof h);
    ++next_;
  }

private:
  std::vector<std::uint8_t> own_;
  std::uint64_t next_ = 0;
  ticks stamp_ = 0;
  std::uint32_t publisher_;
};

// Where a run ends: when every expected arrival has come. Any thread.
class finish_line {
public:
  void expect(std::uint64_t arrivals); // before any arrival can come
  void arrive() noexcept;
  // When the last arrival came; none if it did not within limit_s.
  std::optional<ticks> wait(double limit_s);

private:
  std::atomic<std::uint64_t> missing_{0};
  std::mutex mutex_;
  std::condition_variable crossed_;
  std::optional<ticks> end_;
};

// What one subscriber received. One publisher's messages are received by one thread at a time, different publishers'
// may be received at once (a direct call does so): each has counters of its own.
class audit {
public:
  audit(std::size_t publishers, std::size_t size, finish_line* line);

  // Adds count messages to what is due from publisher. While none is under way.
  void expect(std::size_t publisher, std::uint64_t count) { sources_[publisher].due += count; }
  void receive(const std::uint8_t* payload, std::size_t size) noexcept {
    const header h = size == size_ ? read_header(payload) : header{};
    if (size != size_ || h.publisher >= sources_.size()) [[unlikely]] {
      strange_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    source& from = sources_[h.publisher];
    from.out_of_order += h.sequence != from.next;
    from.next = h.sequence + 1;
    std::uint64_t check = detail::header_check(h);
    if (h.sequence % sample_every == 0) [[unlikely]] {
      check ^= detail::body_sum(payload, size);
    }
    from.damaged += h.check != check;
    if (++from.count == from.due && line_ != nullptr) {
      line_->arrive();
    }
  }
  // "" if everything due arrived once, in order and unchanged. When no receive runs any more.
  std::string complaint() const;

private:
  struct alignas(64) source {
    std::uint64_t next = 0;
    std::uint64_t count = 0;
    std::uint64_t due = 0;
    std::uint64_t out_of_order = 0;
    std::uint64_t damaged = 0;
  };
  std::vector<source> sources_;
  std::atomic<std::uint64_t> strange_{0}; // of no known publisher, or not of the right size
  std::size_t size_;
  finish_line* line_;
};

} // namespace mycelium::bench
