#include "tools/recording/replayer.hpp"

namespace mycelium::recording {
namespace {

MyceliumEnvelope envelope_of(const entry& content) {
  MyceliumEnvelope envelope{};
  envelope.struct_size = sizeof envelope;
  envelope.type_id = content.type_id;
  envelope.priority = content.priority;
  envelope.has_trace = content.has_trace ? 1 : 0;
  envelope.trace_flags = content.trace_flags;
  std::ranges::copy(content.trace_id, envelope.trace_id);
  std::ranges::copy(content.span_id, envelope.span_id);
  envelope.correlation_id = content.correlation_id;
  // A subscription's id means nothing on another bus.
  envelope.destination = content.destination == MYCELIUM_TO_KEY ? MYCELIUM_TO_KEY : MYCELIUM_TO_ALL;
  envelope.destination_key = content.destination == MYCELIUM_TO_KEY ? content.destination_key : 0;
  return envelope;
}

class run {
public:
  run(MyceliumRuntime* runtime, recording_reader& from, const replay_options& options, pacer& pace,
      replay_totals& totals)
      : runtime_(runtime), from_(from), options_(options), pace_(pace), totals_(totals) {}

  result<void> all();

private:
  result<bool> pass(); // false if stopped
  result<bool> one(const recorded_message& message);
  result<void> admit(const recorded_channel& channel);
  result<std::uint64_t> beginning();
  std::int64_t due(std::uint64_t log_time) const noexcept;

  MyceliumRuntime* runtime_;
  recording_reader& from_;
  const replay_options& options_;
  pacer& pace_;
  replay_totals& totals_;
  std::set<std::uint16_t> admitted_; // types
  std::uint64_t first_time_ = 0;     // log_time that falls on start_ns_
  std::int64_t start_ns_ = 0;
  std::int64_t last_due_ = 0;
};

std::uint64_t add(std::uint64_t time, std::int64_t offset) noexcept {
  const auto far = static_cast<std::uint64_t>(offset);
  return far > UINT64_MAX - time ? UINT64_MAX : time + far;
}

result<std::uint64_t> run::beginning() {
  if (const auto& told = from_.contents().statistics)
    return told->start_time;
  from_.rewind();
  for (;;) {
    const auto first = from_.next();
    if (first && *first)
      return (*first)->content.log_time;
    if (first)
      return std::uint64_t{0}; // empty
    if (!options_.skip_damaged)
      return first.error();
  }
}

result<void> run::all() {
  const auto began = beginning();
  if (!began)
    return began.error();
  first_time_ = add(*began, options_.from_ns);
  start_ns_ = pace_.now_ns();
  while (totals_.loops < options_.loops) {
    const auto published = totals_.published;
    from_.rewind(first_time_, add(*began, options_.to_ns));
    const auto done = pass();
    if (!done)
      return done.error();
    if (!*done) {
      totals_.stopped = true;
      return {};
    }
    ++totals_.loops;
    if (totals_.published == published)
      break; // nothing to repeat
    start_ns_ = last_due_;
  }
  return {};
}

result<bool> run::pass() {
  last_due_ = start_ns_;
  for (;;) {
    const auto found = from_.next();
    if (!found) {
      ++totals_.damaged;
      if (!options_.skip_damaged)
        return failure{found.error().code, from_.name() + ", " + found.error().text};
      continue;
    }
    if (!*found)
      return true;
    const auto& message = **found;
    if (message.content.type_id == 0) {
      ++totals_.skipped;
      continue;
    }
    if (!options_.types.empty() && !options_.types.contains(message.content.type_id))
      continue;
    const auto published = one(message);
    if (!published || !*published)
      return published;
  }
}

std::int64_t run::due(std::uint64_t log_time) const noexcept {
  const auto since = static_cast<double>(log_time - std::min(log_time, first_time_)) / options_.speed;
  return start_ns_ + static_cast<std::int64_t>(std::min(since, 9e18 - static_cast<double>(start_ns_)));
}

result<bool> run::one(const recorded_message& message) {
  if (!admitted_.contains(message.content.type_id))
    if (auto admitted = admit(*message.channel); !admitted)
      return admitted.error();
  if (options_.speed > 0) {
    last_due_ = std::max(last_due_, due(message.content.log_time));
    if (!pace_.wait_until(last_due_))
      return false;
  } else if (pace_.stopped()) {
    return false;
  }
  const auto envelope = envelope_of(message.content);
  const auto done =
      mycelium_publish_envelope(runtime_, &envelope, message.content.payload.data(), message.content.payload.size());
  if (done == MYCELIUM_ERROR_FULL || done == MYCELIUM_ERROR_TIMEOUT) {
    ++totals_.not_delivered;
  } else if (done < 0) {
    return failure{static_cast<status>(done), "type " + std::to_string(message.content.type_id) +
                                                  " cannot be published: " + mycelium_last_error()};
  }
  ++totals_.published;
  return true;
}

result<void> run::admit(const recorded_channel& channel) {
  schema::digest here{};
  const auto known = mycelium_type_digest(runtime_, channel.type_id, here.data()) == MYCELIUM_SUCCESS;
  const auto named = channel.name.empty() ? "type " + std::to_string(channel.type_id) : channel.name;
  if (known && channel.digest && *channel.digest != here && !options_.any_schema)
    return failure{status::digest, named + " was recorded with another schema than the bus has: " +
                                       to_hex(*channel.digest).substr(0, 16) + " is not " + to_hex(here).substr(0, 16) +
                                       ". Replay other types only, or allow any schema"};
  if (const auto bfbs = from_.schema_of(channel); !known && !bfbs.empty()) {
    const auto added = mycelium_register_schema(runtime_, bfbs.data(), bfbs.size(), nullptr);
    if (added < 0 && !options_.any_schema)
      return failure{static_cast<status>(added),
                     "the schema of " + named + " in the recording: " + mycelium_last_error()};
  }
  admitted_.insert(channel.type_id);
  return {};
}

} // namespace

result<void> replay(MyceliumRuntime* runtime, recording_reader& from, const replay_options& options, pacer& pace,
                    replay_totals& totals) {
  mycelium_thread_interrupt_check([](void* p) -> std::int32_t { return static_cast<pacer*>(p)->stopped() ? 1 : 0; },
                                  &pace);
  auto outcome = run(runtime, from, options, pace, totals).all();
  mycelium_thread_interrupt_check(nullptr, nullptr);
  return outcome;
}

} // namespace mycelium::recording
