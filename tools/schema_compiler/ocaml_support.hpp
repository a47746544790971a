// ocaml/flat.ml as text, which the build puts into the compiler.
#pragma once

#include <cstdint>
#include <span>

namespace mycelium::schema_compiler {

std::span<const std::uint8_t> flat_ml_text() noexcept;

} // namespace mycelium::schema_compiler
