// Payloads of the peers that share one copy between all subscribers: a reference count and the bytes in one piece of
// memory, from malloc or from a pool.
#pragma once

#include "tools/benchmarks/block_pool.hpp"

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace mycelium::bench {

enum class memory_from { malloc, pool };

struct alignas(16) block {
  std::atomic<std::uint32_t> references{1};
  std::uint16_t type = 0;
  memory_from source = memory_from::malloc;
  std::size_t size = 0;

  std::uint8_t* data() { return reinterpret_cast<std::uint8_t*>(this + 1); }
  const std::uint8_t* data() const { return reinterpret_cast<const std::uint8_t*>(this + 1); }
};

// Owns one reference. Distinct objects may be used from distinct threads.
class block_ref {
public:
  block_ref() = default;
  block_ref(const block_ref& other) : block_(other.block_) {
    if (block_ != nullptr) {
      block_->references.fetch_add(1, std::memory_order_relaxed);
    }
  }
  block_ref(block_ref&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  block_ref& operator=(block_ref other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~block_ref() {
    if (block_ != nullptr && block_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      release(block_);
    }
  }

  static block_ref copy_of(std::uint16_t type, const std::uint8_t* bytes, std::size_t size, memory_from source) {
    const std::size_t whole = sizeof(block) + size;
    void* memory = source == memory_from::pool ? block_pool::take(whole) : std::malloc(whole);
    if (memory == nullptr) {
      throw std::bad_alloc();
    }
    block_ref made;
    made.block_ = new (memory) block;
    made.block_->type = type;
    made.block_->source = source;
    made.block_->size = size;
    std::memcpy(made.block_->data(), bytes, size);
    return made;
  }

  const block* operator->() const { return block_; }

private:
  static void release(block* last) {
    const std::size_t whole = sizeof(block) + last->size;
    if (last->source == memory_from::pool) {
      block_pool::give(last, whole);
    } else {
      std::free(last);
    }
  }

  block* block_ = nullptr;
};

} // namespace mycelium::bench
