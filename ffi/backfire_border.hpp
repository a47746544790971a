// What the functions of backfire*.h share at their border: structs over defaults, and arrays with lengths.
#pragma once

#include "actors/oversight/stream.hpp"
#include "ffi/fence.hpp"
#include "ffi/include/backfire_physics.h"

#include <algorithm>
#include <memory>
#include <span>

struct BackfireInterlock {
  std::shared_ptr<mycelium::oversight::interlock> lock;
};

namespace mycelium::ffi {

// What the caller's struct does not have keeps the default, and so does all of it where the caller has none. False if
// its size was not set.
template <class Struct>
bool read_over_defaults(Struct& ours, const Struct* theirs, void (*init)(Struct*)) noexcept {
  init(&ours);
  if (theirs == nullptr)
    return true;
  const auto size = theirs->struct_size;
  if (size < sizeof(std::size_t) * 2)
    return false;
  std::memcpy(&ours, theirs, size < sizeof ours ? size : sizeof ours);
  return true;
}

oversight::backfire_config config_of(const BackfireConfig& config) noexcept;
oversight::stream_options options_of(const BackfireOptions& options) noexcept;
BackfireConfig config_to_c(const oversight::backfire_config& config) noexcept; // without struct_size

// Counts are unsigned in C; what is beyond an int is beyond every limit, too.
inline int count_of(std::uint32_t value) noexcept { return int(std::min<std::uint32_t>(value, 1u << 30)); }

// An array that is read: NULL counts as empty.
inline std::span<const double> array_of(const double* data, std::size_t len) noexcept {
  return data == nullptr ? std::span<const double>() : std::span(data, len);
}

std::int32_t fail_length(const char* name, std::size_t expected, std::size_t found) noexcept;

// An array that is written: it has to have the length, or to be absent where it may be.
inline std::int32_t check_wanted(const char* name, const double* data, std::size_t len, std::size_t expected) noexcept {
  if (data == nullptr && len != 0)
    return fail_null(name);
  return len == 0 || len == expected ? BACKFIRE_SUCCESS : fail_length(name, expected, len);
}
inline std::int32_t check_array(const char* name, const double* data, std::size_t len, std::size_t expected) noexcept {
  if (data == nullptr)
    return fail_null(name);
  return len == expected ? BACKFIRE_SUCCESS : fail_length(name, expected, len);
}

} // namespace mycelium::ffi
