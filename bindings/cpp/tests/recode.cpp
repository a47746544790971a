// For each line "TYPE_ID HEX" of the standard input: the payload decoded and encoded again in hexadecimal, or
// "refused". Generated C++. agree.py compares it with the other languages'.
#include "golden.hpp" // written by mycelium schema compile when this is built
#include "mycelium.hpp"

#include <charconv>
#include <iostream>
#include <map>
#include <string>
#include <vector>

namespace {

using namespace mycelium::examples;
using namespace mycelium::golden;

std::vector<std::uint8_t> from_hex(const std::string& text) {
  std::vector<std::uint8_t> bytes(text.size() / 2);
  for (std::size_t i = 0; i < bytes.size(); ++i)
    std::from_chars(text.data() + 2 * i, text.data() + 2 * i + 2, bytes[i], 16);
  return bytes;
}

std::string to_hex(std::span<const std::uint8_t> bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const auto byte : bytes)
    text += {digits[byte >> 4], digits[byte & 15]};
  return text;
}

template <class T>
std::string recode(std::span<const std::uint8_t> payload) {
  const auto value = T::decode(payload);
  return value ? to_hex(value->encode()) : "refused";
}

template <class... T>
auto recoders() {
  return std::map<std::uint16_t, std::string (*)(std::span<const std::uint8_t>)>{{T::type_id, recode<T>}...};
}

} // namespace

int main() {
  const auto all = recoders<TextMessage, CounterUpdate, BatchOperation, WordCountRequest, WordCountReply, Scalars,
                            Defaults, Optionals, Strings, Vectors, Structs, Node, Drawing, Evolved, Mixed, Empty>();
  std::ios::sync_with_stdio(false);
  std::string line;
  while (std::getline(std::cin, line)) {
    const auto space = line.find(' ');
    const auto type_id = static_cast<std::uint16_t>(std::stoul(line.substr(0, space)));
    std::cout << all.at(type_id)(from_hex(line.substr(space + 1))) << '\n';
  }
}
