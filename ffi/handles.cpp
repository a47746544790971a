#include "ffi/handles.hpp"

#include "actors/runtime/block_pool.hpp"

#include <mutex>
#include <pthread.h>
#include <stdexcept>

namespace mycelium::ffi {

constinit handle_slot handle_table[handle_slots];

namespace {

std::mutex& table_mutex() {
  static auto* mutex = new std::mutex; // fork handlers may run at any time, also late in the exit
  return *mutex;
}
std::uintptr_t last_serial = 0;

// fork: the child has one thread and none of the runtimes' others. Its handles become FORKED; it may create new
// runtimes.
void before_fork() {
  table_mutex().lock();
  runtime::block_pool::lock_depots();
}

void after_fork_in_parent() {
  runtime::block_pool::unlock_depots();
  table_mutex().unlock();
}

void after_fork_in_child() {
  for (auto& slot : handle_table) {
    if (slot.target.load(std::memory_order_relaxed) == nullptr)
      continue;
    slot.forked.store(true, std::memory_order_relaxed);
    slot.target.store(nullptr, std::memory_order_relaxed); // abandoned: its threads are not here
  }
  runtime::forget_other_readers();
  runtime::block_pool::unlock_depots();
  table_mutex().unlock();
}

void install_fork_handlers() {
  static std::once_flag once;
  std::call_once(once, [] { pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child); });
}

} // namespace

MyceliumRuntime* add_handle(std::unique_ptr<runtime::bus> bus) {
  install_fork_handlers();
  std::lock_guard lock(table_mutex());
  for (std::size_t i = 0; i < handle_slots; ++i) {
    const auto serial = last_serial + 1;
    const auto index = serial % handle_slots;
    last_serial = serial;
    auto& slot = handle_table[index];
    if (slot.target.load(std::memory_order_relaxed) != nullptr || slot.forked.load(std::memory_order_relaxed))
      continue;
    const auto handle = (serial / handle_slots + 1) * (handle_slots << 4) | index << 4;
    slot.target.store(bus.release(), std::memory_order_relaxed);
    slot.handle.store(handle, std::memory_order_release);
    return reinterpret_cast<MyceliumRuntime*>(handle);
  }
  throw std::runtime_error("4096 runtimes are alive already; destroy some of them");
}

std::int32_t fail_handle(const MyceliumRuntime* rt) noexcept {
  if (rt == nullptr)
    return fail_null("the runtime");
  const auto handle = reinterpret_cast<std::uintptr_t>(rt);
  const auto& slot = handle_table[slot_of(handle)];
  if (slot.handle.load(std::memory_order_acquire) == handle && slot.forked.load(std::memory_order_relaxed))
    return fail(status::forked, "this runtime belongs to the parent process; create one of your own after fork");
  return fail(status::closed, "this runtime was destroyed, or the pointer never was one");
}

runtime::bus* claim_destruction(const MyceliumRuntime* rt) noexcept {
  const runtime::read_guard guard;
  auto* target = find_handle(rt);
  if (target == nullptr)
    return nullptr;
  auto& slot = handle_table[slot_of(reinterpret_cast<std::uintptr_t>(rt))];
  return slot.claimed.exchange(true, std::memory_order_seq_cst) ? nullptr : target;
}

void remove_handle(const MyceliumRuntime* rt) noexcept {
  std::lock_guard lock(table_mutex());
  auto& slot = handle_table[slot_of(reinterpret_cast<std::uintptr_t>(rt))];
  slot.target.store(nullptr, std::memory_order_seq_cst);
  slot.claimed.store(false, std::memory_order_seq_cst);
}

} // namespace mycelium::ffi
