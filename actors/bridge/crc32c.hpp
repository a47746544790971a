// CRC-32C (Castagnoli), as in RFC 3720: the checksum that processors compute by themselves. Written here because it
// stands on the path of every frame, a few bytes at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace mycelium::bridge {

// Of the bytes after those that `before` is the checksum of; 0 to begin with.
std::uint32_t crc32c(std::span<const std::uint8_t> bytes, std::uint32_t before = 0) noexcept;

} // namespace mycelium::bridge
