#include "actors/runtime/block_pool.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <mutex>
#include <new>
#include <utility>

namespace mycelium::runtime::block_pool {
namespace {

static_assert(class_of(1) == 0 && class_of(64) == 0 && class_of(65) == 1 && class_of(256) == 3);
static_assert(class_of(257) == 4 && class_bytes(4) == 320 && class_of(320) == 4 && class_of(321) == 5);
static_assert(class_bytes(7) == 512 && class_of(512) == 7 && class_of(513) == 8 && class_bytes(8) == 640);
static_assert(class_bytes(class_count - 1) == (std::size_t{1} << 20));

constexpr int magazine_slots = 64;
constexpr std::size_t magazine_bytes = 128 * 1024;      // big blocks come in short magazines
constexpr std::size_t depot_limit = 32 * 1024 * 1024;   // per class: what is over goes back to the system

constexpr int magazine_capacity(int size_class) {
  return int(std::clamp<std::size_t>(magazine_bytes / class_bytes(size_class), 2, magazine_slots));
}

struct magazine {
  int count = 0;
  std::array<void*, magazine_slots> blocks;
  magazine* next = nullptr;
};

struct depot {
  std::mutex mutex;
  magazine* full = nullptr; // holding at least one block
  magazine* empty = nullptr;
  std::size_t bytes = 0;
};

// Never destroyed: threads may return blocks while the process exits.
depot* depots() {
  static auto* all = new depot[class_count];
  return all;
}

void free_blocks(magazine& m) noexcept {
  while (m.count > 0)
    std::free(m.blocks[std::size_t(--m.count)]);
}

void stack(magazine*& list, magazine* m) noexcept {
  m->next = list;
  list = m;
}

magazine* unstack(magazine*& list) noexcept {
  auto* m = list;
  if (m != nullptr)
    list = m->next;
  return m;
}

// Takes ownership of a magazine that may hold blocks.
void deposit(depot& d, magazine* m, int size_class) noexcept {
  const auto bytes = std::size_t(m->count) * class_bytes(size_class);
  if (m->count > 0 && d.bytes + bytes <= depot_limit) {
    d.bytes += bytes;
    stack(d.full, m);
    return;
  }
  free_blocks(*m);
  stack(d.empty, m);
}

struct thread_magazines {
  struct pair {
    magazine* current = nullptr;
    magazine* previous = nullptr;
  };
  std::array<pair, class_count> of_class;
};

constinit thread_local thread_magazines mine;
constinit thread_local bool thread_ended = false;

struct magazines_owner {
  ~magazines_owner() {
    thread_ended = true; // later destructors of this thread go to the system
    for (int c = 0; c < class_count; ++c) {
      auto& [current, previous] = mine.of_class[std::size_t(c)];
      for (auto** m : {&current, &previous}) {
        if (*m == nullptr)
          continue;
        std::lock_guard lock(depots()[c].mutex);
        deposit(depots()[c], std::exchange(*m, nullptr), c);
      }
    }
  }
};

void remember_to_return() {
  static thread_local magazines_owner owner;
  (void)owner;
}

void* allocate(std::size_t bytes) {
  if (void* block = std::aligned_alloc(64, (bytes + 63) & ~std::size_t{63}))
    return block;
  throw std::bad_alloc();
}

[[gnu::noinline]] void* take_slowly(int size_class) {
  auto& [current, previous] = mine.of_class[std::size_t(size_class)];
  if (previous != nullptr && previous->count > 0) {
    std::swap(current, previous);
    return current->blocks[std::size_t(--current->count)];
  }
  if (!thread_ended) {
    remember_to_return();
    auto& d = depots()[size_class];
    std::lock_guard lock(d.mutex);
    if (auto* full = unstack(d.full)) {
      d.bytes -= std::size_t(full->count) * class_bytes(size_class);
      if (previous != nullptr)
        stack(d.empty, previous);
      previous = current;
      current = full;
      return full->blocks[std::size_t(--full->count)];
    }
  }
  return allocate(class_bytes(size_class));
}

[[gnu::noinline]] void give_slowly(void* block, int size_class) noexcept {
  auto& [current, previous] = mine.of_class[std::size_t(size_class)];
  if (thread_ended) {
    std::free(block);
    return;
  }
  if (previous != nullptr && previous->count < magazine_capacity(size_class)) {
    std::swap(current, previous);
    current->blocks[std::size_t(current->count++)] = block;
    return;
  }
  remember_to_return();
  magazine* empty;
  {
    auto& d = depots()[size_class];
    std::lock_guard lock(d.mutex);
    if (previous != nullptr)
      deposit(d, previous, size_class);
    previous = current;
    current = nullptr;
    empty = unstack(d.empty);
  }
  if (empty == nullptr)
    empty = new (std::nothrow) magazine;
  if (empty == nullptr) {
    std::free(block);
    return;
  }
  empty->blocks[0] = block;
  empty->count = 1;
  current = empty;
}

} // namespace

void* take(std::size_t bytes, int size_class) {
  if (size_class == unpooled)
    return allocate(bytes);
  auto* m = mine.of_class[std::size_t(size_class)].current;
  if (m != nullptr && m->count > 0)
    return m->blocks[std::size_t(--m->count)];
  return take_slowly(size_class);
}

void give(void* block, int size_class) noexcept {
  if (size_class == unpooled)
    return std::free(block);
  auto* m = mine.of_class[std::size_t(size_class)].current;
  if (m != nullptr && m->count < magazine_capacity(size_class)) {
    m->blocks[std::size_t(m->count++)] = block;
    return;
  }
  give_slowly(block, size_class);
}

std::size_t depot_bytes() noexcept {
  std::size_t sum = 0;
  for (int c = 0; c < class_count; ++c) {
    std::lock_guard lock(depots()[c].mutex);
    sum += depots()[c].bytes;
  }
  return sum;
}

void lock_depots() noexcept {
  for (int c = 0; c < class_count; ++c)
    depots()[c].mutex.lock();
}

void unlock_depots() noexcept {
  for (int c = class_count - 1; c >= 0; --c)
    depots()[c].mutex.unlock();
}

} // namespace mycelium::runtime::block_pool
