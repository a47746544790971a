// Writes what can still be read of a recording into a new one that ends properly.
#pragma once

#include "tools/recording/recording_reader.hpp"
#include "tools/recording/recording_writer.hpp"

namespace mycelium::recording {

struct recovered_totals {
  std::uint64_t messages = 0;
  std::uint64_t damaged = 0; // places that could not be read
  std::uint64_t skipped = 0; // messages that were not recorded from a bus
};

// Copies every message with its times and envelope, and ends `to`. The failure is of `to`; damage in `from` is counted.
result<recovered_totals> recover(recording_reader& from, recording_writer& to);

} // namespace mycelium::recording
