// Gateways: threads of this process that carry messages between the mesh and another system. They bring what was
// published elsewhere with its origin, so that the mesh treats it as it treats what comes over a link.
#include "actors/bridge/bridge.hpp"

#include <algorithm>
#include <thread>

namespace mycelium::bridge {
namespace {

using namespace std::chrono_literals;

constexpr auto full_pause = 500us; // as that of a link whose message finds no room
constexpr auto flush_pause = 1ms;

} // namespace

result<std::uint64_t> bridge::open_gateway() {
  return on_its_thread(
      [&]() -> result<std::uint64_t> {
        ++gateways_;
        note_outlook(); // from now on somebody looks at it
        return next_link_id_++;
      },
      closed);
}

// On its thread.
void bridge::note_outlook() {
  if (gateways_ == 0)
    return;
  std::vector<node_id> known;
  for (const auto& [node, state] : network_.nodes())
    known.push_back(node);
  auto wanted = network_.wanted();
  {
    std::lock_guard lock(outlook_);
    known_ = std::move(known);
    if (wanted == wanted_)
      return;
    wanted_ = std::move(wanted);
    wanted_version_.fetch_add(1, std::memory_order_seq_cst);
  }
  changes_.signal();
}

bool bridge::knows(std::uint64_t node) const {
  std::lock_guard lock(outlook_);
  return std::ranges::binary_search(known_, node);
}

result<std::vector<std::uint16_t>> bridge::wanted_types(std::uint64_t& version, const runtime::deadline& until) {
  const auto is_news = [&] { return wanted_version_.load(std::memory_order_seq_cst) != version; };
  if (!changes_.wait(until, is_news))
    return failure{status::timeout, "nobody wants other types than before"};
  std::lock_guard lock(outlook_);
  version = wanted_version_.load(std::memory_order_relaxed);
  return wanted_;
}

// What strangers sent is looked at before anybody reads it. On its thread.
status bridge::judge(std::uint64_t gateway, remote_message& message) {
  message.from.link = gateway;
  message.what.from = &message.from;
  const seen_messages::source source{message.from.node, message.from.publisher_id, message.what.type_id};
  if (message.from.node == node_)
    return status::deferred;
  if (!is_valid(message.what.type_id, message.payload)) {
    ++stats_.invalid;
    return status::invalid_payload;
  }
  if (seen_.add(source, message.from.sequence, seen_messages::older::forgotten))
    return status::success;
  ++stats_.repeated;
  return status::deferred;
}

// How many were dealt with, the one whose rest has to be offered again among them. On its thread.
std::size_t bridge::publish_until_full(std::uint64_t gateway, std::span<remote_message> messages,
                                       runtime::undelivered& rest) {
  std::size_t done = 0;
  while (done < messages.size() && rest.empty()) {
    auto& each = messages[done++];
    each.outcome = judge(gateway, each);
    if (each.outcome != status::success)
      continue;
    const auto outcome = bus_.publish_at_once(each.what, each.payload, rest);
    // A full mailbox whose policy is not to wait has counted its drop: the bus has taken the message.
    each.outcome = outcome == status::full ? status::success : outcome;
  }
  return done;
}

result<void> bridge::publish(std::uint64_t gateway, std::span<remote_message> messages) {
  for (auto& each : messages)
    each.outcome = status::closed;
  while (!messages.empty()) {
    runtime::undelivered rest;
    const auto done = on_its_thread([&] { return publish_until_full(gateway, messages, rest); }, std::size_t{0});
    if (done == 0)
      return closed;
    while (!rest.empty() && !bus_.offer_again(rest))
      std::this_thread::sleep_for(full_pause);
    messages = messages.subspan(done);
  }
  return {};
}

result<void> bridge::flush(const runtime::deadline& until) {
  std::vector<node_position> waits;
  const auto begin = [&] {
    waits = offered_by_now();
    return true;
  };
  const auto look = [&] {
    take_out(waits, &outbox::is_dealt_with);
    return true;
  };
  if (!on_its_thread(begin, false))
    return closed;
  for (;;) {
    if (!on_its_thread(look, false))
      return closed;
    if (waits.empty())
      return {};
    if (until.passed())
      return failure{status::timeout, "a neighbour has not acknowledged in time what is on its way to it"};
    std::this_thread::sleep_for(flush_pause);
  }
}

result<status> bridge::request(std::uint64_t gateway, remote_message& message, std::int64_t timeout_ns,
                               const runtime::reply_target& target, std::uint64_t* out_id) {
  const auto judged = on_its_thread([&] { return judge(gateway, message); }, status::closed);
  if (judged == status::closed)
    return closed;
  if (judged != status::success)
    return judged;
  const auto asked = bus_.request_async(message.what, message.payload, timeout_ns, target, out_id);
  return asked ? result<status>(status::success) : result<status>(asked.error());
}

} // namespace mycelium::bridge
