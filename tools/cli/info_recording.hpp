// mycelium info, for a recording.
#pragma once

#include <string>

namespace mycelium::cli {

// Whether the file begins like a recording.
bool is_recording(const std::string& path);
// Prints what is in it; the verb's exit code: failed if something in it is damaged.
int describe_recording(const std::string& path, bool json);

} // namespace mycelium::cli
