// The shape of a .bfbs file itself (FlatBuffers' reflection.fbs 2.0), so that it is checked like any payload.
#pragma once

#include "schema/payload_check.hpp"

namespace mycelium::schema {

inline constexpr std::uint32_t reflection_root = 0;
const payload_plan& reflection_plan();

} // namespace mycelium::schema
