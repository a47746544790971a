// Publishes a recording on a bus, over the C interface.
#pragma once

#include "tools/recording/recording_reader.hpp"

#include "mycelium.h"

#include <set>

namespace mycelium::recording {

// Time as a replay sees it.
class pacer {
public:
  virtual ~pacer() = default;
  virtual std::int64_t now_ns() = 0;
  // false if the replay is to stop. Returns at once if the time has passed.
  virtual bool wait_until(std::int64_t time_ns) = 0;
  // Asked between messages, and while one waits for room in a mailbox.
  virtual bool stopped() = 0;
};

struct replay_options {
  double speed = 1;                // times the original; 0: as fast as the bus takes it
  std::set<std::uint16_t> types{}; // empty: all
  std::int64_t from_ns = 0;        // since the first message of the recording
  std::int64_t to_ns = INT64_MAX;
  std::uint64_t loops = 1;   // UINT64_MAX: until stopped
  bool any_schema = false;   // publish types whose schema differs from the bus's, too
  bool skip_damaged = false; // go on behind what is damaged
};

struct replay_totals {
  std::uint64_t published = 0;
  std::uint64_t not_delivered = 0; // at least one subscriber had no room
  std::uint64_t skipped = 0;       // of channels that were not recorded from a bus
  std::uint64_t damaged = 0;       // places that could not be read
  std::uint64_t loops = 0;         // completed
  bool stopped = false;
};

// In the order of the recording. Types that the bus does not know are registered with the schema of the recording.
// What happened until a failure is in totals. Blocks; not on a worker thread.
result<void> replay(MyceliumRuntime* runtime, recording_reader& from, const replay_options& options, pacer& pace,
                    replay_totals& totals);

} // namespace mycelium::recording
