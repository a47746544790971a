// The files of ocaml/ as text, which the build puts into the compiler.
#pragma once

#include <cstdint>
#include <span>

namespace mycelium::schema_compiler {

std::span<const std::uint8_t> flat_read_ml() noexcept;
std::span<const std::uint8_t> flat_write_ml() noexcept;
std::span<const std::uint8_t> flat_describe_ml() noexcept;

} // namespace mycelium::schema_compiler
