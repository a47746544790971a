// A FlatBuffer that grows from the end of its memory to the front, as FlatBufferBuilder does; positions count from the
// end.
#pragma once

#include "python.hpp"

#include "codec.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace mycelium::python {

struct memory {
  std::uint8_t* base = nullptr;
  std::size_t capacity = 0;
  bool busy = false;

  memory() = default;
  memory(const memory&) = delete;
  memory& operator=(const memory&) = delete;
  ~memory() { std::free(base); }
};

class builder {
public:
  explicit builder(memory& room) : room_(room) {}

  std::size_t size() const { return size_; }
  std::uint8_t* head() { return room_.base + (room_.capacity - size_); }

  // Room for count bytes at the front, not yet written. NULL with an error.
  std::uint8_t* push(std::size_t count) {
    if (count > room_.capacity - size_ && !grow(count))
      return nullptr;
    size_ += count;
    return head();
  }

  // Pads so that something aligned can stand in front of the next count bytes.
  bool align(std::size_t count, std::size_t alignment) {
    min_align_ = std::max(min_align_, alignment);
    const std::size_t padding = (~(size_ + count) + 1) & (alignment - 1);
    if (padding == 0)
      return true;
    std::uint8_t* at = push(padding);
    if (at)
      std::memset(at, 0, padding);
    return at != nullptr;
  }
  bool align_all() { return align(sizeof(std::uint32_t), min_align_); }

  template <class T>
  bool put(T value) {
    std::uint8_t* at = align(0, sizeof value) ? push(sizeof value) : nullptr;
    if (at)
      std::memcpy(at, &value, sizeof value);
    return at != nullptr;
  }

  bool refer(std::size_t target) { return align(0, 4) && put(static_cast<std::uint32_t>(size_ - target + 4)); }

  // Aligns for a vector of count bytes and makes room for them. Their length is put by the caller.
  std::uint8_t* push_elements(std::size_t count, std::size_t alignment) {
    if (count > 0 && !(align(count, 4) && align(count, alignment)))
      return nullptr;
    return push(count);
  }

  bool put_string(const char* text, std::size_t count) {
    std::uint8_t* at = align(count + 1, 4) ? push(count + 1) : nullptr;
    if (!at)
      return false;
    std::memcpy(at, text, count);
    at[count] = 0;
    return put(static_cast<std::uint32_t>(count));
  }

  // Puts a vtable, or finds the same one written before, and points the table at position to it.
  bool put_vtable(const std::uint16_t* slots, std::size_t bytes, std::size_t table) {
    std::size_t use = find_vtable(slots, bytes);
    if (use == 0) {
      std::uint8_t* at = push(bytes);
      if (!at)
        return false;
      std::memcpy(at, slots, bytes);
      use = size_;
      vtables_.push_back(static_cast<std::uint32_t>(use));
    }
    const auto distance = static_cast<std::int32_t>(static_cast<std::int64_t>(use) - static_cast<std::int64_t>(table));
    std::memcpy(at(table), &distance, sizeof distance);
    return true;
  }

private:
  std::uint8_t* at(std::size_t position) { return room_.base + (room_.capacity - position); }

  std::size_t find_vtable(const std::uint16_t* slots, std::size_t bytes) {
    for (auto it = vtables_.rbegin(); it != vtables_.rend(); ++it) {
      const std::uint8_t* known = at(*it);
      std::uint16_t known_bytes = 0;
      std::memcpy(&known_bytes, known, sizeof known_bytes);
      if (known_bytes == bytes && std::memcmp(known, slots, bytes) == 0)
        return *it;
    }
    return 0;
  }

  bool grow(std::size_t count) {
    if (count > max_size - size_) {
      PyErr_SetString(PyExc_ValueError, "the message is larger than 2 GiB");
      return false;
    }
    const std::size_t wanted = std::max({size_ + count, room_.capacity * 2, std::size_t{1024}});
    auto* moved = static_cast<std::uint8_t*>(std::malloc(wanted));
    if (!moved) {
      PyErr_NoMemory();
      return false;
    }
    if (size_ > 0)
      std::memcpy(moved + (wanted - size_), head(), size_);
    std::free(std::exchange(room_.base, moved));
    room_.capacity = wanted;
    return true;
  }

  memory& room_;
  std::size_t size_ = 0;
  std::size_t min_align_ = 1;
  std::vector<std::uint32_t> vtables_;
};

} // namespace mycelium::python
