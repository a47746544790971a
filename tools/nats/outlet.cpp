#include "tools/nats/outlet.hpp"

namespace mycelium::nats {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

constexpr auto look_again = 100ms; // whether there is room, or an end

} // namespace

result<std::unique_ptr<outlet>> outlet::start(const context& shared, asker& requests) {
  std::unique_ptr<outlet> made(new outlet(shared, requests));
  const auto when_full = shared.how->waits_when_full ? MYCELIUM_POLICY_BLOCK : MYCELIUM_POLICY_DROP_OLDEST;
  auto opened = tap::open(shared, false, when_full);
  if (!opened)
    return opened.error();
  made->tap_ = std::move(*opened);
  if (made->tap_->has_types())
    made->thread_.start("myc.nats.out", [o = made.get()] { o->run(); });
  return made;
}

outlet::~outlet() { finish(clock::now()); }

void outlet::finish(clock::time_point until) {
  finish_by_ns_.store(std::max<std::int64_t>(1, until.time_since_epoch().count()), std::memory_order_seq_cst);
  thread_.ask_to_stop();
  tap_->wake();
  thread_.stop();
  if (!std::exchange(finished_, true))
    shared_.counts->dropped += tap_->waiting();
}

void outlet::run() {
  for (;;) {
    auto messages = tap_->take(64, thread_.stopping() ? 0ms : 60'000ms);
    for (auto& each : messages)
      carry(std::move(each));
    if (thread_.stopping() && (messages.empty() || clock::now().time_since_epoch().count() >= finish_by_ns_.load()))
      return;
  }
}

void outlet::carry(bus_message m) {
  const auto what = to_carry(shared_, m.get());
  if (!what)
    return;
  const auto& type = *shared_.types->find(what->envelope.type_id);
  if (mycelium_message_is_request(m.get()) != 0)
    requests_.ask(type, *what, std::move(m));
  else
    publish(type, *what, payload_of(m.get()));
}

bool outlet::may_wait() const {
  return shared_.how->waits_when_full && !shared_.link->is_over() &&
         (!thread_.stopping() || clock::now().time_since_epoch().count() < finish_by_ns_.load());
}

void outlet::publish(const chosen_type& type, const carried& what, std::span<const std::uint8_t> payload) {
  auto made = make_message(type.subject.c_str(), nullptr, what, payload);
  if (!made)
    return shared_.refuse(refusal::headers, made.error().text);
  for (;;) {
    const auto epoch = shared_.link->epoch();
    const auto done = shared_.link->publish(made->get());
    if (done == NATS_OK)
      return;
    if (done == NATS_MAX_PAYLOAD)
      return shared_.refuse(refusal::size, type.subject + ": a message of " + std::to_string(payload.size()) +
                                               " bytes is longer than the NATS server takes");
    const bool has_left = done == NATS_IO_ERROR; // perhaps; it is accounted for, and not to be published again
    if (!has_left && !may_wait())
      break;
    static_cast<void>(shared_.link->wait_for_change(epoch, look_again));
    if (has_left)
      return;
  }
  if (shared_.counts->dropped++ == 0)
    shared_.link->log("messages are dropped: there is no connection, and no room to keep more of them");
}

} // namespace mycelium::nats
