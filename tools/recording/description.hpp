// What is in a recording, found by reading all of it: `mycelium info FILE`.
#pragma once

#include "tools/recording/recording_reader.hpp"

namespace mycelium::recording {

struct type_description {
  recorded_channel channel;
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0; // of payloads
  std::uint64_t first_time = 0;
  std::uint64_t last_time = 0;
};

struct publisher_description {
  std::uint64_t publisher_id = 0;
  std::uint64_t messages = 0;
  std::uint64_t first_sequence = 0;
  std::uint64_t last_sequence = 0; // the highest
  std::uint64_t gaps = 0;          // places where the sequence jumps
  std::uint64_t missing = 0;       // sequence numbers in them; of types that were not recorded, or lost
  std::uint64_t out_of_order = 0;  // messages with a lower sequence than one before
};

struct description {
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0; // of payloads
  std::uint64_t first_time = 0;
  std::uint64_t last_time = 0;
  std::uint64_t chunks = 0;
  std::vector<type_description> types;           // in the order of their first message
  std::vector<publisher_description> publishers; // by id
  std::uint64_t unlisted = 0;                    // messages of publishers beyond the most that are listed (65536)
  std::uint64_t without_envelope = 0;
  std::vector<std::string> damage; // the first few places, in words
  std::uint64_t damaged = 0;       // places that cannot be read
  bool miscounted = false;         // the summary tells another number of messages than there are
};

// Verifies every checksum on the way.
description describe(recording_reader& recording);

} // namespace mycelium::recording
