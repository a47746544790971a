// A file's bytes, all of them.
#pragma once

#include "schema/status.hpp"

#include <string>

namespace mycelium::bridge {

// topology: it cannot be read.
result<std::string> read_whole_file(const std::string& path);

} // namespace mycelium::bridge
