// SHA-256 (FIPS 180-4). Written here, in sixty lines with the standard's test vectors, so that the schema room, which
// tools are built with that link nothing of OpenSSL, needs no libcrypto.
#pragma once

#include "schema/registry.hpp"

#include <string>
#include <string_view>

namespace mycelium::schema {

digest sha256(std::string_view message);
std::string hex(bytes of);

} // namespace mycelium::schema
