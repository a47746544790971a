// JSON text by hand, for the few pages that the library writes of itself.
#pragma once

#include <string>
#include <string_view>

namespace mycelium::ffi {

// A JSON string. text is UTF-8.
inline std::string quoted(std::string_view text) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      out += std::string("\\") + c;
    else if (byte < 0x20)
      out += std::string("\\u00") + digits[byte >> 4] + digits[byte & 15];
    else
      out += c;
  }
  return out + "\"";
}

} // namespace mycelium::ffi
