// Oversight of token streams behind the C interface.
#include "actors/oversight/stream.hpp"
#include "ffi/backfire_border.hpp"

using namespace mycelium;
using namespace mycelium::ffi;
using namespace mycelium::oversight;

struct BackfireStream {
  oversight::stream stream;
};

namespace {

static_assert(int(status::null) == BACKFIRE_ERROR_NULL && int(status::internal) == BACKFIRE_ERROR_INTERNAL);
static_assert(int(status::invalid_argument) == BACKFIRE_ERROR_INVALID_ARGUMENT);
static_assert(int(halt_kind::hard_limit) == BACKFIRE_HALT_HARD_LIMIT && int(halt_kind::none) == BACKFIRE_HALT_NONE);
static_assert(int(halt_kind::window_average) == BACKFIRE_HALT_WINDOW_AVERAGE);
static_assert(int(halt_kind::downward_trend) == BACKFIRE_HALT_DOWNWARD_TREND);
static_assert(int(halt_kind::entropy) == BACKFIRE_HALT_ENTROPY && int(halt_kind::deadline) == BACKFIRE_HALT_DEADLINE);
static_assert(int(halt_kind::ewma) == BACKFIRE_HALT_EWMA && int(halt_kind::cusum) == BACKFIRE_HALT_CUSUM);
static_assert(int(halt_kind::kernel_inactive) == BACKFIRE_HALT_KERNEL_INACTIVE);
static_assert(int(halt_kind::invalid_score) == BACKFIRE_HALT_INVALID_SCORE);
static_assert(int(action::release) == BACKFIRE_RELEASE && int(action::warn) == BACKFIRE_WARN);
static_assert(int(action::finish) == BACKFIRE_FINISH && int(action::halt) == BACKFIRE_HALT);

// Before a push: a token must not count that the caller gets no verdict for.
std::int32_t check_push(const char* token, std::size_t len, const BackfireVerdict* out) noexcept {
  if (token == nullptr && len != 0)
    return fail_null("token");
  return out->struct_size < sizeof(std::size_t) * 2 ? fail_struct_size() : std::int32_t{BACKFIRE_SUCCESS};
}

// Field by field, so that a verdict in registers need not be one in memory first.
[[gnu::always_inline]] inline std::int32_t write_verdict(const verdict& v, BackfireVerdict* out) noexcept {
  if (out->struct_size < sizeof *out) [[unlikely]] {
    BackfireVerdict ours{0,       v.index,   std::int32_t(v.action), std::int32_t(v.kind), v.score, v.measured,
                         v.limit, v.released};
    return write_struct(out, ours);
  }
  out->index = v.index;
  out->action = std::int32_t(v.action);
  out->kind = std::int32_t(v.kind);
  out->score = v.score;
  out->measured = v.measured;
  out->limit = v.limit;
  out->released = v.released;
  return BACKFIRE_SUCCESS;
}

std::int32_t write_session(const session_summary& s, BackfireSession* out) noexcept {
  BackfireSession ours{0,        s.halted, std::int32_t(s.kind), s.halt_index, s.measured, s.limit,
                       s.tokens, s.scored, s.released,           s.warnings,   s.average,  s.minimum};
  return write_struct(out, ours);
}

} // namespace

stream_options ffi::options_of(const BackfireOptions& o) noexcept {
  return {.soft_halt = o.soft_halt != 0,
          .soft_tokens = o.soft_tokens,
          .whole_sentences = o.whole_sentences != 0,
          .score_every = o.score_every,
          .evidence_size = o.evidence_size,
          .ewma = o.ewma != 0,
          .ewma_weight = o.ewma_weight,
          .ewma_limit = o.ewma_limit,
          .cusum = o.cusum != 0,
          .cusum_target = o.cusum_target,
          .cusum_slack = o.cusum_slack,
          .cusum_limit = o.cusum_limit};
}

