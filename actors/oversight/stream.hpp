// One token stream under oversight: push each token with its score, obey the verdict. All memory is taken when the
// stream begins; a push allocates nothing and waits for nothing. One thread at a time uses a stream; distinct streams
// share only their interlock. docs/oversight.md states every check and the order of its floating-point operations.
#pragma once

#include "actors/oversight/config.hpp"
#include "actors/oversight/verdict.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <memory>
#include <string_view>
#include <vector>

namespace mycelium::oversight {

// Lets tokens pass while it is active. May be used from any thread, and by any number of streams.
class interlock {
public:
  bool active() const noexcept { return active_.load(std::memory_order_acquire); }
  void stop() noexcept { active_.store(false, std::memory_order_release); }
  void reactivate() noexcept { active_.store(true, std::memory_order_release); }

private:
  std::atomic<bool> active_{true};
};

// What the caller knows of a token.
struct observation {
  bool scored = false; // false: nobody scored it, which is right only where wants_score() was false
  double score = 0;
  double latency_ms = 0;    // from asking for the score to having it
  bool has_entropy = false; // in bits
  double entropy = 0;
  const char* error = nullptr; // why there is no score: it counts as 0 and halts
};

struct sample {
  std::uint64_t index = 0;
  double score = 0;
};

// A stream as a whole.
struct session_summary {
  bool halted = false;
  std::int64_t halt_index = -1;
  halt_kind kind = halt_kind::none;
  double measured = 0;
  double limit = 0;
  std::uint64_t tokens = 0;   // pushed, the halting one included
  std::uint64_t scored = 0;   // of them with a score
  std::uint64_t released = 0; // of them
  std::uint64_t warnings = 0; // scores under the soft limit
  double average = 0;         // of the scores; 0 without any
  double minimum = 0;
};

class stream {
public:
  // invalid_argument if config or options are wrong. Without an interlock the stream has one of its own.
  static result<stream> begin(const backfire_config& config, const stream_options& options = {},
                              std::shared_ptr<interlock> lock = nullptr);

  // Whether the next token is one that score_every asks to be scored.
  bool wants_score() const noexcept { return until_score_ == 0; }

  // After a halt or finish() it takes nothing more and repeats the last verdict.
  verdict push(std::string_view token, const observation& seen) noexcept;
  // The same for a token of which only the score is known.
  [[gnu::always_inline]] verdict push(std::string_view token, double score) noexcept;

  // The stream ends here: what waited for the end of its sentence is released, unless the stream has halted. May be
  // called again.
  session_summary finish() noexcept;
  session_summary summary() const noexcept;

  // The newest scores, oldest first: copies at most room of them, returns how many.
  std::size_t evidence(sample* out, std::size_t room) const noexcept;
  // What the scorer said when it failed; "" if it did not.
  std::string_view error() const noexcept { return error_; }

private:
  // Scores between 0 and 1 as whole numbers of 2^-53: their sum is exact in any order, so a window neither drifts nor
  // finds that ten times 0.55 is less than 0.55. What is beyond 1 counts as 1; what is below 2^-53 of a unit is cut
  // off.
  static constexpr double unit = 9007199254740992.0; // 2^53
  static std::int64_t units_of(double score) noexcept {
    return static_cast<std::int64_t>(std::clamp(score, 0.0, 1.0) * unit);
  }

  struct finding {
    halt_kind kind = halt_kind::none;
    double measured = 0;
    double limit = 0;
  };

  stream(const backfire_config& config, const stream_options& options, std::shared_ptr<interlock> lock);

  bool check(const observation& seen, double score, bool counts, finding& found) noexcept;
  bool check_history(double score, finding& found) const noexcept;
  bool window_is_low() const noexcept;
  double fall(double score) const noexcept;
  void update_drift(double score) noexcept;
  void remember(double score) noexcept;
  void note_error(const char* text) noexcept;
  bool may_finish_sentence(halt_kind kind) const noexcept;
  verdict stop(std::string_view token, double score, const finding& found) noexcept;
  verdict stop_plain(std::string_view token, double score) noexcept;
  verdict halt(const finding& found, double score) noexcept;
  verdict let_pass(std::string_view token, double score, action what) noexcept;

  __extension__ typedef __int128 wide;

  backfire_config config_;
  stream_options options_;
  std::shared_ptr<interlock> lock_;
  std::vector<sample> ring_; // its size is a power of two
  std::uint64_t mask_;
  wide window_sum_ = 0; // of the last window_size scores, in units of 2^-53
  wide window_limit_;   // window_size times the threshold, in the same unit
  std::uint64_t tokens_ = 0;
  std::uint64_t scored_ = 0;
  std::uint64_t released_ = 0;
  std::uint64_t warnings_ = 0;
  double sum_ = 0;
  double minimum_ = 0;
  double smoothed_ = 0;
  double drift_ = 0;
  std::uint32_t until_score_ = 0;
  std::uint32_t soft_left_ = 0;
  bool plain_; // no option changes what a score means for the stream: the short way through push
  bool mid_sentence_ = false;
  bool finishing_ = false; // halted softly, the sentence is not over
  bool ended_ = false;
  verdict last_;
  finding found_;
  std::int64_t halt_index_ = -1;
  char error_[160] = "";
};

// The plain stream's way is short and stands here, so that it becomes part of its callers: it decides as the other
// does.
inline verdict stream::push(std::string_view token, double score) noexcept {
  if (!plain_ || ended_ || !std::isfinite(score) || !lock_->active()) [[unlikely]]
    return push(token, {.scored = true, .score = score});
  remember(score);
  if (score < config_.hard_limit || window_is_low() || fall(score) > config_.trend_threshold) [[unlikely]]
    return stop_plain(token, score);
  released_ = ++tokens_;
  return {released_ - 1, score < config_.soft_limit ? action::warn : action::release, halt_kind::none, score, 0, 0,
          released_};
}

inline void stream::remember(double score) noexcept {
  ring_[scored_ & mask_] = {tokens_, score};
  const bool full = scored_ >= config_.window_size;
  window_sum_ += units_of(score) - (full ? units_of(ring_[(scored_ - config_.window_size) & mask_].score) : 0);
  minimum_ = scored_ == 0 ? score : std::min(minimum_, score);
  sum_ += score;
  ++scored_;
  if (score < config_.soft_limit)
    ++warnings_;
}

inline bool stream::window_is_low() const noexcept {
  return scored_ >= config_.window_size && window_sum_ < window_limit_;
}

// From the first score of the trend window to the last; 0 while there are too few.
inline double stream::fall(double score) const noexcept {
  return scored_ < config_.trend_window ? 0 : ring_[(scored_ - config_.trend_window) & mask_].score - score;
}

} // namespace mycelium::oversight
