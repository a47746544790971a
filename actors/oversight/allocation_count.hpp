// For tests: how often this thread has called operator new. Linking it replaces operator new and delete.
#pragma once

#include <cstddef>

namespace mycelium::oversight::testing {

std::size_t allocation_count() noexcept;

} // namespace mycelium::oversight::testing
