#include "tools/recording/recorder.hpp"

#include <ctime>

namespace mycelium::recording {
namespace {

constexpr std::size_t most_held = 8192;
constexpr std::size_t most_held_bytes = std::size_t{64} << 20U;
// The wall-clock time of a message is computed when it is asked for, to within the difference of two clock readings.
constexpr std::int64_t clock_slack_ns = 200'000;
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
      held_bytes_(other.held_bytes_), taken_(other.taken_), dropped_(other.dropped_),
      chunk_since_ns_(other.chunk_since_ns_) {}

recorder::~recorder() {
  release_all();
  if (queue_ != 0)
    mycelium_queue_close(runtime_, queue_);
}

result<void> recorder::find_new_types() {
  if (!options_.types.empty())
    return {};
  schema::digest digest{};
  for (std::uint32_t type_id = 1; type_id <= UINT16_MAX; ++type_id) {
    const auto id = static_cast<std::uint16_t>(type_id);
    if (!subscriptions_.contains(id) && mycelium_type_digest(runtime_, id, digest.data()) == MYCELIUM_SUCCESS)
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
  if (!held_.empty())
    return retry_ns;
  if (!writer_.has_unwritten())
    return -1;
  return std::max<std::int64_t>(0, chunk_since_ns_ + options_.chunk_age_ns - clock_ns(CLOCK_MONOTONIC));
}

// A queue takes turns between its subscriptions, so messages of different types come out of order. Everything that was
// published before `cut` has come out when the queue has been seen empty after it: that much can be written in order.
result<void> recorder::write_ready() {
  const auto cut = clock_ns(CLOCK_REALTIME);
  for (;;) {
    const auto emptied = receive_all();
    if (!emptied)
      return emptied.error();
    put_in_order();
    // With more than fits in, the older half goes: order then is only as good as that.
    const auto until = *emptied ? cut - clock_slack_ns : held_[held_.size() / 2].order;
    if (auto written = write_until(until, false); !written)
      return written;
    if (*emptied || has_enough())
      break;
  }
  const auto now = clock_ns(CLOCK_MONOTONIC);
  if (writer_.has_unwritten() && now - chunk_since_ns_ >= options_.chunk_age_ns)
    return writer_.flush();
  return {};
}

result<bool> recorder::receive_all() {
  std::array<MyceliumDelivery, 256> deliveries;
  while (held_.size() < most_held && held_bytes_ < most_held_bytes) {
    std::size_t count = 0;
    const auto done = mycelium_queue_receive(runtime_, queue_, deliveries.data(), deliveries.size(), 0, &count);
    if (done == MYCELIUM_ERROR_TIMEOUT || done == MYCELIUM_ERROR_CLOSED)
      return true;
    if (done < 0)
      return last_failure(done, "the recorder's queue");
    for (std::size_t i = 0; i < count; ++i)
      if (deliveries[i].message != nullptr)
        hold(deliveries[i].message);
    if (count < deliveries.size())
      return true;
  }
  return false;
}

void recorder::hold(MyceliumMessage* message) {
  if (taken_ >= options_.most_messages) {
    mycelium_message_release(message);
    return;
  }
  ++taken_;
  held_.push_back({message, entry_of(message), 0});
  if (const auto due = due_.find(held_.back().content.type_id); due != due_.end() && --due->second == 0)
    due_.erase(due);
  held_bytes_ += held_.back().content.payload.size();
}

void recorder::put_in_order() {
  // Within a publisher its own count decides, since clocks may be set back.
  std::ranges::sort(
      held_, {}, [](const held_message& held) { return std::pair(held.content.publisher_id, held.content.sequence); });
  const held_message* before = nullptr;
  for (auto& held : held_) {
    held.order = held.content.timestamp_ns;
    if (before != nullptr && before->content.publisher_id == held.content.publisher_id)
      held.order = std::max(held.order, before->order);
    before = &held;
  }
  std::ranges::stable_sort(held_, {}, &held_message::order);
}

result<void> recorder::write_until(std::int64_t cut, bool everything) {
  const auto now = clock_ns(CLOCK_REALTIME);
  if (!writer_.has_unwritten())
    chunk_since_ns_ = clock_ns(CLOCK_MONOTONIC);
  std::size_t count = 0;
  result<void> written;
  for (auto& held : held_) {
    if (!written || (!everything && held.order > cut))
      break;
    ++count;
    const bool plausible = held.order <= now && now - held.order <= oldest_ns;
    held.content.log_time = static_cast<std::uint64_t>(plausible ? held.order : now);
    written = writer_.add(held.content);
    held_bytes_ -= held.content.payload.size();
    mycelium_message_release(held.message);
  }
  held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(count));
  return written;
}

void recorder::release_all() noexcept {
  for (const auto& held : held_)
    mycelium_message_release(held.message);
  held_.clear();
  held_bytes_ = 0;
}

// What waits in the mailboxes now is recorded, and nothing that is published from here on, however fast that goes on.
result<bool> recorder::receive_the_rest() {
  for (const auto& [type_id, id] : subscriptions_)
    if (const auto waiting = stats_of(id).waiting; waiting > 0)
      due_.emplace(type_id, waiting);
  for (;;) {
    const auto emptied = receive_all();
    if (!emptied || *emptied)
      return emptied;
    if (due_.empty() || has_enough())
      return false;
    put_in_order();
    if (auto written = write_until(held_[held_.size() / 2].order, false); !written)
      return written.error();
  }
}

result<void> recorder::finish(std::string_view why) {
  const auto cut = clock_ns(CLOCK_REALTIME) + clock_slack_ns;
  const auto emptied = receive_the_rest();
  result<void> outcome;
  if (emptied) {
    put_in_order();
    outcome = write_until(cut, *emptied || has_enough());
  } else {
    outcome = emptied.error();
  }
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
