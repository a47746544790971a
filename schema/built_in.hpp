// schema/mycelium.fbs and what it includes, compiled by flatc when the library is built.
#pragma once

#include "schema/registry.hpp"

namespace mycelium::schema {

bytes built_in_bfbs() noexcept;

} // namespace mycelium::schema
