// How an overseer watches its sessions: what it is made with.
#pragma once

#include "actors/oversight/config.hpp"
#include "actors/oversight/stream.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace mycelium::oversight {

enum class watch_mode : std::int32_t {
  gate = 0,   // sources address their tokens to the session's actor, which publishes those that may be shown
  observe = 1 // sources publish to all; what is wrong is told and cancelled, but may have been seen
};

// What a scorer is asked. The texts are valid during the call.
struct score_question {
  std::uint64_t session_id;
  std::uint64_t index;
  std::string_view token;
  std::string_view so_far; // with this token; empty unless the text is kept
};

struct score_answer {
  static constexpr std::size_t error_room = 160;

  bool scored = false;
  double score = 0;
  char error[error_room] = ""; // why there is no score

  void set_error(std::string_view why) noexcept;
};

struct overseer_settings {
  std::string name; // shown in metrics, logs and as the beginning of its actors' names
  backfire_config config;
  stream_options options;
  std::shared_ptr<interlock> lock; // nullptr: each stream has its own
  watch_mode mode = watch_mode::gate;

  // Called in the turn of the session's actor: for one session never twice at once, for several it may be. Empty: each
  // score is asked for on the bus.
  std::function<void(const score_question&, score_answer&)> score;
  std::uint64_t scorer_subscription = 0; // who is asked on the bus; 0: every subscription of OversightScoreRequest

  bool run_inline = false;            // a token of a session that waits is looked at in its publisher's thread
  std::uint32_t capacity = 64;        // tokens that wait in one session's mailbox; a power of two
  std::uint32_t max_held = 1024;      // tokens of one session that wait for the end of their sentence, or for room
  std::uint32_t max_sessions = 65536; // at once
  std::uint32_t text_bytes = 0;       // so many of the text's last bytes are kept; 0: none
  std::int64_t idle_ns = 60'000'000'000;

  // invalid_argument that names the field; config and options are checked by stream::begin.
  result<void> check() const;
};

} // namespace mycelium::oversight
