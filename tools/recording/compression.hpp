// What the records of a chunk are compressed with: LZ4 frames, Zstandard, or nothing.
#pragma once

#include "schema/status.hpp"
#include "tools/recording/mcap.hpp"

#include <optional>
#include <string_view>

namespace mycelium::mcap {

enum class compression { none, lz4, zstd };

// As it stands in the file: "", "lz4", "zstd".
std::string_view name_of(compression method) noexcept;
std::optional<compression> compression_named(std::string_view name) noexcept;

// No more than input.size() bytes, or nothing if it would not get smaller. Not for compression::none.
std::optional<std::vector<std::uint8_t>> compress(compression method, bytes input);

// Exactly `size` bytes, or a failure: memory for more is never taken, whatever the input claims. invalid_payload.
result<std::vector<std::uint8_t>> decompress(compression method, bytes input, std::size_t size);

} // namespace mycelium::mcap
