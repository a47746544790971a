#include "actors/bridge/crc32c.hpp"

#include <array>
#include <cstring>

namespace mycelium::bridge {
namespace {

constexpr std::uint32_t polynomial = 0x82f63b78; // bits reversed

constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    auto rest = byte;
    for (int bit = 0; bit < 8; ++bit)
      rest = (rest >> 1) ^ ((rest & 1) != 0 ? polynomial : 0);
    table[byte] = rest;
  }
  return table;
}
constexpr auto table = make_table();

std::uint32_t by_table(std::span<const std::uint8_t> bytes, std::uint32_t crc) noexcept {
  for (const auto byte : bytes)
    crc = (crc >> 8) ^ table[(crc ^ byte) & 0xff];
  return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t by_processor(std::span<const std::uint8_t> bytes,
                                                             std::uint32_t crc) noexcept {
  std::uint64_t wide = crc;
  std::size_t i = 0;
  for (; bytes.size() - i >= 8; i += 8) {
    std::uint64_t eight;
    std::memcpy(&eight, bytes.data() + i, 8);
    wide = __builtin_ia32_crc32di(wide, eight);
  }
  crc = static_cast<std::uint32_t>(wide);
  for (; i < bytes.size(); ++i)
    crc = __builtin_ia32_crc32qi(crc, bytes[i]);
  return crc;
}
const bool processor_can = __builtin_cpu_supports("sse4.2") != 0;
#endif

} // namespace

std::uint32_t crc32c(std::span<const std::uint8_t> bytes, std::uint32_t before) noexcept {
#if defined(__x86_64__)
  if (processor_can)
    return ~by_processor(bytes, ~before);
#endif
  return ~by_table(bytes, ~before);
}

} // namespace mycelium::bridge
