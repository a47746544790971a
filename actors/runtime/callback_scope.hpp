// What the calling thread is in the middle of: whose callbacks are on its stack, and whether it is a pooled worker.
#pragma once

#include "actors/runtime/thread_state.hpp"

#include <cstdint>

namespace mycelium::runtime {

class lane;
class message;

struct callback_scope;
MYCELIUM_HOT_THREAD_LOCAL inline callback_scope* innermost_callback = nullptr;
// A pooled worker must never wait: the one it waits for may need this very thread.
MYCELIUM_HOT_THREAD_LOCAL inline bool on_pooled_worker = false;

// Stands on the stack around user code.
struct callback_scope {
  const void* bus;
  lane* subscription;               // nullptr in a reply handler
  const message* current = nullptr; // what is being delivered, nullptr in a batch
  callback_scope* outer;
  int depth;

  callback_scope(const void* runs_for, lane* whose) noexcept
      : bus(runs_for), subscription(whose), outer(innermost_callback), depth(outer == nullptr ? 1 : outer->depth + 1) {
    innermost_callback = this;
  }
  ~callback_scope() { innermost_callback = outer; }
  callback_scope(const callback_scope&) = delete;
  callback_scope& operator=(const callback_scope&) = delete;
};

inline int callback_depth() noexcept { return innermost_callback == nullptr ? 0 : innermost_callback->depth; }

inline bool in_callback_of(const void* bus) noexcept {
  for (auto* scope = innermost_callback; scope != nullptr; scope = scope->outer)
    if (scope->bus == bus)
      return true;
  return false;
}

inline bool in_callback_of(const lane& subscription) noexcept {
  for (auto* scope = innermost_callback; scope != nullptr; scope = scope->outer)
    if (scope->subscription == &subscription)
      return true;
  return false;
}

} // namespace mycelium::runtime
