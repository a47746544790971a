// backfire_config as a JSON object.
#pragma once

#include "actors/oversight/config.hpp"

#include <string_view>

namespace mycelium::oversight {

// Over the defaults. invalid_argument, "config error: ...": no JSON object, a key that is no field or stands twice, a
// value that is no number, or what check() refuses. Any bytes may be given.
result<backfire_config> read_config(std::string_view json);
// Every field, on one line; read_config reads the same config from it. The config has to be right.
std::string write_config(const backfire_config& config);

} // namespace mycelium::oversight
