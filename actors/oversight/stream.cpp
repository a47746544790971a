#include "actors/oversight/stream.hpp"
#include "actors/oversight/sentence.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace mycelium::oversight {
result<stream> stream::begin(const backfire_config& config, const stream_options& options,
                             std::shared_ptr<interlock> lock) {
  if (const auto right = config.check(); !right)
    return right.error();
  if (const auto right = options.check(); !right)
    return right.error();
  return stream(config, options, lock ? std::move(lock) : std::make_shared<interlock>());
}

stream::stream(const backfire_config& config, const stream_options& options, std::shared_ptr<interlock> lock)
    : config_(config), options_(options), lock_(std::move(lock)),
      // One place more than the longest look back: the score that leaves the window is still there.
      ring_(std::bit_ceil(std::max({config.window_size, config.trend_window, options.evidence_size}) + std::size_t{1})),
      mask_(ring_.size() - 1), window_limit_(wide{units_of(config.window_threshold)} * config.window_size),
      plain_(!options.soft_halt && !options.whole_sentences && !options.ewma && !options.cusum &&
             options.score_every == 1) {}

verdict stream::push(std::string_view token, const observation& seen) noexcept {
  if (ended_)
    return last_;
  if (!lock_->active())
    return halt({halt_kind::kernel_inactive, 0, 0}, 0);

  const bool wanted = until_score_ == 0;
  until_score_ = wanted ? options_.score_every - 1 : until_score_ - 1;
  const bool counts = wanted || seen.scored || seen.error != nullptr;
  const bool valid = seen.scored && seen.error == nullptr && std::isfinite(seen.score);
  const double score = valid ? seen.score : 0.0;
  if (counts)
    remember(score);
  if (counts && !valid)
    note_error(seen.error != nullptr ? seen.error : seen.scored ? "the score is not finite" : "there is no score");

  finding found;
  const bool fired = check(seen, score, counts, found);
  if (!fired && !finishing_ && (valid || !counts)) [[likely]]
    return let_pass(token, score, counts && score < config_.soft_limit ? action::warn : action::release);
  if (counts && !valid && found.kind != halt_kind::hard_limit)
    found = {halt_kind::invalid_score, 0, config_.hard_limit};
  return stop(token, score, found);
}

verdict stream::stop_plain(std::string_view token, double score) noexcept {
  finding found;
  check({.scored = true, .score = score}, score, true, found);
  return stop(token, score, found);
}

// A check fired, or the stream has halted softly before.
verdict stream::stop(std::string_view token, double score, const finding& found) noexcept {
  if (found.kind != halt_kind::none && !may_finish_sentence(found.kind))
    return halt(found, score);
  if (!finishing_) {
    if (!mid_sentence_)
      return halt(found, score);
    finishing_ = true;
    soft_left_ = options_.soft_tokens;
    found_ = found;
    halt_index_ = static_cast<std::int64_t>(tokens_);
  } else if (!mid_sentence_ || soft_left_ == 0) {
    return halt(found_, score);
  }
  --soft_left_;
  return let_pass(token, score, action::finish);
}

// Which check fires, the first that does; found is written only then. Every score enters the drift statistics even if
// an earlier check fired.
bool stream::check(const observation& seen, double score, bool counts, finding& found) noexcept {
  if (counts)
    update_drift(score);
  if (counts && score < config_.hard_limit)
    return found = {halt_kind::hard_limit, score, config_.hard_limit}, true;
  if (counts && check_history(score, found))
    return true;
  // What is not a number is over the limit.
  if (seen.has_entropy && !(seen.entropy <= config_.logit_entropy_limit))
    return found = {halt_kind::entropy, seen.entropy, config_.logit_entropy_limit}, true;
  if (!counts)
    return false;
  if (!(seen.latency_ms <= config_.deadline_ms))
    return found = {halt_kind::deadline, seen.latency_ms, config_.deadline_ms}, true;
  if (options_.ewma && smoothed_ < options_.ewma_limit)
    return found = {halt_kind::ewma, smoothed_, options_.ewma_limit}, true;
  if (options_.cusum && drift_ > options_.cusum_limit)
    return found = {halt_kind::cusum, drift_, options_.cusum_limit}, true;
  return false;
}

