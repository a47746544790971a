// What the crate mycelium has for encoding (bindings/rust/mycelium/src/codec), as text that the build puts into the
// compiler: a module that needs no crate carries it.
#pragma once

#include <cstdint>
#include <span>

namespace mycelium::schema_compiler {

std::span<const std::uint8_t> rust_codec_mod() noexcept;
std::span<const std::uint8_t> rust_codec_builder() noexcept;
std::span<const std::uint8_t> rust_codec_error() noexcept;
std::span<const std::uint8_t> rust_codec_plain() noexcept;
std::span<const std::uint8_t> rust_codec_reader() noexcept;

} // namespace mycelium::schema_compiler
