// schema/flat_reader.hpp and flat_values.hpp as text, which the build puts into the compiler.
#pragma once

#include <cstdint>
#include <span>

namespace mycelium::schema_compiler {

std::span<const std::uint8_t> flat_reader_text() noexcept;
std::span<const std::uint8_t> flat_values_text() noexcept;

} // namespace mycelium::schema_compiler
