// What a session under oversight does to the world: asks for scores on the bus, shows tokens, tells verdicts, stops its
// source. Never waits: it runs in an actor's turn.
#include "actors/oversight/number_text.hpp"
#include "actors/oversight/overseer.hpp"
#include "actors/oversight/watched_session.hpp"
#include "actors/runtime/deadline.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

namespace mycelium::oversight {
namespace {

using runtime::message;
using runtime::monotonic_ns;
using runtime::outgoing;

// A writer of this thread's, for one message: an inline subscriber reads the bytes where they are, and what it
// publishes may lead to another session's turn meanwhile.
class spare_writer {
public:
  spare_writer() {
    if (spare().empty()) {
      mine_ = std::make_unique<schema::message_writer>();
    } else {
      mine_ = std::move(spare().back());
      spare().pop_back();
    }
  }
  ~spare_writer() { spare().push_back(std::move(mine_)); }
  spare_writer(const spare_writer&) = delete;
  spare_writer& operator=(const spare_writer&) = delete;
  schema::message_writer* operator->() const noexcept { return mine_.get(); }

private:
  static std::vector<std::unique_ptr<schema::message_writer>>& spare() {
    static thread_local std::vector<std::unique_ptr<schema::message_writer>> of_thread;
    return of_thread;
  }
  std::unique_ptr<schema::message_writer> mine_;
};

std::int64_t ns_of_ms(double ms) noexcept {
  constexpr double most = 9e18;
  return static_cast<std::int64_t>(std::min(std::ceil(ms * 1e6), most));
}

// The answer of whoever was asked for token `index`.
score_answer read_answer(std::int32_t outcome, const message* reply, std::uint64_t session_id, std::uint64_t index,
                         double deadline_ms) {
  score_answer answer;
  schema::oversight_score said;
  switch (status(outcome)) {
  case status::success:
    if (reply->type_id() != schema::oversight_score::type_id || !schema::read(reply->payload(), said))
      answer.set_error("the answer is no OversightScore");
    else if (said.session_id != session_id || said.index != index)
      answer.set_error("the answer is of another token");
    else if (!said.error.empty())
      answer.set_error(said.error);
    else
      answer.scored = true, answer.score = said.score;
    return answer;
  case status::timeout:
    answer.set_error("no score came within " + shortest(deadline_ms) + " ms");
    return answer;
  case status::no_reply:
    answer.set_error("nobody scores: no subscription of OversightScoreRequest answers");
    return answer;
  default:
    answer.set_error("the runtime was closed before a score came");
    return answer;
  }
}

} // namespace

// ---- scores from the bus ----

struct watched_session::question {
  std::shared_ptr<watched_session> from;
  std::uint64_t index;
  std::int64_t asked_at;
};

result<void> watched_session::ask_bus(const message& m, const schema::inference_token& token) {
  const auto text = settings_.text_bytes != 0 ? text_.view() : token.text;
  const spare_writer writer;
  const auto content = writer->write(schema::oversight_score_request{session_id_, token.index, text});
  outgoing what{.type_id = schema::oversight_score_request::type_id};
  if (settings_.scorer_subscription != 0) {
    what.to = runtime::destination::subscription;
    what.destination_key = settings_.scorer_subscription;
  }
  auto asks = std::make_unique<question>(question{shared_from_this(), token.index, monotonic_ns()});
  runtime::reply_target target;
  target.handler = on_reply;
  target.user_data = asks.get();
  asked_ = runtime::share(m);
  auto sent = bus_.request_async(what, content, ns_of_ms(settings_.config.deadline_ms), std::move(target), nullptr);
  if (sent)
    (void)asks.release(); // the outcome, which comes once, has it
  else
    asked_ = {};
  return sent;
}

void watched_session::on_reply(std::uint64_t, std::int32_t outcome, const ::MyceliumMessage* reply, void* user_data) {
  const std::unique_ptr<question> asked(static_cast<question*>(user_data));
  auto& me = *asked->from;
  me.answer_.latency_ms = static_cast<double>(monotonic_ns() - asked->asked_at) / 1e6;
  me.answer_.answer = read_answer(outcome, reinterpret_cast<const message*>(reply), me.session_id_, asked->index,
                                  me.settings_.config.deadline_ms);
  me.answered_.store(true, std::memory_order_release);
  runtime::bus::poke(*me.lane_);
}

// ---- tokens ----

void watched_session::show(const message& m, std::uint64_t ordinal) {
  if (settings_.mode == watch_mode::observe)
    return seen_.released.store(released_, std::memory_order_relaxed);
  show_held(); // what comes first
  if (held_.empty() && ordinal < released_ && may_publish(m.type_id()))
    return publish_token(m);
  if (held_.size() >= settings_.max_held)
    return fail_closed("a sentence is longer than " + std::to_string(settings_.max_held) + " tokens");
  held_.push_back({runtime::share(m), ordinal});
}

void watched_session::show_held() {
  while (!held_.empty() && held_.front().ordinal < released_) {
    if (!may_publish(schema::inference_token::type_id))
      return;
    publish_token(*held_.front().message);
    held_.pop_front();
  }
  if (!done_due_ || ended_ || !may_publish(schema::inference_done::type_id))
    return;
  publish_done();
  finish();
}

// A subscriber whose publishers are to wait gets everything: the actor, which must not wait, looks again until there is
// room or the time to wait is over. Only as many as there are workers look at the same time.
bool watched_session::may_publish(std::uint16_t type_id) {
  const bool room = bus_.room_left(type_id, bus_.options().threads) != 0 || bus_.is_closing();
  if (!room && !waits_for_room_)
    room_deadline_ = runtime::deadline::in(bus_.options().block_timeout_ns).at();
  waits_for_room_ = !room && monotonic_ns() < room_deadline_;
  return !waits_for_room_;
}

status watched_session::publish(const outgoing& what, message::bytes content) {
  runtime::read_guard guard;
  return bus_.publish(guard, what, content);
}

// The payload is the source's, byte for byte; so is what the envelope says of it, but for the destination.
void watched_session::publish_as_it_is(const message& m) {
  outgoing what{.type_id = m.type_id(), .priority = m.priority, .correlation_id = m.correlation_id};
  if (const auto* extras = m.extras(); extras != nullptr && extras->has_trace)
    what.trace = &extras->trace;
  (void)publish(what, m.payload()); // whom it did not reach counts it as dropped
}

void watched_session::publish_token(const message& m) {
  publish_as_it_is(m);
  seen_.released.store(seen_.released.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

// ---- verdicts and ends ----

void watched_session::publish_verdict(const verdict& v) {
  if (!bus_.is_wanted(schema::oversight_verdict::type_id))
    return;
  const auto reason = reason_text(v.kind, v.measured, v.limit);
  std::vector<schema::score_sample> evidence;
  if (v.kind != halt_kind::none) {
    std::vector<sample> newest(settings_.options.evidence_size);
    newest.resize(kernel_.evidence(newest.data(), newest.size()));
    for (const auto& s : newest)
      evidence.push_back({first_index_ + s.index, s.score});
  }
  const spare_writer writer;
  (void)publish({.type_id = schema::oversight_verdict::type_id},
                writer->write(schema::oversight_verdict{.session_id = session_id_,
                                                        .index = first_index_ + v.index,
                                                        .action = std::uint8_t(v.action),
                                                        .kind = std::uint8_t(v.kind),
                                                        .score = v.score,
                                                        .released = first_index_ + released_,
                                                        .measured = v.measured,
                                                        .limit = v.limit,
                                                        .reason = reason,
                                                        .evidence = evidence,
                                                        .error = kernel_.error()}));
}

void watched_session::cancel(schema::end_reason why) {
  cancel_reason_ = why;
  publish_cancel();
}

// Told again to a source whose mailbox was full: who has heard it takes no notice.
void watched_session::publish_cancel() {
  const spare_writer writer;
  const auto told = publish({.type_id = schema::inference_cancel::type_id},
                            writer->write(schema::inference_cancel{session_id_, cancel_reason_, stop_detail_}));
  cancel_due_ = told == status::full || told == status::timeout;
}

// As the source said it, unless the session ended otherwise for those who saw its tokens.
void watched_session::publish_done() {
  if (settings_.mode == watch_mode::observe)
    return;
  schema::inference_done done;
  const bool known = done_ && schema::read(done_->payload(), done);
  if (known && !halted_)
    return publish_as_it_is(*done_);
  done.session_id = session_id_;
  done.reason = halted_ ? schema::end_reason::halted : schema::end_reason::error;
  done.tokens = static_cast<std::uint32_t>(released_);
  done.detail = stop_detail_;
  const spare_writer writer;
  (void)publish({.type_id = schema::inference_done::type_id}, writer->write(done));
}

// In the session's own turn: it is over when that returns.
void watched_session::finish() {
  ended_ = true;
  waits_for_room_ = false;
  cancel_due_ = false;
  (void)bus_.unsubscribe(lane_->id());
}

} // namespace mycelium::oversight
