// What the bus holds for one subscription: its lane, its actor, and who else waits for the lane.
#pragma once

#include "actors/runtime/bus.hpp"

#include <caf/actor.hpp>

namespace mycelium::runtime {

struct bus::subscription {
  counted_ptr<lane> data;
  caf::actor actor;
  std::vector<std::uint16_t> types; // of one that leads away, sorted; the others' are their options'
};

} // namespace mycelium::runtime
