// Mycelium for C++20: everything. Header-only, over mycelium.h and mycelium_bridge.h alone; docs/cpp.md is the guide.
//
//   auto bus = mycelium::runtime::create().value();
//   auto hearing = bus.subscribe<TextMessage>([](const TextMessage& message) { ... }).value();
//   bus.publish(TextMessage{.sender = "C++", .content = "hello"}).value();
//
// Generated types come from `mycelium schema compile --cpp DIR FILE.fbs`.
#pragma once

#include <mycelium/bridge.hpp>
#include <mycelium/loan.hpp>
#include <mycelium/message.hpp>
#include <mycelium/options.hpp>
#include <mycelium/queue.hpp>
#include <mycelium/request.hpp>
#include <mycelium/runtime.hpp>
#include <mycelium/status.hpp>
#include <mycelium/subscription.hpp>
