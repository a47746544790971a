#include "tools/benchmarks/block_pool.hpp"

#include <array>
#include <bit>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace mycelium::bench {

namespace {

constexpr std::size_t smallest = 64;
constexpr std::size_t classes = 12; // 64 bytes, 128 ... 128 KiB

std::size_t class_of(std::size_t bytes) { return bytes <= smallest ? 0 : std::bit_width((bytes - 1) / smallest); }
std::size_t class_bytes(std::size_t size_class) { return smallest << size_class; }
std::size_t rounds(std::size_t size_class) { return size_class < 7 ? 64 : size_class < 10 ? 16 : 4; }

struct magazine {
  std::array<void*, 64> blocks;
  std::size_t count = 0;
};
using magazine_ptr = std::unique_ptr<magazine>;

struct depot {
  std::mutex mutex;
  std::vector<magazine_ptr> full;
  std::vector<magazine_ptr> empty;
};

std::array<depot, classes>& depots() {
  static auto* all = new std::array<depot, classes>; // outlives every thread's cache
  return *all;
}

// Two magazines a class: a thread goes to the depot only after as many takes or gives as a magazine has rounds.
struct cache {
  struct pair {
    magazine_ptr loaded = std::make_unique<magazine>();
    magazine_ptr previous = std::make_unique<magazine>();
  };
  std::array<pair, classes> pairs;

  ~cache() {
    for (std::size_t i = 0; i < classes; ++i) {
      depot& home = depots()[i];
      const std::lock_guard guard(home.mutex);
      for (magazine_ptr* held : {&pairs[i].loaded, &pairs[i].previous}) {
        ((*held)->count != 0 ? home.full : home.empty).push_back(std::move(*held));
      }
    }
  }
};

cache& my_cache() {
  static thread_local cache mine;
  return mine;
}

void* take_slowly(cache::pair& held, std::size_t size_class) {
  if (held.previous->count == 0) {
    depot& home = depots()[size_class];
    const std::lock_guard guard(home.mutex);
    if (home.full.empty()) {
      return std::malloc(class_bytes(size_class));
    }
    home.empty.push_back(std::exchange(held.previous, std::move(home.full.back())));
    home.full.pop_back();
  }
  std::swap(held.loaded, held.previous);
  return held.loaded->blocks[--held.loaded->count];
}

void give_slowly(cache::pair& held, std::size_t size_class, void* memory) {
  if (held.previous->count != 0) {
    depot& home = depots()[size_class];
    const std::lock_guard guard(home.mutex);
    magazine_ptr fresh;
    if (home.empty.empty()) {
      fresh = std::make_unique<magazine>();
    } else {
      fresh = std::move(home.empty.back());
      home.empty.pop_back();
    }
    home.full.push_back(std::exchange(held.previous, std::move(fresh)));
  }
  std::swap(held.loaded, held.previous);
  held.loaded->blocks[held.loaded->count++] = memory;
}

} // namespace

void* block_pool::take(std::size_t bytes) {
  if (bytes > largest) {
    return std::malloc(bytes);
  }
  const std::size_t size_class = class_of(bytes);
  cache::pair& held = my_cache().pairs[size_class];
  if (held.loaded->count != 0) {
    return held.loaded->blocks[--held.loaded->count];
  }
  return take_slowly(held, size_class);
}

void block_pool::give(void* memory, std::size_t bytes) {
  if (bytes > largest) {
    std::free(memory);
    return;
  }
  const std::size_t size_class = class_of(bytes);
  cache::pair& held = my_cache().pairs[size_class];
  if (held.loaded->count < rounds(size_class)) {
    held.loaded->blocks[held.loaded->count++] = memory;
    return;
  }
  give_slowly(held, size_class, memory);
}

} // namespace mycelium::bench
