// What `mycelium oversight` watches, and how it shows it: a source says tokens on a runtime, whatever it is, and the
// watch follows what becomes of one session by the messages that everybody gets.
#pragma once

#include "backfire.h"
#include "mycelium_oversight.h"
#include "schema/status.hpp"
#include "tools/cli/bus_source.hpp"

#include <cstdint>
#include <cstdio>
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace mycelium::cli {

// Where the tokens of this process come from.
class stream_source {
public:
  virtual ~stream_source() = default;
  // Says a whole session, whose messages go to subscription `to`; returns when its InferenceDone is published. On a
  // thread of its own.
  virtual result<void> run(MyceliumRuntime* rt, std::uint64_t session_id, std::uint64_t to) = 0;
};

// The words of a text, at most so many a second (0: as fast as they are taken).
std::unique_ptr<stream_source> text_source(std::string text, double per_second);

// How tokens are scored. Owns what its callback uses, and outlives the oversight.
class stream_scorer {
public:
  virtual ~stream_scorer() = default;
  virtual void score(const MyceliumScoreQuestion& question, MyceliumScoreAnswer* answer) = 0;
};

// The scores of the tokens, from the first on; a token that has none has failed.
result<std::unique_ptr<stream_scorer>> scores_in_file(const std::string& path);
// The coherence of the text so far with a prompt and with facts, a line each, as backfire_scorer_review finds it.
result<std::unique_ptr<stream_scorer>> coherence_with(const BackfireConfig& config, std::string prompt,
                                                      const std::string& facts_path);

result<std::string> read_file(const std::string& path); // "-": the standard input

struct watch_settings {
  BackfireConfig config;
  BackfireOptions options;
  bool json = false;
};

// How it ended.
struct watch_outcome {
  bool halted = false;
};

// Creates an oversight with the scorer, has the source say one session, and shows it on stdout: the text that is
// released, on a terminal with a line of scores below it, and at the end what became of it; or with json one object a
// line for each verdict, then one for the end.
result<watch_outcome> watch_stream(const watch_settings& how, stream_source& source, stream_scorer& scorer);

// The same for a session whose tokens others publish on the bus, begun or not: 0 is the first that is seen. What is
// wrong is told to them: the watch does not stand between them and their readers. Starts the bus; waits until the
// session ends.
result<watch_outcome> watch_live(const watch_settings& how, bus_source& bus, std::uint64_t session,
                                 stream_scorer& scorer);

} // namespace mycelium::cli
