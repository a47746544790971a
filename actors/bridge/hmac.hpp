// HMAC-SHA256 (RFC 2104) for the token's challenge, by OpenSSL.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace mycelium::bridge {

std::array<std::uint8_t, 32> hmac_sha256(std::string_view key, std::string_view message);
bool equal_in_constant_time(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) noexcept;

} // namespace mycelium::bridge