extern "C" {

uint32_t backfire_abi_version(void) { return (uint32_t{BACKFIRE_ABI_MAJOR} << 16) | BACKFIRE_ABI_MINOR; }

const char* backfire_last_error(void) { return mycelium_last_error(); }

void backfire_options_init(BackfireOptions* options) {
  if (options == nullptr)
    return;
  const stream_options d;
  *options = {sizeof *options, d.soft_halt,  d.soft_tokens,  d.whole_sentences, d.score_every, d.evidence_size, d.ewma,
              d.ewma_weight,   d.ewma_limit, d.cusum_target, d.cusum_slack,     d.cusum_limit, d.cusum,         0};
}

BackfireInterlock* backfire_interlock_create(void) {
  BackfireInterlock* made = nullptr;
  fenced([&] {
    made = new BackfireInterlock{std::make_shared<interlock>()};
    return 0;
  });
  return made;
}

int32_t backfire_interlock_stop(BackfireInterlock* lock) {
  if (lock == nullptr)
    return fail_null("interlock");
  lock->lock->stop();
  return BACKFIRE_SUCCESS;
}

int32_t backfire_interlock_reactivate(BackfireInterlock* lock) {
  if (lock == nullptr)
    return fail_null("interlock");
  lock->lock->reactivate();
  return BACKFIRE_SUCCESS;
}

int32_t backfire_interlock_is_active(const BackfireInterlock* lock) {
  return lock == nullptr ? fail_null("interlock") : lock->lock->active();
}

void backfire_interlock_destroy(BackfireInterlock* lock) { delete lock; }

int32_t backfire_stream_begin(const BackfireConfig* config, const BackfireOptions* options, BackfireInterlock* lock,
                              BackfireStream** out) {
  if (out == nullptr)
    return fail_null("out");
  *out = nullptr;
  return fenced([&] {
    BackfireConfig c;
    BackfireOptions o;
    if (!read_over_defaults(c, config, backfire_config_init) || !read_over_defaults(o, options, backfire_options_init))
      return fail_struct_size();
    auto begun = oversight::stream::begin(config_of(c), options_of(o), lock == nullptr ? nullptr : lock->lock);
    if (!begun)
      return fail(begun.error());
    *out = new BackfireStream{std::move(*begun)};
    return std::int32_t{BACKFIRE_SUCCESS};
  });
}

int32_t backfire_stream_wants_score(const BackfireStream* stream) {
  return stream == nullptr ? fail_null("stream") : stream->stream.wants_score();
}

int32_t backfire_stream_push(BackfireStream* stream, const char* token, size_t len, double score,
                             BackfireVerdict* out) {
  if (stream == nullptr || out == nullptr)
    return fail_null(stream == nullptr ? "stream" : "out");
  if (const auto right = check_push(token, len, out); right != BACKFIRE_SUCCESS)
    return right;
  return write_verdict(stream->stream.push({token, len}, score), out);
}

int32_t backfire_stream_observe(BackfireStream* stream, const char* token, size_t len, const BackfireObservation* seen,
                                BackfireVerdict* out) {
  if (stream == nullptr || seen == nullptr || out == nullptr)
    return fail_null(stream == nullptr ? "stream" : seen == nullptr ? "seen" : "out");
  BackfireObservation ours;
  if (!read_struct(ours, seen))
    return fail_struct_size();
  if (const auto right = check_push(token, len, out); right != BACKFIRE_SUCCESS)
    return right;
  return write_verdict(stream->stream.push({token, len}, {.scored = ours.scored != 0,
                                                          .score = ours.score,
                                                          .latency_ms = ours.latency_ms,
                                                          .has_entropy = ours.has_entropy != 0,
                                                          .entropy = ours.entropy,
                                                          .error = ours.error}),
                       out);
}

int32_t backfire_stream_finish(BackfireStream* stream, BackfireSession* out) {
  if (stream == nullptr)
    return fail_null("stream");
  const auto session = stream->stream.finish();
  return out == nullptr ? std::int32_t{BACKFIRE_SUCCESS} : write_session(session, out);
}

int32_t backfire_stream_summary(const BackfireStream* stream, BackfireSession* out) {
  if (stream == nullptr || out == nullptr)
    return fail_null(stream == nullptr ? "stream" : "out");
  return write_session(stream->stream.summary(), out);
}

int32_t backfire_stream_evidence(const BackfireStream* stream, BackfireSample* out, size_t cap, size_t* out_count) {
  if (stream == nullptr || out_count == nullptr)
    return fail_null(stream == nullptr ? "stream" : "out_count");
  if (out == nullptr && cap != 0)
    return fail_null("out");
  static_assert(sizeof(BackfireSample) == sizeof(sample) && offsetof(BackfireSample, score) == offsetof(sample, score));
  *out_count = stream->stream.evidence(reinterpret_cast<sample*>(out), cap);
  return BACKFIRE_SUCCESS;
}

int32_t backfire_stream_error(const BackfireStream* stream, char* buffer, size_t cap, size_t* out_len) {
  if (stream == nullptr)
    return fail_null("stream");
  return fenced([&] { return copy_text(std::string(stream->stream.error()), buffer, cap, out_len); });
}

void backfire_stream_destroy(BackfireStream* stream) { delete stream; }

int32_t backfire_reason_text(int32_t kind, double measured, double limit, char* buffer, size_t cap, size_t* out_len) {
  if (kind < BACKFIRE_HALT_NONE || kind > BACKFIRE_HALT_INVALID_SCORE)
    return fail(status::invalid_argument, "kind is no BackfireHaltKind");
  return fenced([&] { return copy_text(reason_text(halt_kind(kind), measured, limit), buffer, cap, out_len); });
}

} // extern "C"
