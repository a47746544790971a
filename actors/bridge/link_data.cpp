// Messages over a link: out of the outbox with credit, in with acknowledgement; requests and their answers.
#include "actors/bridge/link.hpp"

#include "actors/runtime/stamp.hpp"

#include <algorithm>
#include <asio/post.hpp>
#include <utility>

namespace mycelium::bridge {
namespace {

// On a worker.
void pass_on(std::uint64_t, std::int32_t outcome, const MyceliumMessage* reply, void* user_data) {
  const std::unique_ptr<link::asker> who(static_cast<link::asker*>(user_data));
  const auto* content = reinterpret_cast<const runtime::message*>(reply);
  auto kept = content != nullptr ? runtime::share(*content) : runtime::message_ptr();
  asio::post(who->executor, [by = who->by, correlation = who->correlation, outcome, kept = std::move(kept)] {
    if (const auto to = by.lock())
      to->answer(correlation, status(outcome), kept.get());
  });
}

// Links on which something was put while the bridge's thread deals with what has come; they are flushed afterwards.
thread_local std::vector<link_ptr>* gathered = nullptr;

} // namespace

link::gathering_here::gathering_here() { gathered = &links_; }

link::gathering_here::~gathering_here() {
  gathered = nullptr;
  for (const auto& each : links_)
    each->flush();
}

// ---- out ----

// Under the outbox's lock, on whatever thread.
std::size_t link::append(const runtime::message& m, std::uint64_t sequence, outbox::turn which, bool with_receipt,
                         byte_buffer& out) {
  if (which == outbox::turn::first && !is_for_peer(m))
    return 0;
  auto what = frame_of(m);
  const auto size = padded(frame_length(what));
  if (size > hello_.max_frame) {
    bus_.log(runtime::log_level::warning, where_ + ": a message of type " + std::to_string(m.type_id()) + " and " +
                                              std::to_string(m.size()) + " bytes is longer than the other side takes");
    return 0;
  }
  if (const auto* request = m.request()) {
    what.header.flags |= flag_request;
    if (!request->settled()) {
      std::lock_guard lock(asking_);
      asked_[m.correlation_id] = runtime::share(m);
    }
  }
  if (with_receipt)
    what.header.flags |= flag_confirm;
  what.header.sequence = sequence;
  append_frame(out, what);
  return size;
}

void link::carried() {
  if (gathered != nullptr) {
    if (gathered->empty() || gathered->back().get() != this)
      gathered->push_back(shared_from_this());
    return;
  }
  switch (writer_.flush()) {
  case writer::progress::rest:
  case writer::progress::failed:
    return asio::post(stream_->executor(), [self = shared_from_this()] { self->flush_rest(); });
  case writer::progress::done:
  case writer::progress::busy:
    return;
  }
}

frame link::frame_of(const runtime::message& m) const {
  frame what;
  what.header.type_id = m.type_id();
  what.header.correlation = m.correlation_id;
  what.header.priority = m.priority;
  what.envelope = {owner_.node(), m.publisher_id, m.sequence, 0};
  const auto* extras = m.extras();
  if (extras != nullptr && extras->from.node != 0) {
    what.envelope.origin = extras->from.node;
    what.envelope.timestamp_ns = extras->from.timestamp_ns;
    what.header.hops = extras->from.hops;
  } else {
    what.envelope.timestamp_ns = runtime::stamp_to_wall_clock(m.stamp);
  }
  if (extras != nullptr && extras->has_trace)
    what.trace = extras->trace;
  if (extras != nullptr && extras->to == runtime::destination::key)
    what.key = extras->destination_key;
  what.payload = m.payload();
  return what;
}

bool link::is_for_peer(const runtime::message& m) {
  if (!differing_.empty() && differing_.contains(m.type_id()))
    return false;
  const auto* extras = m.extras();
  auto origin = owner_.node();
  if (extras != nullptr && extras->from.node != 0) {
    if (extras->from.link == peer_->waiting->link_id() || extras->from.hops >= max_hops)
      return false;
    origin = extras->from.node;
  }
  const auto version = owner_.ways_version();
  if (last_way_.version != version || last_way_.origin != origin || last_way_.type_id != m.type_id())
    last_way_ = {version, origin, m.type_id(), may_receive(m.type_id()),
                 owner_.leads_to(peer_->node, origin, m.type_id())};
  if (!last_way_.allowed)
    return false;
  // A key has chosen this way, among those that it did not come by.
  return last_way_.leads || (extras != nullptr && extras->to == runtime::destination::key);
}

void link::on_credit(bytes payload) {
  const auto credit = wire::read<wire::Credit>(payload);
  if (!credit || !peer_->waiting->acknowledge(credit->sequence))
    protocol_error("a Credit for what was not sent");
}

void link::on_receipt(bytes payload) {
  const auto receipt = wire::read<wire::Receipt>(payload);
  if (!receipt || !std::ranges::is_sorted(receipt->open) || !peer_->waiting->confirm(receipt->sequence, receipt->open))
    protocol_error("a Receipt for what was not sent");
}

void link::tell_drops() {
  wire::LostT lost;
  lost.count = peer_->waiting->take_drops();
  if (lost.count != 0)
    say(control::lost, lost);
}

// ---- in ----

void link::on_data(const frame& what) {
  if (what.is_reply()) {
    bytes_dealt_with_ += padded(what.header.length);
    return on_reply(what);
  }
  deaf_ = deaf_ || (bus_.is_closing() && owner_.goes_on(*this, what));
  if (deaf_) {
    if (what.is_request())
      answer(what.header.correlation, status::no_reply, nullptr);
    return;
  }
  const auto sequence = what.header.sequence;
  if (sequence == 0)
    return protocol_error("a message without a sequence");
  if (what.envelope.origin == 0)
    return protocol_error("a message without an origin");
  bytes_dealt_with_ += padded(what.header.length);
  if (sequence <= peer_->heard) {
    ++stats_.repeated;
    return;
  }
  if (sequence != peer_->heard + 1) {
    stats_.missing += sequence - peer_->heard - 1;
    owner_.heard_gap(*this, sequence - peer_->heard - 1);
  }
  peer_->heard = sequence;
  ++stats_.messages_in;
  if (what.asks_for_receipt())
    peer_->receiving->note_news(); // whatever becomes of it
  if (differing_.contains(what.header.type_id) || what.header.hops >= max_hops ||
      what.envelope.origin == owner_.node()) {
    ++stats_.refused;
    return;
  }
  if (!may_publish(what.header.type_id)) {
    owner_.heard_not_allowed(*this, what.header.type_id);
    if (what.is_request())
      answer(what.header.correlation, status::no_reply, nullptr);
    return;
  }
  const auto verdict = owner_.judge(*this, what);
  if (what.is_request())
    return verdict == status::success ? ask_here(what) : answer(what.header.correlation, verdict, nullptr);
  if (verdict != status::success)
    return;
  switch (owner_.deliver(*this, what)) {
  case link_owner::delivery::done:
    return;
  case link_owner::delivery::waits:
    stopped_ = true;
    return;
  case link_owner::delivery::closing:
    if (!owner_.goes_on(*this, what))
      return;
    peer_->take_back_last();
    return turn_deaf(); // it began in this moment
  }
}

runtime::remote_origin link::origin_of(const frame& what) const {
  return {.node = what.envelope.origin,
          .publisher_id = what.envelope.publisher_id,
          .sequence = what.envelope.sequence,
          .timestamp_ns = what.envelope.timestamp_ns,
          .link = peer_->waiting->link_id(),
          .hops = static_cast<std::uint8_t>(what.header.hops + 1)};
}

runtime::outgoing published_from(const frame& what, const runtime::remote_origin& from) {
  runtime::outgoing message{.type_id = what.header.type_id, .priority = what.header.priority};
  message.from = &from;
  if (what.trace)
    message.trace = &*what.trace;
  if (what.key) {
    message.to = runtime::destination::key;
    message.destination_key = *what.key;
  }
  return message;
}

void link::acknowledge(bool at_once) {
  const auto news = bytes_dealt_with_ - bytes_acknowledged_;
  if (state_ != state::up || stopped_ || (news == 0 && !peer_->receiving->has_news()))
    return;
  if (!at_once && news < std::min(how_.window / 4, 128u << 10))
    return acknowledge_soon();
  if (news != 0) {
    wire::CreditT credit;
    credit.sequence = peer_->heard;
    say(control::credit, credit);
    bytes_acknowledged_ = bytes_dealt_with_;
  }
  if (peer_->receiving->has_news()) {
    auto now = peer_->receiving->take_news(peer_->heard);
    wire::ReceiptT receipt;
    receipt.sequence = now.sequence;
    receipt.open = std::move(now.open);
    say(control::receipt, receipt);
  }
}

// Not for each message, but before the other side has to wonder.
void link::acknowledge_soon() {
  if (std::exchange(will_acknowledge_, true))
    return;
  acknowledging_.expires_after(std::chrono::milliseconds(5));
  acknowledging_.async_wait([self = shared_from_this()](const std::error_code& error) {
    self->will_acknowledge_ = false;
    if (error || self->state_ != state::up)
      return;
    self->acknowledge(true);
    self->flush();
  });
}

// ---- requests ----

void link::ask_here(const frame& what) {
  const auto from = origin_of(what);
  const auto request = published_from(what, from);
  const auto correlation = what.header.correlation;
  if (being_answered_.contains(correlation))
    return protocol_error("a request with the correlation of another that is being answered");
  if (being_answered_.size() >= how_.of_one_link.requests)
    return answer(correlation, status::full, nullptr);
  auto who = std::make_unique<asker>(asker{weak_from_this(), stream_->executor(), correlation});
  std::uint64_t id = 0;
  // The asker's side keeps the time: it sends a Forget when its patience ends.
  const runtime::reply_target target{.handler = pass_on, .queue = {}, .user_data = who.get()};
  const auto asked = bus_.request_async(request, what.payload, runtime::forever, target, &id);
  if (!asked)
    return answer(correlation, asked.error().code, nullptr);
  being_answered_[correlation] = {id, who.release()}; // pass_on has it
}

void link::stop_asking(const answering& what) {
  if (bus_.cancel_request(what.request))
    delete what.who; // else its outcome is under way to pass_on
}

void link::answer(std::uint64_t correlation, status outcome, const runtime::message* reply) {
  being_answered_.erase(correlation);
  if (state_ != state::up)
    return;
  frame what;
  if (reply != nullptr && outcome == status::success)
    what = frame_of(*reply);
  else
    what.header.type_id = 1; // has to be one
  if (frame_length(what) > hello_.max_frame) {
    outcome = status::too_large;
    what.payload = {};
  }
  if (writer_.waiting() + frame_length(what) > 4 * how_.max_frame) { // the other side does not read its replies
    outcome = status::full;
    what.payload = {};
  }
  what.header.flags = flag_reply;
  what.header.correlation = correlation;
  what.header.outcome = static_cast<std::int16_t>(outcome);
  acknowledge(true); // so that the other side lets go of the request
  say(what);
  flush();
}

void link::on_reply(const frame& what) {
  runtime::message_ptr request;
  {
    std::lock_guard lock(asking_);
    if (auto found = asked_.extract(what.header.correlation))
      request = std::move(found.mapped());
  }
  if (!request)
    return; // too late
  if (what.header.outcome == 0 && owner_.judge(*this, what) == status::success)
    (void)bus_.reply(*request, what.header.type_id, what.payload); // or another server was faster
}

void link::forget_settled_requests() {
  std::vector<runtime::message_ptr> settled;
  {
    std::lock_guard lock(asking_);
    for (auto each = asked_.begin(); each != asked_.end();) {
      if (!each->second->request()->settled()) {
        ++each;
        continue;
      }
      settled.push_back(std::move(each->second));
      each = asked_.erase(each);
    }
  }
  for (const auto& each : settled) {
    frame what;
    what.header.type_id = static_cast<std::uint16_t>(control::forget);
    what.header.flags = flag_control;
    what.header.correlation = each->correlation_id;
    say(what);
  }
}

} // namespace mycelium::bridge
