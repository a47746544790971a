// Runtime handles are ids in the shape of pointers: an index into a table and a serial number that is never reused. A
// stale handle is therefore found out, not followed.
#pragma once

#include "actors/runtime/bus.hpp"
#include "actors/runtime/reader.hpp"
#include "ffi/fence.hpp"

#include <memory>

namespace mycelium::ffi {

MyceliumRuntime* add_handle(std::unique_ptr<runtime::bus> bus); // throws std::runtime_error if 4096 live already

struct handle_slot {
  std::atomic<std::uintptr_t> handle{0};
  std::atomic<runtime::bus*> target{nullptr};
  std::atomic<bool> forked{false};
  std::atomic<bool> claimed{false}; // somebody destroys it
};
constexpr std::size_t handle_slots = 4096;
extern handle_slot handle_table[handle_slots];

constexpr std::size_t slot_of(std::uintptr_t handle) noexcept { return (handle >> 4) % handle_slots; }

// Under a read_guard, and valid while it is up; nullptr for a stale handle.
inline runtime::bus* find_handle(const MyceliumRuntime* rt) noexcept {
  const auto handle = reinterpret_cast<std::uintptr_t>(rt);
  auto& slot = handle_table[slot_of(handle)];
  return slot.handle.load(std::memory_order_acquire) == handle ? slot.target.load(std::memory_order_seq_cst) : nullptr;
}

// Records why find_handle found nothing.
std::int32_t fail_handle(const MyceliumRuntime* rt) noexcept;

// For one caller, who then destroys the bus; nullptr for all others and for a stale handle.
runtime::bus* claim_destruction(const MyceliumRuntime* rt) noexcept;
// Makes a claimed handle stale. Other threads may be using the bus still.
void remove_handle(const MyceliumRuntime* rt) noexcept;

// A use of a runtime that may last: the bus is not freed before it ends.
class pinned_bus {
public:
  explicit pinned_bus(const MyceliumRuntime* rt) noexcept {
    const runtime::read_guard guard;
    bus_ = find_handle(rt);
    if (bus_ != nullptr)
      bus_->enter();
    else
      error_ = fail_handle(rt);
  }
  ~pinned_bus() {
    if (bus_ != nullptr)
      bus_->leave();
  }
  pinned_bus(const pinned_bus&) = delete;
  pinned_bus& operator=(const pinned_bus&) = delete;

  explicit operator bool() const noexcept { return bus_ != nullptr; }
  std::int32_t error() const noexcept { return error_; }
  runtime::bus* operator->() const noexcept { return bus_; }
  runtime::bus& operator*() const noexcept { return *bus_; }

private:
  runtime::bus* bus_ = nullptr;
  std::int32_t error_ = 0;
};

} // namespace mycelium::ffi
