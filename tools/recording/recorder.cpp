#include "tools/recording/recorder.hpp"

#include "schema/report_type.hpp"

#include <ctime>
#include <sched.h>
#include <tuple>

namespace mycelium::recording {
namespace {

constexpr std::size_t most_held_bytes = std::size_t{256} << 20U;
// A message whose timestamp is older than this when it is taken comes from elsewhere, with another clock.
constexpr std::int64_t oldest_ns = 100'000'000;
constexpr std::int64_t retry_ns = 1'000'000;

std::int64_t clock_ns(clockid_t clock) noexcept {
  timespec now{};
  clock_gettime(clock, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

failure last_failure(std::int32_t code, const std::string& what) {
  return {static_cast<status>(code), what + ": " + mycelium_last_error()};
}

entry entry_of(const MyceliumMessage* message) {
  MyceliumEnvelope envelope{};
  envelope.struct_size = sizeof envelope;
  mycelium_message_envelope(message, &envelope);
  entry content;
  content.type_id = envelope.type_id;
  content.priority = envelope.priority;
  content.is_request = mycelium_message_is_request(message) == 1;
  content.has_trace = envelope.has_trace != 0;
  content.trace_flags = envelope.trace_flags;
  content.destination = envelope.destination;
  content.destination_key = envelope.destination_key;
  content.correlation_id = envelope.correlation_id;
  content.sequence = envelope.sequence;
  content.publisher_id = envelope.publisher_id;
  content.timestamp_ns = envelope.timestamp_ns;
  std::ranges::copy(envelope.trace_id, content.trace_id.begin());
  std::ranges::copy(envelope.span_id, content.span_id.begin());
  std::size_t length = 0;
  const auto* payload = mycelium_message_payload(message, &length);
  content.payload = {payload, length};
  return content;
}

} // namespace

result<recorder> recorder::start(MyceliumRuntime* runtime, recording_writer writer, type_catalogue catalogue,
                                 const record_options& options) {
  recorder started(runtime, std::move(writer), std::move(catalogue), options);
  if (const auto opened = mycelium_queue_open(runtime, &started.queue_); opened < 0)
    return last_failure(opened, "the recorder's queue");
  if (const auto found = mycelium_queue_fd(runtime, started.queue_, &started.fd_); found < 0)
    return last_failure(found, "the recorder's queue");
  for (const auto type_id : options.types)
    if (auto subscribed = started.subscribe(type_id); !subscribed)
      return subscribed.error();
  if (auto found = started.find_new_types(); !found)
    return found.error();
  return started;
}

recorder::recorder(recorder&& other) noexcept
    : runtime_(other.runtime_), writer_(std::move(other.writer_)), catalogue_(std::move(other.catalogue_)),
      options_(std::move(other.options_)), queue_(std::exchange(other.queue_, 0)), fd_(std::exchange(other.fd_, -1)),
      subscriptions_(std::move(other.subscriptions_)), held_(std::exchange(other.held_, {})),
      held_bytes_(other.held_bytes_), added_(other.added_), dropped_(other.dropped_),
      chunk_since_ns_(other.chunk_since_ns_) {}

recorder::~recorder() {
  release_all();
  if (queue_ != 0)
    mycelium_queue_close(runtime_, queue_);
}

// Reports of nodes are published because somebody subscribes to them: not for a recorder that was not asked to.
result<void> recorder::find_new_types() {
  if (!options_.types.empty())
    return {};
  schema::digest digest{};
  for (std::uint32_t type_id = 1; type_id <= UINT16_MAX; ++type_id) {
    const auto id = static_cast<std::uint16_t>(type_id);
    if (id != schema::report_type_id && !subscriptions_.contains(id) &&
        mycelium_type_digest(runtime_, id, digest.data()) == MYCELIUM_SUCCESS)
      if (auto subscribed = subscribe(id); !subscribed)
        return subscribed;
  }
  return {};
}

result<void> recorder::subscribe(std::uint16_t type_id) {
  // A schema belongs to a type if it says the same as the one that publishers agreed on with the runtime.
  schema::digest digest{};
  const auto* known = catalogue_.find(type_id);
  if (mycelium_type_digest(runtime_, type_id, digest.data()) == MYCELIUM_SUCCESS) {
    if (known != nullptr && known->type.type_digest == digest)
      writer_.describe(*known);
    else
      writer_.describe({{type_id, "", "", digest}, nullptr});
  }
  const auto name = "recorder of type " + std::to_string(type_id);
  MyceliumSubscribeOptions options;
  mycelium_subscribe_options_init(&options);
  options.name = name.c_str();
  options.policy = options_.policy;
  options.capacity = options_.capacity;
  options.queue_id = queue_;
  std::uint64_t id = 0;
  if (const auto done = mycelium_subscribe_with_options(runtime_, type_id, &options, &id); done < 0)
    return last_failure(done, name);
  subscriptions_.emplace(type_id, id);
  return {};
}

std::int64_t recorder::wait_ns() const noexcept {
  if (!held_.empty() || !due_.empty())
    return retry_ns;
  if (!writer_.has_unwritten())
    return -1;
  return std::max<std::int64_t>(0, chunk_since_ns_ + options_.chunk_age_ns - clock_ns(CLOCK_MONOTONIC));
}

// A queue takes turns between its subscriptions, so what one publisher published of different types comes out of order.
// Therefore rounds: a round begins by counting what waits in each mailbox, and ends when so much has been taken.
// Whatever was taken before a round began has had everything before it taken when that round ends: then it can be
// written. (That the queue has nothing to hand out would not be enough. It may not have heard yet of a message that
// waits.)
result<void> recorder::write_ready() {
  if (auto taken = go_on_with_round(); !taken)
    return taken;
  if (auto written = write_in_order(false); !written)
    return written;
  const auto now = clock_ns(CLOCK_MONOTONIC);
  if (writer_.has_unwritten() && now - chunk_since_ns_ >= options_.chunk_age_ns)
    return writer_.flush();
  return {};
}

result<void> recorder::go_on_with_round() {
  if (due_.empty()) {
    ++round_;
    for (const auto& [type_id, id] : subscriptions_)
      if (const auto waiting = stats_of(id).waiting; waiting > 0)
        due_.emplace(type_id, waiting);
  }
  bool emptied = false;
  while (!due_.empty() && !emptied) {
    if (held_.size() >= options_.most_held || held_bytes_ >= most_held_bytes) {
      for (auto& held : held_)
        held.round = 0; // as if everything before had come
      return {};
    }
    if (auto received = receive(emptied); !received)
      return received;
  }
  if (emptied) // a mailbox may have dropped what was due
    std::erase_if(due_, [this](const auto& due) { return stats_of(subscriptions_.at(due.first)).waiting == 0; });
  if (due_.empty())
    completed_ = round_;
  return {};
}

result<void> recorder::receive(bool& emptied) {
  std::array<MyceliumDelivery, 256> deliveries;
  std::size_t count = 0;
  const auto done = mycelium_queue_receive(runtime_, queue_, deliveries.data(), deliveries.size(), 0, &count);
  emptied = count < deliveries.size();
  if (done < 0 && done != MYCELIUM_ERROR_TIMEOUT && done != MYCELIUM_ERROR_CLOSED)
    return last_failure(done, "the recorder's queue");
  for (std::size_t i = 0; i < count; ++i)
    if (deliveries[i].message != nullptr)
      hold(deliveries[i].message);
  return {};
}

void recorder::hold(MyceliumMessage* message) {
  held_.push_back({message, entry_of(message), round_});
  const auto& content = held_.back().content;
  held_bytes_ += content.payload.size();
  if (const auto due = due_.find(content.type_id); due != due_.end() && --due->second == 0)
    due_.erase(due);
}

void recorder::put_in_order() {
  order_.clear();
  for (const auto& held : held_)
    order_.push_back({held.content.timestamp_ns, held.content.publisher_id, held.content.sequence,
                      static_cast<std::uint32_t>(order_.size()), held.round < completed_ || held.round == 0});
  // Within a publisher its own count decides, since clocks may be set back.
  std::ranges::sort(order_, {}, [](const place& each) { return std::pair(each.publisher_id, each.sequence); });
  for (std::size_t i = 1; i < order_.size(); ++i)
    if (order_[i].publisher_id == order_[i - 1].publisher_id)
      order_[i].time = std::max(order_[i].time, order_[i - 1].time);
  for (std::size_t i = order_.size(); i-- > 1;) // what stands before something complete is complete
    if (order_[i].publisher_id == order_[i - 1].publisher_id && order_[i].complete)
      order_[i - 1].complete = true;
  std::ranges::sort(order_, {},
                    [](const place& each) { return std::tuple(each.time, each.publisher_id, each.sequence); });
}

result<void> recorder::write_in_order(bool at_end) {
  put_in_order();
  const auto now = clock_ns(CLOCK_REALTIME);
  if (!writer_.has_unwritten())
    chunk_since_ns_ = clock_ns(CLOCK_MONOTONIC);
  std::vector<held_message> rest;
  result<void> written;
  bool goes_on = true;
  for (const auto& next : order_) {
    auto& held = held_[next.at];
    // At the end nothing more will come: what is complete does not wait for older messages of others.
    goes_on = goes_on && written && (next.complete || at_end) && !has_enough();
    if (!goes_on || !next.complete) {
      rest.push_back(held);
      continue;
    }
    const bool plausible = next.time <= now && now - next.time <= oldest_ns;
    held.content.log_time = static_cast<std::uint64_t>(plausible ? next.time : now);
    written = writer_.add(held.content);
    ++added_;
    held_bytes_ -= held.content.payload.size();
    mycelium_message_release(held.message);
  }
  held_ = std::move(rest);
  return written;
}

void recorder::release_all() noexcept {
  for (const auto& held : held_)
    mycelium_message_release(held.message);
  held_.clear();
  held_bytes_ = 0;
}

// What is in the mailboxes now is recorded, and nothing of what is published from here on, however fast that goes: this
// round, one that takes all of it, and one that completes it.
result<void> recorder::take_the_rest() {
  for (const auto last = round_ + 2; completed_ < last && !has_enough();) {
    if (auto taken = go_on_with_round(); !taken)
      return taken;
    if (auto written = write_in_order(false); !written)
      return written;
    sched_yield(); // to a publisher that is about to tell the queue
  }
  return {};
}

result<void> recorder::finish(std::string_view why) {
  auto outcome = take_the_rest();
  if (outcome)
    outcome = write_in_order(true);
  release_all();
  dropped_ = totals().dropped;
  for (const auto& [type_id, id] : std::exchange(subscriptions_, {}))
    mycelium_unsubscribe(runtime_, id);
  writer_.note(
      {.name = "mycelium.end", .values = {{"reason", std::string(why)}, {"dropped", std::to_string(dropped_)}}});
  auto ended = writer_.finish();
  return outcome ? ended : outcome;
}

MyceliumSubscriptionStats recorder::stats_of(std::uint64_t subscription) const noexcept {
  MyceliumSubscriptionStats stats{};
  stats.struct_size = sizeof stats;
  mycelium_subscription_stats(runtime_, subscription, &stats);
  return stats;
}

recorded_totals recorder::totals() const {
  recorded_totals sum{
      .messages = writer_.messages(), .types = writer_.types(), .dropped = dropped_, .bytes = writer_.size()};
  for (const auto& [type_id, id] : subscriptions_)
    for (const auto count : stats_of(id).dropped)
      sum.dropped += count;
  return sum;
}

} // namespace mycelium::recording
