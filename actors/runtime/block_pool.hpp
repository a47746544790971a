// Memory blocks for payloads. Publishers allocate and workers free, which overflows a plain thread cache on one side
// and starves it on the other; so each thread keeps two magazines per size class and exchanges whole ones with a depot
// (the magazine scheme of Bonwick and Adams, USENIX 2001). One pool a process: messages may outlive the runtime they
// came from.
#pragma once

#include "actors/runtime/thread_state.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace mycelium::runtime::block_pool {

// Size classes: 64-byte steps up to 256 bytes, then four per doubling up to 1 MiB. Larger blocks come from the system.
constexpr int class_count = 52;
constexpr int unpooled = -1;

constexpr std::size_t class_bytes(int size_class) noexcept {
  return size_class < 4 ? std::size_t(size_class + 1) * 64 : std::size_t(size_class % 4 + 5) << (size_class / 4 + 5);
}

constexpr int class_of(std::size_t bytes) noexcept {
  if (bytes <= 256)
    return bytes == 0 ? 0 : int((bytes - 1) / 64);
  if (bytes > class_bytes(class_count - 1))
    return unpooled;
  const int exponent = 63 - __builtin_clzll(bytes - 1);       // 2^exponent < bytes <= 2^(exponent + 1)
  const int quarter = int((bytes - 1) >> (exponent - 2)) - 4; // which quarter of that doubling
  return (exponent - 7) * 4 + quarter;
}

constexpr int magazine_slots = 64;
// Big blocks come in short magazines: 128 KiB of them, at least two.
constexpr int magazine_capacity(int size_class) noexcept {
  const auto fitting = std::size_t{128} * 1024 / class_bytes(size_class);
  return fitting > magazine_slots ? magazine_slots : fitting < 2 ? 2 : int(fitting);
}

struct magazine {
  int count = 0;
  std::array<void*, magazine_slots> blocks;
  magazine* next = nullptr;
};

struct magazine_pair {
  magazine* current = nullptr;
  magazine* previous = nullptr;
};

// This thread's, one pair per class; nullptr before its first use and when the thread is ending.
MYCELIUM_HOT_THREAD_LOCAL inline magazine_pair* magazines = nullptr;

void* take_slowly(std::size_t bytes, int size_class);
void give_slowly(void* block, int size_class) noexcept;

// The line comes from the cache of who freed the block, while the caller still works on something else.
inline void prefetch_to_write(const void* line) noexcept {
#if defined(__x86_64__)
  asm volatile("prefetchw %0" : : "m"(*static_cast<const char*>(line))); // GCC's builtin gives prefetcht0, which shares
#else
  __builtin_prefetch(line, 1);
#endif
}

// A block of at least `bytes`, 64-byte aligned; size_class is class_of(bytes). Throws std::bad_alloc.
inline void* take(std::size_t bytes, int size_class) {
  if (size_class != unpooled && magazines != nullptr) [[likely]]
    if (auto* m = magazines[size_class].current; m != nullptr && m->count > 0) [[likely]] {
      void* block = m->blocks[std::size_t(--m->count)];
      if (m->count > 1) {
        const auto* soon = static_cast<const char*>(m->blocks[std::size_t(m->count - 2)]);
        prefetch_to_write(soon);
        prefetch_to_write(soon + 64);
      }
      return block;
    }
  return take_slowly(bytes, size_class);
}

inline void give(void* block, int size_class) noexcept {
  if (size_class != unpooled && magazines != nullptr) [[likely]]
    if (auto* m = magazines[size_class].current; m != nullptr && m->count < magazine_capacity(size_class)) [[likely]] {
      m->blocks[std::size_t(m->count++)] = block;
      return;
    }
  give_slowly(block, size_class);
}

// Bytes of free blocks that the depot holds (magazines of threads not counted).
std::size_t depot_bytes() noexcept;

// Around fork, so that the child finds the depots unlocked.
void lock_depots() noexcept;
void unlock_depots() noexcept;

} // namespace mycelium::runtime::block_pool
