#include "actors/runtime/block_pool.hpp"

#include <memory>
#include <mutex>
#include <new>
#include <utility>

namespace mycelium::runtime::block_pool {
namespace {

static_assert(class_of(1) == 0 && class_of(64) == 0 && class_of(65) == 1 && class_of(256) == 3);
static_assert(class_of(257) == 4 && class_bytes(4) == 320 && class_of(320) == 4 && class_of(321) == 5);
static_assert(class_bytes(7) == 512 && class_of(512) == 7 && class_of(513) == 8 && class_bytes(8) == 640);
static_assert(class_bytes(class_count - 1) == (std::size_t{1} << 20));

constexpr std::size_t depot_limit = 32 * 1024 * 1024; // per class: what is over goes back to the system

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

constinit thread_local bool thread_ended = false;

// On the heap: thread-locals with the initial-exec model put all of the library's into the static block, whatever their
// own model, and what is left of that has to do for every other library of the process that needs it (OpenMP's, for
// one).
struct magazines_owner {
  using all_classes = std::array<magazine_pair, class_count>;
  std::unique_ptr<all_classes> of_class{new (std::nothrow) all_classes()};

  ~magazines_owner() {
    magazines = nullptr;
    thread_ended = true; // destructors of this thread that run later go to the system
    for (int c = 0; of_class != nullptr && c < class_count; ++c) {
      auto& [current, previous] = (*of_class)[std::size_t(c)];
      std::lock_guard lock(depots()[c].mutex);
      for (auto* m : {current, previous})
        if (m != nullptr)
          deposit(depots()[c], m, c);
    }
  }
};

// False if this thread is past having magazines, or has no memory for them.
bool have_magazines() {
  if (thread_ended)
    return false;
  static thread_local magazines_owner owner;
  magazines = owner.of_class == nullptr ? nullptr : owner.of_class->data();
  return magazines != nullptr;
}

void* allocate(std::size_t bytes) {
  if (void* block = std::aligned_alloc(64, (bytes + 63) & ~std::size_t{63}))
    return block;
  throw std::bad_alloc();
}

} // namespace

void* take_slowly(std::size_t bytes, int size_class) {
  if (size_class == unpooled)
    return allocate(bytes);
  if (!have_magazines())
    return allocate(class_bytes(size_class));
  auto& [current, previous] = magazines[size_class];
  if (previous != nullptr && previous->count > 0) {
    std::swap(current, previous);
    return current->blocks[std::size_t(--current->count)];
  }
  auto& d = depots()[size_class];
  std::lock_guard lock(d.mutex);
  auto* full = unstack(d.full);
  if (full == nullptr)
    return allocate(class_bytes(size_class));
  d.bytes -= std::size_t(full->count) * class_bytes(size_class);
  if (previous != nullptr)
    stack(d.empty, previous);
  previous = current;
  current = full;
  return full->blocks[std::size_t(--full->count)];
}

void give_slowly(void* block, int size_class) noexcept {
  if (size_class == unpooled || !have_magazines())
    return std::free(block);
  auto& [current, previous] = magazines[size_class];
  if (previous != nullptr && previous->count < magazine_capacity(size_class)) {
    std::swap(current, previous);
    current->blocks[std::size_t(current->count++)] = block;
    return;
  }
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
  if (empty == nullptr)
    return std::free(block);
  empty->blocks[0] = block;
  empty->count = 1;
  current = empty;
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
