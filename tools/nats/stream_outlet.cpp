#include "tools/nats/stream_outlet.hpp"

#include <nlohmann/json.hpp>

namespace mycelium::nats {
namespace {

using namespace std::chrono_literals;

constexpr auto retry_pause = 250ms; // after an error that passes: no leader, no stream yet
constexpr auto look_again = 100ms;
constexpr int message_too_long = 10054; // JetStream's number for it

struct acknowledgement {
  bool stored = false;
  bool duplicate = false;
  bool never = false; // publishing again is of no use
  std::string problem;
};

// {"stream": "S", "seq": 7, "duplicate": true} or {"error": {"code": 503, "err_code": 10076, "description": "..."}}
acknowledgement read_acknowledgement(natsMsg* answer) {
  if (natsMsg_IsNoResponders(answer))
    return {.problem = "no stream takes it"};
  const auto page = nlohmann::json::parse(natsMsg_GetData(answer),
                                          natsMsg_GetData(answer) + natsMsg_GetDataLength(answer), nullptr, false);
  if (!page.is_object())
    return {.problem = "an answer that is no acknowledgement"};
  if (const auto error = page.find("error"); error != page.end() && error->is_object()) {
    const auto text = error->find("description");
    const auto code = error->find("err_code");
    return {.never = code != error->end() && *code == message_too_long,
            .problem = text != error->end() && text->is_string() ? text->get<std::string>() : "an error"};
  }
  const auto duplicate = page.find("duplicate");
  return {.stored = page.contains("seq"), .duplicate = duplicate != page.end() && *duplicate == true, .problem = {}};
}

} // namespace

result<std::unique_ptr<stream_outlet>> stream_outlet::start(const context& shared) {
  std::unique_ptr<stream_outlet> made(new stream_outlet(shared));
  auto opened = tap::open(shared, true, MYCELIUM_POLICY_BLOCK);
  if (!opened)
    return opened.error();
  made->tap_ = std::move(*opened);
  if (!made->tap_->has_types())
    return made;
  auto answers =
      inbox::open(*shared.link, [o = made.get()](std::uint64_t number, natsMsg* m) { o->answered(number, m); });
  if (!answers)
    return answers.error();
  made->answers_ = std::move(*answers);
  made->thread_.start("myc.nats.store", [o = made.get()] { o->run(); });
  return made;
}

stream_outlet::~stream_outlet() {
  if (!thread_.stopping())
    finish(clock::now());
  answers_.reset();
}

void stream_outlet::finish(clock::time_point until) {
  finish_by_ns_.store(until.time_since_epoch().count(), std::memory_order_seq_cst);
  thread_.ask_to_stop();
  tap_->wake();
  changed_.notify_all();
  thread_.stop();
  std::lock_guard lock(mutex_);
  forget_done_locked();
  for (const auto& each : window_)
    shared_.counts->lost += each.is_done ? 0 : 1;
  shared_.counts->lost += tap_->waiting();
  window_.clear();
}

std::size_t stream_outlet::on_their_way() const {
  std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(std::ranges::count(window_, false, &waiting::is_done));
}

void stream_outlet::run() {
  while (!is_finished()) {
    publish_again();
    if (room() > 0 && shared_.link->is_up())
      take_more();
    else
      wait_for_room();
  }
}

bool stream_outlet::is_finished() {
  if (!thread_.stopping())
    return false;
  if (clock::now().time_since_epoch().count() >= finish_by_ns_.load() || shared_.link->is_over())
    return true;
  return on_their_way() == 0 && tap_->waiting() == 0;
}

std::size_t stream_outlet::room() {
  std::lock_guard lock(mutex_);
  forget_done_locked();
  return window - window_.size();
}

void stream_outlet::forget_done_locked() {
  while (!window_.empty() && window_.front().is_done) {
    window_.pop_front();
    ++first_;
  }
}

void stream_outlet::take_more() {
  // One that was lost is looked for soon; when nothing is on its way, a message or the end wakes us up.
  const auto patience = thread_.stopping() ? 0ms : on_their_way() > 0 ? look_again : 60'000ms;
  for (auto& m : tap_->take(room(), patience)) {
    auto what = to_carry(shared_, m.get());
    if (!what)
      continue;
    const auto& type = *shared_.types->find(what->envelope.type_id);
    if (mycelium_message_is_request(m.get()) != 0) {
      shared_.refuse(refusal::request, type.subject + ": requests of durable types are not carried");
      continue;
    }
    std::uint64_t number = 0;
    natsMsg* content = nullptr;
    {
      std::lock_guard lock(mutex_);
      number = first_ + window_.size();
    }
    auto made = make_message(type.subject.c_str(), answers_->subject(number).c_str(), *what, payload_of(m.get()));
    if (made && natsMsgHeader_Set(made->get(), header::message_id, message_id_of(*what).c_str()) != NATS_OK)
      made = failure{status::internal, "out of memory"};
    if (!made) {
      shared_.refuse(refusal::headers, made.error().text);
      continue;
    }
    {
      std::lock_guard lock(mutex_);
      content = made->get();
      window_.push_back({std::move(*made), clock::now() + shared_.how->acknowledge_within, false});
    }
    ++shared_.counts->stored;
    const auto done = shared_.link->send(content);
    if (done == NATS_MAX_PAYLOAD) {
      std::lock_guard lock(mutex_);
      window_.back().is_done = true;
      shared_.refuse(refusal::size, type.subject + ": a message is longer than the NATS server takes");
    }
  }
}

// All of them over a new connection; else those that were not acknowledged in time.
void stream_outlet::publish_again() {
  if (!shared_.link->is_up())
    return;
  const auto epoch = shared_.link->epoch();
  const auto now = clock::now();
  std::vector<natsMsg*> late; // stay in the window: only this thread takes out what others have marked
  {
    std::lock_guard lock(mutex_);
    for (auto& each : window_)
      if (!each.is_done && (epoch != epoch_ || each.due <= now)) {
        late.push_back(each.content.get());
        each.due = now + shared_.how->acknowledge_within;
      }
  }
  epoch_ = epoch;
  for (auto* each : late) {
    ++shared_.counts->again;
    static_cast<void>(shared_.link->send(each));
  }
}

void stream_outlet::wait_for_room() {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, look_again, [this] { return !window_.empty() && window_.front().is_done; });
}

void stream_outlet::answered(std::uint64_t number, natsMsg* answer) {
  const auto told = read_acknowledgement(answer);
  if (natsMsg_IsNoResponders(answer))
    shared_.stream_is_missing->store(true);
  bool warns = false;
  {
    std::lock_guard lock(mutex_);
    if (number < first_ || number - first_ >= window_.size() || window_[number - first_].is_done)
      return; // acknowledged before
    auto& which = window_[number - first_];
    if (told.stored || told.never)
      which.is_done = true;
    else
      which.due = clock::now() + retry_pause;
    warns = !told.problem.empty() && !std::exchange(warned_, true);
    warned_ = warned_ && !told.stored;
  }
  changed_.notify_all();
  if (told.stored)
    ++shared_.counts->acknowledged;
  if (told.duplicate)
    ++shared_.counts->duplicates;
  if (told.never)
    shared_.refuse(refusal::size, told.problem);
  else if (warns)
    shared_.link->log("the stream " + shared_.how->stream + " does not keep a message: " + told.problem +
                      "; trying again");
}

} // namespace mycelium::nats
