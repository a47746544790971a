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
// The checksum of a block followed by as many zeros as a lane is long, by one table look-up for each byte of the first:
// appending zeros is linear.
constexpr std::size_t lane = 256; // bytes
using shift_table = std::array<std::array<std::uint32_t, 256>, 4>;

constexpr shift_table make_shift_table() {
  std::array<std::uint32_t, 32> of_bit{};
  for (std::size_t bit = 0; bit < 32; ++bit) {
    of_bit[bit] = std::uint32_t{1} << bit;
    for (std::size_t i = 0; i < lane; ++i)
      of_bit[bit] = (of_bit[bit] >> 8) ^ table[of_bit[bit] & 0xff];
  }
  shift_table shifted{};
  for (std::size_t place = 0; place < 4; ++place)
    for (std::size_t byte = 0; byte < 256; ++byte)
      for (std::size_t bit = 0; bit < 8; ++bit)
        if ((byte >> bit & 1) != 0)
          shifted[place][byte] ^= of_bit[place * 8 + bit];
  return shifted;
}
constexpr auto shifted = make_shift_table();

std::uint64_t over_a_lane(std::uint64_t crc) noexcept {
  return shifted[0][crc & 0xff] ^ shifted[1][crc >> 8 & 0xff] ^ shifted[2][crc >> 16 & 0xff] ^
         shifted[3][crc >> 24 & 0xff];
}

// The instruction takes three cycles, but can begin in each: three lanes at once, put together at their ends (Gopal et
// al., Fast CRC Computation for iSCSI Polynomial Using CRC32 Instruction, 2011).
__attribute__((target("sse4.2"))) std::uint32_t by_processor(std::span<const std::uint8_t> bytes,
                                                             std::uint32_t crc) noexcept {
  const auto* at = bytes.data();
  auto left = bytes.size();
  const auto eight_at = [](const std::uint8_t* from) {
    std::uint64_t eight;
    std::memcpy(&eight, from, 8);
    return eight;
  };
  std::uint64_t wide = crc;
  for (; left >= 3 * lane; at += 3 * lane, left -= 3 * lane) {
    std::uint64_t second = 0;
    std::uint64_t third = 0;
    for (std::size_t i = 0; i < lane; i += 8) {
      wide = __builtin_ia32_crc32di(wide, eight_at(at + i));
      second = __builtin_ia32_crc32di(second, eight_at(at + lane + i));
      third = __builtin_ia32_crc32di(third, eight_at(at + 2 * lane + i));
    }
    wide = over_a_lane(over_a_lane(wide) ^ second) ^ third;
  }
  for (; left >= 8; at += 8, left -= 8)
    wide = __builtin_ia32_crc32di(wide, eight_at(at));
  crc = static_cast<std::uint32_t>(wide);
  for (; left > 0; ++at, --left)
    crc = __builtin_ia32_crc32qi(crc, *at);
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
