#include "actors/bridge/hmac.hpp"

#include "schema/sha256.hpp"

#include <string>

namespace mycelium::bridge {
namespace {

std::string_view as_text(const schema::digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

} // namespace

std::array<std::uint8_t, 32> hmac_sha256(std::string_view key, std::string_view message) {
  constexpr std::size_t block = 64;
  std::string padded(key.size() > block ? as_text(schema::sha256(key)) : key);
  padded.resize(block, '\0');
  std::string inner;
  std::string outer;
  for (const char each : padded) {
    inner += static_cast<char>(each ^ 0x36);
    outer += static_cast<char>(each ^ 0x5c);
  }
  const auto digest = schema::sha256(inner.append(message));
  return schema::sha256(outer.append(as_text(digest)));
}

bool equal_in_constant_time(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) noexcept {
  if (a.size() != b.size())
    return false;
  unsigned differences = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    differences |= static_cast<unsigned>(a[i] ^ b[i]);
  return differences == 0;
}

} // namespace mycelium::bridge
