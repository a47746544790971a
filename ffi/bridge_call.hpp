// A call that needs the runtime's bridge.
#pragma once

#include "actors/bridge/bridge.hpp"
#include "actors/runtime/callback_scope.hpp"
#include "ffi/handles.hpp"

namespace mycelium::ffi {

enum class when_none { open, refuse };

// Calls use(bridge) on the runtime's bridge. It may wait for the bridge's thread, which must not wait for it.
template <class Use>
std::int32_t with_bridge(MyceliumRuntime* rt, when_none otherwise, Use use) {
  const pinned_bus bus(rt);
  if (!bus)
    return bus.error();
  if (runtime::innermost_callback != nullptr || runtime::on_pooled_worker)
    return fail(status::unsupported, "a callback cannot wait for the bridge; call it from a thread of your own");
  if (const auto attached = bus->attached())
    return use(static_cast<bridge::bridge&>(*attached));
  if (otherwise == when_none::refuse)
    return fail(status::invalid_argument, "the runtime has no bridge: mycelium_bridge_listen or _dial first");
  const auto opened = bridge::bridge::start(*bus, {});
  if (opened)
    return use(**opened);
  if (const auto attached = bus->attached()) // another thread was faster
    return use(static_cast<bridge::bridge&>(*attached));
  return fail(opened.error());
}

} // namespace mycelium::ffi
