#include "actors/bridge/link.hpp"

#include "actors/bridge/hmac.hpp"

#include <algorithm>
#include <sys/random.h>
#include <unistd.h>

namespace mycelium::bridge {
namespace {

using namespace std::chrono;
constexpr std::uint16_t protocol_version = 1;
constexpr std::size_t nonce_size = 16;
constexpr std::size_t least_room = 64 << 10; // for one read
constexpr std::size_t greeting_limit = 4096; // no frame is longer before the other side is known

} // namespace

link::link(link_owner& owner, runtime::bus& bus, const settings& how, std::unique_ptr<stream> connection, bool dialed,
           std::string where)
    : owner_(owner), bus_(bus), how_(how), stream_(std::move(connection)), credentials_(owner.known_credentials()),
      dialed_(dialed), where_(std::move(where)), timer_(stream_->executor()), acknowledging_(stream_->executor()),
      reader_(greeting_limit), pace_(how.of_one_link), holding_(stream_->executor()), writer_(*stream_) {}

void link::start() {
  started_ = last_heard_ = steady_clock::now();
  our_hello_.version = protocol_version;
  our_hello_.node = owner_.node();
  our_hello_.name = how_.name;
  our_hello_.nonce.resize(nonce_size);
  if (getrandom(our_hello_.nonce.data(), nonce_size, 0) != ssize_t{nonce_size})
    return close("the system gives no random numbers");
  our_hello_.wants_proof = !credentials_->token.empty();
  our_hello_.max_frame = static_cast<std::uint32_t>(how_.max_frame);
  our_hello_.window = how_.window;
  our_hello_.confirms = true;
  our_hello_.process = static_cast<std::uint32_t>(::getpid());
  our_hello_.silence_ms = static_cast<std::uint32_t>(how_.silence.count());
  say(control::hello, our_hello_);
  stream_->begin(as_user());
  tick();
}

void link::on_begun(const std::error_code& error) {
  if (state_ == state::closed)
    return;
  if (error)
    return close(stream_->describe(error));
  writer_.begin();
  flush();
  read();
}

// ---- the end ----

void link::refuse(wire::RefusalReason why, const std::string& text) {
  if (state_ == state::closed || closes_when_written_)
    return;
  if (!writer_.has_begun() || writer_.error())
    return close(text); // nobody can hear it
  acknowledge(true);    // what came is not lost, although nothing more will be heard
  release_outbox();     // the refusal is the last frame
  wire::RefusalT refusal;
  refusal.reason = why;
  refusal.text = text;
  say(control::refusal, refusal);
  closes_when_written_ = true;
  why_closed_ = text;
  flush();
}

void link::protocol_error(const std::string& what) { refuse(wire::RefusalReason::Protocol, what); }

void link::close(const std::string& why) {
  if (state_ == state::closed)
    return;
  const auto self = shared_from_this(); // the owner may forget us
  state_ = state::closed;
  release_outbox();
  writer_.end();
  timer_.cancel();
  acknowledging_.cancel();
  holding_.cancel();
  for (const auto& [correlation, request] : being_answered_)
    stop_asking(request); // nobody waits for it any more
  being_answered_.clear();
  decltype(asked_) asked; // whoever asked hears that nobody answers
  {
    std::lock_guard lock(asking_);
    asked.swap(asked_);
  }
  owner_.link_is_closed(*this, why);
}

// ---- bytes ----

void link::read() {
  if (reading_ || stopped_ || held_ || state_ == state::closed)
    return;
  reading_ = true;
  stream_->read_some(reader_.room(least_room), as_user());
}

void link::on_read(const std::error_code& error, std::size_t count) {
  reading_ = false;
  if (error)
    return close(stream_->describe(error));
  if (state_ == state::closed)
    return;
  last_heard_ = steady_clock::now();
  stats_.bytes_in += count;
  reader_.filled(count);
  handle_all();
}

void link::handle_all() {
  {
    // What comes may go on over other links: what is theirs goes out together, at the end.
    const gathering_here here;
    while (state_ != state::closed && !closes_when_written_ && !stopped_ && !held_) {
      auto next = reader_.next();
      if (!next) {
        protocol_error(next.error().text);
        break;
      }
      if (!*next)
        break;
      handle(**next);
      if (const auto pause = pace_.pause(); pause.count() != 0)
        hold(pause);
    }
  }
  acknowledge(false);
  flush();
  read();
}

void link::go_on() {
  stopped_ = false;
  last_heard_ = steady_clock::now(); // it could not be heard
  handle_all();
}

void link::flush() {
  if (state_ == state::closed)
    return;
  switch (writer_.flush()) {
  case writer::progress::done:
    if (closes_when_written_)
      close(why_closed_);
    return;
  case writer::progress::rest:
    return writer_.write_rest(as_user());
  case writer::progress::failed:
    return stop_writing(writer_.error());
  case writer::progress::busy:
    if (writer_.waiting() > most_unwritten(how_))
      close("the other side does not read what it is sent");
    return;
  }
}

void link::flush_rest() {
  if (state_ == state::closed)
    return;
  if (const auto error = writer_.error())
    return stop_writing(error);
  writer_.write_rest(as_user());
}

void link::on_written(const std::error_code& error, std::size_t count) {
  if (error)
    return stop_writing(error);
  writer_.on_written(count);
  flush();
  if (peer_ != nullptr && state_ == state::up)
    peer_->waiting->go_on();
}

// The other side is gone. What it said last may tell why, so all that has come is read: its end closes the link.
void link::stop_writing(const std::error_code& error) {
  if (stopped_ || held_)
    close(stream_->describe(error));
}

link_stats link::stats() const {
  auto now = stats_;
  now.bytes_out = writer_.bytes_out();
  return now;
}

// ---- time ----

// Twice within the time after which the other side would take us for dead, whatever we were told.
std::chrono::milliseconds link::beat() const {
  auto beat = std::min(how_.heartbeat, how_.hello_timeout);
  if (hello_.silence_ms != 0)
    beat = std::min(beat, std::max(milliseconds(1), milliseconds(hello_.silence_ms) / 3));
  return beat;
}

void link::tick() {
  const auto now = steady_clock::now();
  if (state_ != state::up && now - started_ >= how_.hello_timeout) {
    refuse(wire::RefusalReason::Late, "no whole greeting came in time");
    return close("no whole greeting came in time");
  }
  // Who does not read for want of room here cannot hear either.
  if (!stopped_ && !held_ && now - last_heard_ >= how_.silence)
    return close("nothing was heard for " + std::to_string(how_.silence.count()) + " ms");
  if (closes_when_written_ && now - last_heard_ >= how_.hello_timeout)
    return close(why_closed_);
  if (state_ == state::up) {
    acknowledge(true);
    tell_drops();
    forget_settled_requests();
    if (const auto bytes_out = writer_.bytes_out(); std::exchange(bytes_out_before_, bytes_out) == bytes_out)
      writer_.add([](byte_buffer& out) { append_control(out, control::heartbeat, {}); });
    flush();
  }
  if (state_ != state::closed)
    tick_later();
}

// In place of a tick that was to come.
void link::tick_later() {
  timer_.expires_after(beat());
  timer_.async_wait([self = shared_from_this()](const std::error_code& error) {
    if (!error && self->state_ != state::closed)
      self->tick();
  });
}

// ---- control ----

void link::handle(const frame& what) {
  if (what.is_control()) {
    pace_.heard_control(control(what.header.type_id) == control::node_state, last_heard_);
    return handle_control(what);
  }
  pace_.heard_message(padded(what.header.length), last_heard_);
  if (state_ != state::up)
    return protocol_error("a message came before the greeting was over");
  on_data(what);
}

void link::handle_control(const frame& what) {
  const auto kind = control(what.header.type_id);
  if (kind == control::refusal) {
    const auto refusal = wire::read<wire::Refusal>(what.payload);
    was_left_ = refusal && refusal->reason == wire::RefusalReason::Leaving;
    if (was_left_)
      return close(refusal->text);
    return close(refusal ? "the other side refuses: " + refusal->text : "the other side refuses without a reason");
  }
  const bool greeting = kind == control::hello || kind == control::proof || kind == control::ready;
  if (!greeting && state_ != state::up)
    return protocol_error("control frame " + std::to_string(what.header.type_id) +
                          " came before the greeting was over");
  switch (kind) {
  case control::hello:
    return on_hello(what.payload);
  case control::proof:
    return on_proof(what.payload);
  case control::ready:
    return on_ready(what.payload);
  case control::node_state:
    if (what.payload.size() > how_.of_one_link.state_size)
      return protocol_error("a NodeState of " + std::to_string(what.payload.size()) + " bytes is over the limit of " +
                            std::to_string(how_.of_one_link.state_size));
    if (auto news = wire::read<wire::NodeState>(what.payload))
      return owner_.heard_state(*this, std::move(*news));
    return protocol_error("a NodeState that is none");
  case control::credit:
    return on_credit(what.payload);
  case control::receipt:
    return on_receipt(what.payload);
  case control::lost:
    if (const auto lost = wire::read<wire::Lost>(what.payload))
      return owner_.heard_lost(*this, lost->type_id, lost->count);
    return protocol_error("a Lost that is none");
  case control::forget:
    if (const auto request = being_answered_.find(what.header.correlation); request != being_answered_.end()) {
      stop_asking(request->second);
      being_answered_.erase(request);
    }
    return;
  default: // heartbeat, and a second refusal
    return;
  }
}

void link::on_hello(bytes payload) {
  auto hello = wire::read<wire::Hello>(payload);
  if (!hello || hello->nonce.size() != nonce_size || hello->node == 0)
    return protocol_error("a Hello that is none");
  if (heard_hello_)
    return protocol_error("a second Hello");
  heard_hello_ = true;
  hello_ = std::move(*hello);
  tick_later(); // it may want to hear more often than the first tick comes
  if (hello_.version != protocol_version)
    return refuse(wire::RefusalReason::Version, "this side speaks version " + std::to_string(protocol_version) +
                                                    " of the protocol, not " + std::to_string(hello_.version));
  if (hello_.window < least_window || hello_.max_frame < least_frame)
    return protocol_error("a Hello with a window under 64 KiB or a max_frame under 1 KiB");
  if (hello_.node == our_hello_.node)
    return refuse(wire::RefusalReason::Itself, "this is the same node");
  if (hello_.nonce == our_hello_.nonce)
    return refuse(wire::RefusalReason::Proof, "the nonce is ours, come back");
  if (hello_.wants_proof) {
    if (credentials_->token.empty())
      return close("the other side asks for a token; give this side the same one (token_file)");
    wire::ProofT proof;
    const auto mac = proof_of(dialed_);
    proof.mac.assign(mac.begin(), mac.end());
    say(control::proof, proof);
  }
  state_ = our_hello_.wants_proof ? state::proving : state::waiting_for_ready;
  if (state_ == state::waiting_for_ready)
    send_ready();
}

// HMAC-SHA256 with the token over: a label with the prover's role, both nonces and both node ids, the dialer's first.
std::array<std::uint8_t, 32> link::proof_of(bool dialer) const {
  std::string text = dialer ? "mycelium bridge 1 dialer" : "mycelium bridge 1 listener";
  const auto add = [&text](const wire::HelloT& hello) {
    text.append(reinterpret_cast<const char*>(hello.nonce.data()), hello.nonce.size());
    text.append(reinterpret_cast<const char*>(&hello.node), sizeof hello.node);
  };
  add(dialed_ ? our_hello_ : hello_);
  add(dialed_ ? hello_ : our_hello_);
  return hmac_sha256(credentials_->token, text);
}

void link::on_proof(bytes payload) {
  if (state_ != state::proving)
    return protocol_error("a Proof that nobody asked for");
  const auto proof = wire::read<wire::Proof>(payload);
  const auto expected = proof_of(!dialed_);
  if (!proof || !equal_in_constant_time(proof->mac, expected))
    return refuse(wire::RefusalReason::Proof, "the token is another one");
  state_ = state::waiting_for_ready;
  send_ready();
}

void link::send_ready() {
  auto verdict = owner_.admit(*this);
  if (verdict.who == nullptr)
    return refuse(verdict.why, verdict.text);
  peer_ = verdict.who;
  rule_is(std::move(verdict.by));
  reader_.limit(how_.max_frame);
  wire::ReadyT ready;
  for (const auto& type : owner_.known_types()) {
    auto each = std::make_unique<wire::TypeDigestT>();
    each->type_id = type.type_id;
    each->digest.assign(type.type_digest.begin(), type.type_digest.end());
    ready.types.push_back(std::move(each));
  }
  ready.stream = peer_->stream;
  ready.heard_stream = peer_->heard_stream;
  ready.heard = peer_->heard;
  say(control::ready, ready);
  if (ready_)
    become_up();
}

void link::on_ready(bytes payload) {
  if (!heard_hello_ || ready_)
    return protocol_error("a Ready at the wrong time");
  auto ready = wire::read<wire::Ready>(payload);
  if (!ready || ready->stream == 0)
    return protocol_error("a Ready that is none");
  ready_ = std::move(*ready);
  if (peer_ != nullptr)
    become_up();
}

void link::become_up() {
  for (const auto& theirs : ready_->types) {
    const auto ours = bus_.schemas().find(theirs->type_id);
    if (ours && !std::ranges::equal(ours->type_digest, theirs->digest))
      differing_.insert(theirs->type_id);
  }
  if (ready_->stream != peer_->heard_stream) {
    peer_->heard_stream = ready_->stream;
    peer_->heard = 0;
    peer_->receiving->begin_stream();
  }
  state_ = state::up;
  peer_->receiving->begin_link();
  owner_.link_is_up(*this);
  if (state_ != state::up)
    return;
  const std::shared_ptr<outbox::carrier> by(shared_from_this(), this);
  const bool knows_ours = ready_->heard_stream == peer_->stream;
  peer_->waiting->begin(by, window(), knows_ours ? std::optional(ready_->heard) : std::nullopt);
}

void link::release_outbox() {
  if (peer_ != nullptr)
    peer_->waiting->release(*this);
}

void link::send_state(const wire::NodeStateT& news) {
  if (state_ != state::up)
    return;
  say(control::node_state, news);
  flush();
}

} // namespace mycelium::bridge
