// SHA-256 (FIPS 180-4). Written here, in sixty lines with the standard's test vectors, because the library travels
// inside Python wheels: libcrypto would add 4.5 MB and a second OpenSSL to the process of whoever imports it.
#pragma once

#include "schema/registry.hpp"

#include <string_view>

namespace mycelium::schema {

digest sha256(std::string_view message);
std::string hex(const digest& value);

} // namespace mycelium::schema
