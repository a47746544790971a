// What a stream has kept, onto a bus once more.
#pragma once

#include "mycelium.h"
#include "tools/nats/settings.hpp"

#include <cstdint>
#include <memory>

namespace mycelium::nats {

struct replay_options {
  std::vector<std::string> types;  // patterns as for --nats-topic; none: all that the stream has
  std::uint64_t from_sequence = 0; // of the stream; 0: its oldest message
  std::uint64_t to_sequence = 0;   // the last one; 0: the stream's newest when the replay begins
  std::int64_t from_ns = 0;        // stored since, nanoseconds since 1970; 0: does not matter
  std::int64_t to_ns = 0;          // and not after; 0: does not matter
  double speed = 1;                // times the original; 0: as fast as the bus takes it
};

struct replay_totals {
  std::uint64_t published = 0;
  std::uint64_t refused = 0; // damaged, of another schema, or not of a chosen type
  std::uint64_t first = 0;   // sequence in the stream
  std::uint64_t last = 0;
  bool stopped = false;
};

// Waits so many nanoseconds; true if the replay is to stop.
using replay_pause = std::function<bool(std::int64_t)>;

// The messages keep publisher, sequence, time and the rest of their envelope, but come from a node that is drawn for
// this replay: so they are news to every node, and no bridge carries them back to NATS.
result<void> replay(MyceliumRuntime* bus, const settings& how, const replay_options& wanted, const replay_pause& pause,
                    replay_totals& totals);

} // namespace mycelium::nats