bool stream::check_history(double score, finding& found) const noexcept {
  if (window_is_low()) {
    const double scale = static_cast<double>(config_.window_size) * unit;
    return found = {halt_kind::window_average, static_cast<double>(window_sum_) / scale, config_.window_threshold},
           true;
  }
  if (const double fallen = fall(score); fallen > config_.trend_threshold)
    return found = {halt_kind::downward_trend, fallen, config_.trend_threshold}, true;
  return false;
}

void stream::update_drift(double score) noexcept {
  if (options_.ewma)
    smoothed_ = scored_ == 1 ? score : smoothed_ + options_.ewma_weight * (score - smoothed_);
  if (options_.cusum)
    drift_ = std::max(0.0, drift_ + ((options_.cusum_target - options_.cusum_slack) - score));
}

void stream::note_error(const char* text) noexcept {
  const auto size = std::min(std::strlen(text), sizeof error_ - 1);
  std::memcpy(error_, text, size);
  error_[size] = '\0';
}

// The hard limit, a late score and no score at all stop at once: there, to go on is what must not be.
bool stream::may_finish_sentence(halt_kind kind) const noexcept {
  return options_.soft_halt && (kind == halt_kind::window_average || kind == halt_kind::downward_trend ||
                                kind == halt_kind::entropy || kind == halt_kind::ewma || kind == halt_kind::cusum);
}

verdict stream::halt(const finding& found, double score) noexcept {
  // A soft halt that a harder reason overtakes is that reason's from here on.
  if (halt_index_ < 0 || found.kind != found_.kind)
    halt_index_ = static_cast<std::int64_t>(tokens_);
  found_ = found;
  finishing_ = false;
  ended_ = true;
  last_ = {tokens_, action::halt, found.kind, score, found.measured, found.limit, released_};
  ++tokens_;
  if (found.kind == halt_kind::hard_limit || found.kind == halt_kind::invalid_score)
    lock_->stop();
  return last_;
}

verdict stream::let_pass(std::string_view token, double score, action what) noexcept {
  if (options_.soft_halt || options_.whole_sentences) {
    const auto part = sentence_part_of(token);
    if (part != sentence_part::nothing)
      mid_sentence_ = part == sentence_part::middle;
  }
  const auto index = tokens_++;
  if (!options_.whole_sentences || !mid_sentence_)
    released_ = tokens_;
  if (!finishing_) [[likely]]
    return {index, what, halt_kind::none, score, 0, 0, released_};
  return {index, what, found_.kind, score, found_.measured, found_.limit, released_};
}

session_summary stream::finish() noexcept {
  if (!ended_) {
    ended_ = true;
    if (!finishing_)
      released_ = tokens_;
    last_ = {tokens_, action::halt, found_.kind, 0, found_.measured, found_.limit, released_};
  }
  return summary();
}

session_summary stream::summary() const noexcept {
  return {.halted = halt_index_ >= 0,
          .halt_index = halt_index_,
          .kind = found_.kind,
          .measured = found_.measured,
          .limit = found_.limit,
          .tokens = tokens_,
          .scored = scored_,
          .released = released_,
          .warnings = warnings_,
          .average = scored_ == 0 ? 0 : sum_ / static_cast<double>(scored_),
          .minimum = minimum_};
}

std::size_t stream::evidence(sample* out, std::size_t room) const noexcept {
  const auto count = std::min<std::size_t>({room, options_.evidence_size, scored_});
  for (std::size_t i = 0; i < count; ++i)
    out[i] = ring_[(scored_ - count + i) & mask_];
  return count;
}

} // namespace mycelium::oversight
