// What happens in a session's turns. What goes out of them is in session_effects.cpp.
#include "actors/oversight/watched_session.hpp"

#include "actors/oversight/overseer.hpp"
#include "actors/runtime/deadline.hpp"

#include <algorithm>
#include <utility>

namespace mycelium::oversight {
namespace {

using runtime::message;
using runtime::monotonic_ns;

// One writer, so that no read-modify-write is needed.
void add(std::atomic<std::uint64_t>& count, std::uint64_t more = 1) noexcept {
  count.store(count.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
}

observation seen_of(const schema::inference_token& token) noexcept {
  return {.has_entropy = token.entropy.has_value(), .entropy = token.entropy.value_or(0)};
}

double ms_since(std::int64_t before) noexcept { return static_cast<double>(monotonic_ns() - before) / 1e6; }

} // namespace

void session_counts::add(const session_counts& more) noexcept {
  tokens += more.tokens;
  released += more.released;
  withheld += more.withheld;
  scored += more.scored;
  failed_scores += more.failed_scores;
  warnings += more.warnings;
  for (std::size_t i = 0; i < std::size(halts); ++i)
    halts[i] += more.halts[i];
  idle_ends += more.idle_ends;
}

watched_session::watched_session(std::shared_ptr<overseer> by, runtime::bus& bus, std::uint64_t session_id,
                                 stream kernel)
    : by_(std::move(by)), bus_(bus), settings_(by_->settings()), session_id_(session_id), kernel_(std::move(kernel)),
      text_(settings_.text_bytes), last_activity_(monotonic_ns()) {}

session_counts watched_session::counts() const noexcept {
  const auto of = [](const std::atomic<std::uint64_t>& count) { return count.load(std::memory_order_relaxed); };
  session_counts c{.tokens = of(seen_.tokens),
                   .released = of(seen_.released),
                   .withheld = of(seen_.withheld),
                   .scored = of(seen_.scored),
                   .failed_scores = of(seen_.failed_scores),
                   .warnings = of(seen_.warnings),
                   .idle_ends = of(seen_.idle)};
  if (const auto kind = of(seen_.halt); kind != 0)
    c.halts[kind] = 1;
  return c;
}

runtime::subscription_options watched_session::subscription() {
  runtime::subscription_options options;
  options.name = settings_.name + "/" + std::to_string(session_id_);
  options.type_id = schema::inference_token::type_id;
  options.also = {schema::inference_done::type_id};
  options.unlisted = true;
  options.capacity = settings_.capacity;
  options.when_full = runtime::policy::block;
  options.block_timeout_ns = bus_.options().block_timeout_ns;
  options.run_inline = settings_.run_inline;
  using self_ptr = std::shared_ptr<watched_session>;
  options.user_data = new self_ptr(shared_from_this());
  options.user_data_free = [](void* self) { delete static_cast<self_ptr*>(self); };
  options.on_message = [](const ::MyceliumMessage* m, void* self) {
    (*static_cast<self_ptr*>(self))->receive(*reinterpret_cast<const message*>(m));
  };
  // Without a reference of its own: user_data has one, and is freed last.
  options.on_control = [this] { control(); };
  options.on_complete = [this](std::uint64_t) { by_->forget(*this); };
  return options;
}

// ---- turns ----

template <class Step>
void watched_session::guarded(Step step) noexcept {
  try {
    try {
      if (was_restarted())
        fail_closed("the session's actor died and was restarted");
      step();
    } catch (const std::exception& e) {
      fail_closed(e.what());
    }
    update_pause();
  } catch (...) { // nothing is shown any more, whatever happened
    halted_ = true;
    held_.clear();
    asked_ = {};
    lane_->resume();
  }
}

void watched_session::receive(const message& m) noexcept {
  guarded([&] {
    if (m.type_id() == schema::inference_token::type_id)
      take_token(m);
    else
      take_done(m);
  });
}

void watched_session::control() noexcept {
  guarded([&] {
    if (overflowed_.exchange(false, std::memory_order_acq_rel))
      fail_closed("more than " + std::to_string(settings_.capacity) + " tokens wait for their scores");
    if (answered_.load(std::memory_order_acquire))
      take_answer();
    if (waits_for_room_)
      show_held();
    if (cancel_due_)
      publish_cancel();
    end_if_idle();
  });
}

bool watched_session::was_restarted() noexcept {
  return std::exchange(incarnation_, lane_->incarnations()) != lane_->incarnations();
}

// The mailbox waits while a score is outstanding or what may be shown finds no room: so the source is held up, and
// nothing piles up here.
void watched_session::update_pause() {
  if (waits_for_room_ || asked_)
    lane_->pause();
  else
    lane_->resume();
  if ((waits_for_room_ || cancel_due_) && !waits_to_be_called_.exchange(true, std::memory_order_acq_rel))
    by_->call_back(shared_from_this(), waits_for_room_ ? room_deadline_ : 0);
}

void watched_session::call() noexcept {
  waits_to_be_called_.store(false, std::memory_order_release);
  runtime::bus::poke(*lane_);
}

void watched_session::overflow() noexcept {
  overflowed_.store(true, std::memory_order_release);
  runtime::bus::poke(*lane_);
}

void watched_session::take_token(const message& m) {
  last_activity_.store(monotonic_ns(), std::memory_order_relaxed);
  add(seen_.tokens);
  if (halted_ || done_due_)
    return add(seen_.withheld);
  schema::inference_token token;
  if (!schema::read(m.payload(), token))
    return fail_closed("a message that was published as InferenceToken is none");
  if (token.session_id != session_id_)
    return fail_closed("a token of session " + std::to_string(token.session_id) + " was addressed to that of session " +
                       std::to_string(session_id_));
  if (!is_next(token))
    return fail_closed("token " + std::to_string(token.index) + " came where " +
                       std::to_string(first_index_ + tokens_) + " was to come");
  text_.append(token.text);
  if (!kernel_.wants_score())
    return judge(m, token.text, seen_of(token));
  add(seen_.scored);
  if (settings_.score)
    return ask_function(m, token);
  if (const auto asked = ask_bus(m, token); !asked) {
    auto seen = seen_of(token);
    seen.error = asked.error().text.c_str();
    judge(m, token.text, seen);
  }
}

bool watched_session::is_next(const schema::inference_token& token) {
  if (tokens_ == 0)
    first_index_ = token.index;
  return token.index == first_index_ + tokens_;
}

void watched_session::ask_function(const message& m, const schema::inference_token& token) {
  score_answer answer;
  const auto before = monotonic_ns();
  try {
    settings_.score({session_id_, token.index, token.text, text_.view()}, answer);
  } catch (const std::exception& e) {
    answer.set_error(e.what());
  } catch (...) {
    answer.set_error("the scorer threw an exception");
  }
  auto seen = seen_of(token);
  seen.latency_ms = ms_since(before);
  seen.scored = answer.scored;
  seen.score = answer.score;
  seen.error = answer.error[0] != '\0' ? answer.error : nullptr;
  judge(m, token.text, seen);
}

void watched_session::take_answer() {
  const auto m = std::move(asked_);
  answered_.store(false, std::memory_order_relaxed);
  if (!m || halted_)
    return;
  schema::inference_token token;
  if (!schema::read(m->payload(), token)) // it was read before
    return fail_closed("the token that waited for its score is gone");
  auto seen = seen_of(token);
  seen.latency_ms = answer_.latency_ms;
  seen.scored = answer_.answer.scored;
  seen.score = answer_.answer.score;
  seen.error = answer_.answer.error[0] != '\0' ? answer_.answer.error : nullptr;
  judge(*m, token.text, seen);
}

void watched_session::judge(const message& m, std::string_view text, const observation& seen) {
  const auto v = kernel_.push(text, seen);
  const auto ordinal = tokens_++;
  if (v.action == action::halt)
    return halt(v);
  if (v.action == action::warn)
    add(seen_.warnings);
  released_ = v.released;
  show(m, ordinal);
  if (!halted_)
    publish_verdict(v);
}

// Cancels first: the source goes on until it hears of it.
void watched_session::halt(const verdict& v) {
  halted_ = true;
  if (!kernel_.error().empty())
    add(seen_.failed_scores);
  seen_.halt.store(std::uint64_t(v.kind), std::memory_order_relaxed);
  stop_detail_ = reason_text(v.kind, v.measured, v.limit);
  cancel(schema::end_reason::halted);
  publish_verdict(v);
  const auto approved = held_.size();
  std::erase_if(held_, [this](const held_token& t) { return t.ordinal >= released_; });
  add(seen_.withheld, approved - held_.size() + 1);
  by_->log_halt(*this, v.index + first_index_, stop_detail_, kernel_.error());
}

void watched_session::fail_closed(std::string_view why) {
  if (halted_ || ended_)
    return;
  asked_ = {};
  drop_held();
  const std::string words(why);
  auto v = kernel_.push({}, {.error = words.c_str()});
  if (v.kind == halt_kind::none) // the stream was over already
    v.kind = halt_kind::kernel_inactive;
  ++tokens_;
  halt(v);
}

void watched_session::drop_held() {
  if (held_.empty())
    return;
  released_ = std::min(released_, held_.front().ordinal);
  add(seen_.withheld, held_.size());
  held_.clear();
}

// The last tokens are the sentence's end, or what had no end.
void watched_session::take_done(const message& m) {
  last_activity_.store(monotonic_ns(), std::memory_order_relaxed);
  schema::inference_done done;
  if (!schema::read(m.payload(), done) || done.session_id != session_id_)
    return fail_closed("a message that was addressed to the session as its InferenceDone is none");
  if (!halted_)
    released_ = kernel_.finish().released;
  done_ = runtime::share(m);
  done_due_ = true;
  show_held();
}

void watched_session::end_if_idle() {
  if (ended_ || done_due_ || monotonic_ns() - last_activity() < settings_.idle_ns)
    return;
  add(seen_.idle);
  if (!halted_) {
    stop_detail_ = "no token came for " + std::to_string(settings_.idle_ns / 1'000'000) + " ms";
    if (settings_.mode == watch_mode::gate)
      cancel(schema::end_reason::cancelled);
    drop_held();
    asked_ = {};
  }
  publish_done();
  finish();
}

} // namespace mycelium::oversight
